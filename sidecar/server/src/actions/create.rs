//! Starting an instance.

use super::planned::{FACTS, Sent, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::authz::{Target, authorise};
use osm_core::ids::{OperationId, ProjectName, Region};
use osm_core::instance::{CreateFacts, CreateRequest, Headroom, SecurityGroup, plan_create};
use osm_core::message::{Msg, Value};
use osm_core::plan::Plan;
use osm_core::quota;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, FieldKind, FieldOption, FieldValue, Form, Level, View};
use std::collections::BTreeMap;
use ulid::Ulid;

/// Where an instance is to be started, allowed and read up on.
struct Ground {
    permit: osm_core::authz::Permit,
    project: ProjectName,
    region: Region,
    facts: CreateFacts,
}

impl Context {
    /// The plan for a create request of any origin, or all that is wrong with it.
    pub(super) async fn planned_create(
        &self,
        caller: &Caller,
        project: &str,
        region: Option<&str>,
        request: &CreateRequest,
    ) -> Result<Plan, Vec<Refusal>> {
        let ground = self
            .ground(caller, project, region)
            .await
            .map_err(|r| vec![r])?;
        plan_create(&ground.permit, &ground.facts, request)
    }

    async fn ground(
        &self,
        caller: &Caller,
        project: &str,
        region: Option<&str>,
    ) -> Result<Ground, Refusal> {
        let project = ProjectName::parse(project)?;
        let region = Region::choose(region, &self.settings.region_names())?;
        let actor = self.actor(caller).await?;
        let target = Target::Project(region.clone(), project.clone());
        let permit = authorise(
            &self.settings.policy,
            &actor,
            Action::InstanceCreate,
            &target,
        )?;
        let managed = self.managed(&project).await?;
        let id = &managed.project_id;
        let network = self
            .settings
            .regions
            .iter()
            .find(|r| r.name == region)
            .map_or("auto", |r| r.network.as_str());
        let (flavors, images, security_groups, quota, network, names) = tokio::try_join!(
            self.compute.flavors(&region, id),
            self.compute.images(&region, id),
            self.compute.security_groups(&region, id),
            self.compute.quota(&region, id),
            self.compute.network(&region, id, network),
            self.operations.names(&region, id),
        )
        .map_err(refuse)?;
        Ok(Ground {
            permit,
            project,
            region,
            facts: CreateFacts {
                project_id: managed.project_id,
                flavors,
                images,
                security_groups,
                headroom: quota.headroom(),
                network,
                names,
            },
        })
    }

    /// `Special:NovaInstance?action=create`.
    pub(super) async fn create_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let Some(project) = request.get("project") else {
            return self.create_where(caller).await;
        };
        let ground = self.ground(caller, project, request.get("region")).await?;
        let asked = CreateRequest {
            name: request.form.text("instancename").trim().to_owned(),
            flavor: request.form.text("instanceType").to_owned(),
            image: request.form.text("imageType").to_owned(),
            security_groups: request.form.all("groups"),
        };
        if !request.post {
            return Ok(create_form(&ground, None, &[]));
        }
        let sent = Sent {
            key: request.idempotency_key.as_deref(),
            body: &format!("create {} {} {asked:?}", ground.region, ground.project),
            facts: request.form.get(FACTS),
            mark: None,
        };
        let submitted = match plan_create(&ground.permit, &ground.facts, &asked) {
            Ok(plan) if request.form.get("dryrun").is_some() => {
                return Ok(preview(create_form(&ground, Some(&asked), &[]), &plan));
            }
            Ok(plan) => self
                .submit(caller, plan, &sent)
                .await
                .map_err(|refusal| vec![refusal]),
            Err(wrong) => Err(wrong),
        };
        let submitted = match submitted {
            // A double click must not hear that the name is taken by its own first half.
            Err(wrong) => self.replayed(caller, &sent).await.ok_or(wrong),
            recorded => recorded,
        };
        Ok(match submitted {
            Ok(operation) => to_list(&operation),
            Err(wrong) => create_form(&ground, Some(&asked), &wrong),
        })
    }

    /// No project named: offers those there are.
    async fn create_where(&self, caller: &Caller) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("createinstance"));
        let mut links = Vec::new();
        for project in self.visible_projects(&actor).await? {
            for region in self.settings.region_names() {
                let target = Target::Project(region.clone(), project.clone());
                let policy = &self.settings.policy;
                if authorise(policy, &actor, Action::InstanceCreate, &target).is_ok() {
                    links.push(Value::special(
                        "NovaInstance",
                        &[
                            ("action", "create"),
                            ("project", project.as_str()),
                            ("region", region.as_str()),
                        ],
                        Msg::new("createinstance-in")
                            .with(project.as_str())
                            .with(region.as_str()),
                    ));
                }
            }
        }
        if links.is_empty() {
            view.notice(Level::Info, Msg::new("noprojects"));
        }
        view.blocks
            .extend(links.into_iter().map(|text| Block::Para { text }));
        Ok(view)
    }
}

/// Back to the list, which follows the operation.
pub(super) fn to_list(operation: &OperationId) -> View {
    View::redirect(
        Msg::new("novainstance"),
        "NovaInstance",
        &[("operation", operation.as_str())],
    )
}

/// The form once more, with what it would do above it.
fn preview(mut view: View, plan: &Plan) -> View {
    for block in &mut view.blocks {
        if let Block::Form(form) = block {
            form.fields.push(facts_field(&plan.facts));
        }
    }
    view.blocks.insert(0, plan_table(plan));
    view
}

