//! Making, describing and deleting projects: planned here for Special:NovaProject and the wiki API alike.

use super::planned::Sent;
use super::{Caller, Context, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Permit, Target, authorise};
use osm_core::founding::{
    DeletionFacts, FoundingFacts, plan_configure_project, plan_create_project, plan_delete_project,
};
use osm_core::ids::{OperationId, ProjectName, Region};
use osm_core::membership::{Grant, Place};
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::ports::{InstanceFilter, OperationFilter};
use osm_core::project::ManagedProject;
use osm_core::refusal::{Refusal, RefusalKind};

/// People that a project may begin with; more are added afterwards.
const FOUNDERS: u8 = 20;
/// Instances that a refusal names.
const NAMED: u32 = 20;

/// What is asked of a project as a whole.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub action: Action,
    pub project: ProjectName,
    pub description: String,
    /// Who is to be in a new one, by shell or wiki name.
    pub names: Vec<String>,
    pub key: Option<String>,
    pub facts: Option<String>,
}

impl Context {
    /// Whether a person may do it at all.
    pub(super) async fn may_found(
        &self,
        caller: &Caller,
        action: Action,
        project: &ProjectName,
    ) -> Result<Permit, Refusal> {
        let actor = self.actor(caller).await?;
        // A project is of no region.
        let target = Target::Project(Region::trusted(""), project.clone());
        authorise(&self.settings.policy, &actor, action, &target)
    }

    /// The plan.
    pub(super) async fn planned_project(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<Plan, Refusal> {
        let permit = self.may_found(caller, asked.action, &asked.project).await?;
        match asked.action {
            Action::ProjectCreate => {
                let founders = self.founders(permit.actor(), asked).await?;
                let (name, about) = (&asked.project, &asked.description);
                let facts = self.founding_facts(name, about, founders).await?;
                plan_create_project(&permit, &facts)
            }
            Action::ProjectDelete => {
                let managed = self.managed(&asked.project).await?;
                let facts = self.deletion_facts(managed).await?;
                plan_delete_project(&permit, &facts)
            }
            _ => {
                let managed = self.managed(&asked.project).await?;
                plan_configure_project(&permit, &managed, &asked.description)
            }
        }
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn change_project(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<OperationId, Refusal> {
        let body = format!(
            "{} {} {:?} {:?}",
            asked.action, asked.project, asked.description, asked.names
        );
        let sent = Sent {
            key: asked.key.as_deref(),
            body: &body,
            facts: asked.facts.as_deref(),
            mark: self.mark().await?,
        };
        let planned = self.planned_project(caller, asked).await;
        self.submit_planned(caller, planned, &sent).await
    }

    /// The people whom a new project begins with.
    async fn founders(&self, actor: &Actor, asked: &Asked) -> Result<Vec<Person>, Refusal> {
        let at_member = |why: Msg| Refusal::field("member", why);
        let mut founders = Vec::new();
        if asked.names.len() > usize::from(FOUNDERS) {
            return Err(at_member(
                Msg::new("toomanynames").with(i64::from(FOUNDERS)),
            ));
        }
        for called in &asked.names {
            let person = self.person_called(called).await?.ok_or_else(|| {
                at_member(
                    Msg::new("nosuchperson")
                        .with(called.as_str())
                        .with(asked.project.as_str()),
                )
            })?;
            if !founders.contains(&person) {
                founders.push(person);
            }
        }
        if founders.is_empty() {
            let oneself = actor.person.clone();
            founders.push(oneself.ok_or_else(|| at_member(Msg::new("nonamegiven")))?);
        }
        Ok(founders)
    }

    /// What a new project is made from.
    pub(super) async fn founding_facts(
        &self,
        name: &ProjectName,
        description: &str,
        founders: Vec<Person>,
    ) -> Result<FoundingFacts, Refusal> {
        let projects = self.directory.projects().await.map_err(refuse)?;
        let known = projects.into_iter().map(|project| project.name);
        let own = self.settings.own_projects.iter();
        let own = own.map(|name| ProjectName::trusted(name.clone()));
        let taken = known
            .chain(own)
            .find(|known| known.as_str().eq_ignore_ascii_case(name.as_str()));
        Ok(FoundingFacts {
            name: name.clone(),
            description: description.to_owned(),
            founders,
            roles: self.settings.roles.clone(),
            cloud_role: self.settings.cloud_role.clone(),
            taken,
        })
    }

    async fn deletion_facts(&self, managed: ManagedProject) -> Result<DeletionFacts, Refusal> {
        let project = &managed.project;
        let of = Some(vec![project.name.clone()]);
        let filter = InstanceFilter {
            projects: of.clone(),
            limit: NAMED,
            ..InstanceFilter::default()
        };
        let instances = self.index.list(&filter).await.map_err(refuse)?;
        let filter = OperationFilter {
            open: true,
            projects: of,
            limit: 1,
            ..OperationFilter::default()
        };
        // What is under way may be making an instance.
        let open = self.operations.operations(&filter).await.map_err(refuse)?;
        if let Some(other) = open.first() {
            let why = Msg::new("busy").with(project.name.as_str());
            let why = why.with(other.id.as_str());
            return Err(Refusal::new(RefusalKind::Conflict, why));
        }
        let places = self.directory.places().await.map_err(refuse)?;
        let mut held: Vec<Grant> = places.held;
        held.retain(|grant| grant.project == project.name);
        if let Some(role) = &self.settings.cloud_role {
            let assigned = self.assigned(&managed).await?.unwrap_or_default();
            let people = assigned.iter().filter_map(|row| {
                let (person, cn) = places.people.get(&row.user)?;
                Some(Grant {
                    project: project.name.clone(),
                    project_entry: project.entry.clone(),
                    person: person.clone(),
                    uid: row.user.clone(),
                    cn: cn.clone(),
                    place: Place::Cloud { role: role.clone() },
                })
            });
            held.extend(people);
        }
        let below = self.directory.below_project(&project.entry).await;
        Ok(DeletionFacts {
            held,
            instances: instances
                .into_iter()
                .map(|seen| seen.instance.name)
                .collect(),
            below: below.map_err(refuse)?,
            founder: self.settings.cloud_role.is_some(),
            managed,
        })
    }
}
