//! `Special:NovaInstance`: the list, from our own copy of the cloud, and the way to its actions.

use super::operate::confirmed;
use super::outcome::progress;
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Target, authorise};
use osm_core::ids::{InstanceId, ProjectName, Region};
use osm_core::instance::{Instance, ServerRequest, state_text};
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::plan::Step;
use osm_core::ports::{InstanceFilter, Operation, OperationFilter, Seen};
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Level, PageLink, Row, View};
use std::collections::BTreeMap;

/// Rows on one page.
const PAGE: usize = 100;
/// Open operations shown at most.
const OPEN: u32 = 200;

/// All that the list page is made from.
struct Listing {
    actor: Actor,
    projects: Vec<ProjectName>,
    regions: Vec<Region>,
    rows: Vec<Seen>,
    titles: BTreeMap<InstanceId, String>,
    open: Vec<Operation>,
    /// Rows go on after these.
    more: bool,
    /// These rows go on from there.
    after: Option<(String, String, String, String)>,
}

impl Context {
    /// `Special:NovaInstance`.
    pub(super) async fn novainstance(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "create" => self.create_page(caller, request).await,
            "consoleoutput" => self.console_page(caller, request).await,
            "" => self.list_page(caller, request).await,
            other => match confirmed(other) {
                Some(action) => self.confirm_page(caller, request, action).await,
                None => Err(Refusal::field("action", Msg::new("badaction").with(other))),
            },
        }
    }

    async fn list_page(&self, caller: &Caller, request: &SpecialRequest) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut projects = self.visible_projects(&actor).await?;
        let mut view = View::new(Msg::new("novainstance"));
        if let Some(only) = request.query.get("project") {
            projects.retain(|p| p.as_str() == only);
            if projects.is_empty() {
                let only = ProjectName::parse(only)?;
                let target = Target::Project(Region::trusted(""), only.clone());
                authorise(&self.settings.policy, &actor, Action::InstanceList, &target)?;
                return Err(Refusal::field(
                    "project",
                    Msg::new("nonexistentproject").with(only.as_str()),
                ));
            }
        }
        self.outcome(&actor, request, &mut view).await;
        if projects.is_empty() {
            let why = match actor.person {
                Some(_) => Msg::new("noprojects"),
                None => Msg::new("nolink"),
            };
            view.notice(Level::Info, why);
            return Ok(view);
        }
        view.as_of = self.age().await?;
        let listing = self
            .listing(actor, projects, request.query.get("offset"))
            .await?;
        self.render(&listing, request, &mut view);
        Ok(view)
    }

    /// The oldest of the regions' copies.
    pub(super) async fn age(&self) -> Result<Option<chrono::DateTime<chrono::Utc>>, Refusal> {
        let mut oldest = None;
        for region in self.settings.region_names() {
            match self.index.watermark(&region).await.map_err(refuse)? {
                None => return Ok(None),
                Some(at) => oldest = Some(oldest.map_or(at, |o| at.min(o))),
            }
        }
        Ok(oldest)
    }

    async fn listing(
        &self,
        actor: Actor,
        projects: Vec<ProjectName>,
        offset: Option<&str>,
    ) -> Result<Listing, Refusal> {
        let after = offset.map(parse_offset).transpose()?;
        let mut rows = self
            .index
            .list(&InstanceFilter {
                projects: Some(projects.clone()),
                limit: u32::try_from(PAGE + 1).unwrap_or(u32::MAX),
                after: after.clone(),
                ..InstanceFilter::default()
            })
            .await
            .map_err(refuse)?;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let open = self
            .operations
            .operations(&OperationFilter {
                open: true,
                projects: Some(projects.clone()),
                limit: OPEN,
                ..OperationFilter::default()
            })
            .await
            .map_err(refuse)?;
        let regions = self.settings.region_names();
        let titles = self.titles_of(&rows).await?;
        Ok(Listing {
            actor,
            projects,
            regions,
            rows,
            titles,
            open,
            more,
            after,
        })
    }

    /// The pages of these instances, where they have one.
    pub(super) async fn titles_of(
        &self,
        rows: &[Seen],
    ) -> Result<BTreeMap<InstanceId, String>, Refusal> {
        let mut titles = BTreeMap::new();
        for region in self.settings.region_names() {
            let ids: Vec<InstanceId> = rows
                .iter()
                .filter(|s| s.instance.region == region)
                .map(|s| s.instance.id)
                .collect();
            let found = self.pages.instance_titles(&region, &ids).await;
            titles.extend(found.map_err(refuse)?);
        }
        Ok(titles)
    }

    fn render(&self, listing: &Listing, request: &SpecialRequest, view: &mut View) {
        let last = listing.rows.last().filter(|_| listing.more);
        for project in &listing.projects {
            let before = listing
                .after
                .as_ref()
                .is_some_and(|a| project.as_str() < a.0.as_str());
            let beyond = last.is_some_and(|l| *project > l.instance.project);
            if before || beyond {
                continue;
            }
            self.render_project(listing, project, view);
        }
        let next = last.map(|seen| {
            let i = &seen.instance;
            let offset = offset_after(i);
            let mut query = vec![("offset", offset.as_str())];
            query.extend(request.query.get("project").map(|p| ("project", p)));
            PageLink::new("NovaInstance", &query)
        });
        let first = listing.after.is_some().then(|| {
            let query: Vec<_> = request
                .query
                .get("project")
                .map(|p| ("project", p))
                .into_iter()
                .collect();
            PageLink::new("NovaInstance", &query)
        });
        if next.is_some() || first.is_some() {
            view.blocks.push(Block::Pager { prev: first, next });
        }
    }

    fn render_project(&self, listing: &Listing, project: &ProjectName, view: &mut View) {
        let mut links = Vec::new();
        for region in &listing.regions {
            let target = Target::Project(region.clone(), project.clone());
            let may =
                |action| authorise(&self.settings.policy, &listing.actor, action, &target).is_ok();
            if may(Action::InstanceCreate) {
                let label = match listing.regions.len() {
                    1 => Msg::new("createinstance"),
                    _ => Msg::new("createinstance-inregion").with(region.as_str()),
                };
                links.push(Value::special(
                    "NovaInstance",
                    &[
                        ("action", "create"),
                        ("project", project.as_str()),
                        ("region", region.as_str()),
                    ],
                    label,
                ));
            }
        }
        view.blocks.push(Block::Heading {
            level: 2,
            id: project.to_string(),
            text: Value::wiki(project_title(project), project.as_str()),
            links,
        });
        let mut rows: Vec<Row> = listing
            .rows
            .iter()
            .filter(|s| s.instance.project == *project)
            .map(|s| self.row(listing, s, view))
            .collect();
        let starting = listing.open.iter().filter(|o| {
            o.plan.project == *project
                && o.plan.action == Action::InstanceCreate
                && o.instance
                    .is_none_or(|id| !listing.rows.iter().any(|s| s.instance.id == id))
        });
        for operation in starting {
            view.live = true;
            rows.push(starting_row(operation, listing.regions.len()));
        }
        let mut columns: Vec<Msg> = [
            "instancename",
            "instanceid",
            "instancestate",
            "addresses",
            "instancetype",
            "imagename",
            "launchtime",
            "actions",
        ]
        .map(Msg::new)
        .into();
        if listing.regions.len() > 1 {
            columns.insert(2, Msg::new("region"));
        }
        view.blocks.push(Block::Table {
            id: format!("instances-{project}"),
            columns,
            rows,
            empty: Some(Msg::new("noinstances").with(project.as_str())),
        });
    }

    fn row(&self, listing: &Listing, seen: &Seen, view: &mut View) -> Row {
        let i = &seen.instance;
        let id = i.id.to_string();
        let page = match listing.titles.get(&i.id) {
            Some(title) => Value::wiki(title, i.id.short(8)),
            None => Value::text(i.id.short(8)),
        };
        let moving = listing.open.iter().find(|o| o.instance == Some(i.id));
        view.live |= moving.is_some() || !i.settled();
        let mut cells = vec![
            Value::text(&i.name),
            page,
            state(i, moving),
            Value::List {
                v: i.addresses
                    .iter()
                    .map(|a| Value::text(a.ip.to_string()))
                    .collect(),
            },
            Value::text(&i.flavor.name),
            Value::text(
                i.image
                    .as_ref()
                    .map_or("", |image| image.name.as_deref().unwrap_or(&image.id)),
            ),
            i.launched.map_or_else(|| Value::text(""), Value::from),
            self.row_actions(listing, i, moving.is_some()),
        ];
        if listing.regions.len() > 1 {
            cells.insert(2, Value::text(i.region.as_str()));
        }
        Row {
            id: format!("i-{id}"),
            cells,
        }
    }

    fn row_actions(&self, listing: &Listing, i: &Instance, moving: bool) -> Value {
        let id = i.id.to_string();
        let target = Target::Project(i.region.clone(), i.project.clone());
        let offered = [
            (Action::InstanceDelete, "delete", !moving),
            (
                Action::InstanceReboot,
                "reboot",
                !moving && i.status == "ACTIVE",
            ),
            (
                Action::InstanceConfigure,
                "configure",
                !moving && i.status == "ACTIVE",
            ),
            (
                Action::InstanceConsole,
                "consoleoutput",
                i.status != "BUILD",
            ),
        ];
        Value::List {
            v: offered
                .into_iter()
                .filter(|(action, _, now)| {
                    let policy = &self.settings.policy;
                    *now && authorise(policy, &listing.actor, *action, &target).is_ok()
                })
                .map(|(_, word, _)| {
                    Value::special(
                        "NovaInstance",
                        &[
                            ("action", word),
                            ("instanceid", &id),
                            ("project", i.project.as_str()),
                            ("region", i.region.as_str()),
                        ],
                        Msg::new(&format!("action-{word}")),
                    )
                })
                .collect(),
        }
    }
}