fn create_form(ground: &Ground, asked: Option<&CreateRequest>, wrong: &[Refusal]) -> View {
    let mut view = View::new(Msg::new("createinstance-title").with(ground.project.as_str()));
    let mut fields = vec![
        name_field(asked),
        flavor_field(ground, asked),
        image_field(ground, asked),
        groups_field(
            &ground.facts.security_groups,
            asked.map_or_else(|| vec!["default".to_owned()], |a| a.security_groups.clone()),
        ),
        fixed("project", "project", ground.project.as_str()),
        fixed("region", "region", ground.region.as_str()),
        Field::hidden("project", ground.project.as_str()),
        Field::hidden("region", ground.region.as_str()),
        Field::hidden("action", "create"),
    ];
    for refusal in wrong {
        let field = fields
            .iter_mut()
            .find(|f| refusal.field.as_deref() == Some(f.name.as_str()));
        match field {
            Some(field) if field.error.is_none() => field.error = Some(refusal.message.clone()),
            _ => view.notice(Level::Error, refusal.message.clone()),
        }
    }
    if let Some(first) = wrong.first() {
        view.status = first.status();
    }
    view.blocks.push(Block::Form(Box::new(Form {
        id: "createinstance".to_owned(),
        page: "NovaInstance".to_owned(),
        // The address alone says which form it was: a POST whose token ran out shows it again.
        query: form_query(&[
            ("action", "create"),
            ("project", ground.project.as_str()),
            ("region", ground.region.as_str()),
        ]),
        fields,
        submit: Msg::new("createinstance-submit"),
        preview: Some(Msg::new("preview")),
        destructive: false,
        cancel: Some(Value::special(
            "NovaInstance",
            &[],
            Msg::new("backinstancelist"),
        )),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(left(&ground.facts.headroom)),
    })));
    view
}

/// The query of a form's address.
pub(super) fn form_query(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// What the quota leaves.
fn left(headroom: &Headroom) -> Msg {
    let left = [headroom.instances, headroom.cores, headroom.ram_mb].into_iter();
    left.fold(Msg::new("quota-left"), |msg, left| {
        let left = left.map(|left| u64::try_from(left).unwrap_or(0));
        msg.with(quota::shown(left))
    })
}

/// What is wrong, at its field; above the form where it has none there.
pub(super) fn at_field(fields: &mut [Field], refusal: Refusal, view: &mut View) {
    view.status = refusal.status();
    let at = refusal.field.as_deref().unwrap_or_default();
    let field = fields
        .iter_mut()
        .find(|f| f.name == at && f.label.is_some());
    match field {
        Some(field) => field.error = Some(refusal.message),
        None => view.notice(Level::Error, refusal.message),
    }
}

fn name_field(asked: Option<&CreateRequest>) -> Field {
    Field {
        help: Some(Msg::new("instancename-help")),
        default: asked.map(|a| FieldValue::One(a.name.clone())),
        required: true,
        maxlength: Some(63),
        ..Field::new("instancename", FieldKind::Text, Msg::new("instancename"))
    }
}

fn flavor_field(ground: &Ground, asked: Option<&CreateRequest>) -> Field {
    let mut flavors: Vec<_> = ground.facts.flavors.iter().collect();
    flavors.sort_by_key(|f| (f.ram_mb, f.vcpus, f.disk_gb));
    Field {
        options: flavors
            .into_iter()
            .map(|f| FieldOption {
                value: f.id.clone().unwrap_or_else(|| f.name.clone()),
                label: Msg::new("instancetype-option")
                    .with(f.name.as_str())
                    .with(i64::from(f.vcpus))
                    .with(i64::try_from(f.ram_mb).unwrap_or(i64::MAX))
                    .with(i64::try_from(f.disk_gb).unwrap_or(i64::MAX))
                    .into(),
            })
            .collect(),
        default: asked.map(|a| FieldValue::One(a.flavor.clone())),
        required: true,
        ..Field::new("instanceType", FieldKind::Select, Msg::new("instancetype"))
    }
}

fn image_field(ground: &Ground, asked: Option<&CreateRequest>) -> Field {
    let images = &ground.facts.images;
    let preset = images.iter().find(|i| i.default).map(|i| i.id.clone());
    Field {
        options: images
            .iter()
            .map(|i| FieldOption {
                value: i.id.clone(),
                label: Value::text(i.name.as_ref().unwrap_or(&i.id)),
            })
            .collect(),
        default: asked
            .map(|a| a.image.clone())
            .or(preset)
            .map(FieldValue::One),
        required: true,
        ..Field::new("imageType", FieldKind::Select, Msg::new("imagetype"))
    }
}

/// A choice of security groups.
pub(super) fn groups_field(on_offer: &[SecurityGroup], chosen: Vec<String>) -> Field {
    Field {
        options: on_offer
            .iter()
            .map(|g| FieldOption {
                value: g.name.clone(),
                label: Value::text(&g.name),
            })
            .collect(),
        default: Some(FieldValue::Many(chosen)),
        ..Field::new("groups", FieldKind::Multiselect, Msg::new("securitygroups"))
    }
}

/// A value that is shown and cannot be changed here.
fn fixed(name: &str, label: &str, value: &str) -> Field {
    Field {
        default: Some(FieldValue::One(value.to_owned())),
        ..Field::new(&format!("{name}-shown"), FieldKind::Info, Msg::new(label))
    }
}