fn state(instance: &Instance, moving: Option<&Operation>) -> Value {
    let text = Value::text(state_text(instance));
    match moving {
        None => text,
        Some(operation) => Value::List {
            v: vec![text, progress(operation)],
        },
    }
}

/// An instance that is asked for and not yet seen.
fn starting_row(operation: &Operation, regions: usize) -> Row {
    let planned = operation.plan.steps.iter().find_map(|s| match &s.step {
        Step::CreateServer { server } => Some(server),
        _ => None,
    });
    let asked = |what: fn(&ServerRequest) -> &String| Value::text(planned.map_or("", |s| what(s)));
    let mut cells = vec![
        Value::text(&operation.plan.name),
        Value::text(""),
        Value::List {
            v: vec![Value::text("BUILD"), progress(operation)],
        },
        Value::text(""),
        asked(|server| &server.flavor_name),
        asked(|server| &server.image_name),
        Value::text(""),
        Value::text(""),
    ];
    if regions > 1 {
        cells.insert(2, Value::text(operation.plan.region.as_str()));
    }
    Row {
        id: format!("operation-{}", operation.id),
        cells,
    }
}

/// What [`parse_offset`] reads, for the last row before.
pub(super) fn offset_after(last: &Instance) -> String {
    format!("{}|{}|{}|{}", last.project, last.region, last.name, last.id)
}

/// Where a page of the list goes on: project, region, name, id of the last row before.
pub(super) fn parse_offset(text: &str) -> Result<(String, String, String, String), Refusal> {
    let bad = || Refusal::field("offset", Msg::new("badoffset").with(text));
    // A name made outside may hold the separator, so it is what is left in the middle.
    let (project, rest) = text.split_once('|').ok_or_else(bad)?;
    let (region, rest) = rest.split_once('|').ok_or_else(bad)?;
    let (name, id) = rest.rsplit_once('|').ok_or_else(bad)?;
    Ok((project.into(), region.into(), name.into(), id.into()))
}
