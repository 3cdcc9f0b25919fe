//! `Special:NovaResources`: what is mine: the projects that I have a role in, the instances that I made, what I have
//! asked for.

use super::{Caller, Context, lookup::refuse, requests_page};
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::ports::{InstanceFilter, RequestFilter, Seen};
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Level, Row, View};

/// The latest of one's requests that are shown.
const REQUESTS: u32 = 10;

impl Context {
    /// The page.
    pub(super) async fn novaresources(&self, caller: &Caller) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("novaresources"));
        let Some(person) = &actor.person else {
            view.notice(Level::Info, Msg::new("nolink"));
            return Ok(view);
        };
        view.as_of = self.age().await?;
        let held = person
            .projects
            .iter()
            .filter(|(_, roles)| !roles.is_empty());
        let projects: Vec<Row> = held
            .map(|(project, roles)| Row {
                id: format!("project-{project}"),
                cells: vec![
                    Value::wiki(project_title(project), project.as_str()),
                    Value::List {
                        v: roles.iter().map(Value::text).collect(),
                    },
                    self.project_actions(&actor, project),
                ],
            })
            .collect();
        // Only where one is a member one sees anything.
        let filter = InstanceFilter {
            projects: Some(person.projects.keys().cloned().collect()),
            limit: u32::MAX,
            ..InstanceFilter::default()
        };
        let mut made: Vec<Seen> = self.index.list(&filter).await.map_err(refuse)?;
        made.retain(|seen| seen.created_by.as_ref() == Some(&caller.user.name));
        let titles = self.titles_of(&made).await?;
        let instances: Vec<Row> = made
            .iter()
            .map(|seen| {
                let i = &seen.instance;
                let name = match titles.get(&i.id) {
                    Some(title) => Value::wiki(title, i.name.as_str()),
                    None => Value::text(&i.name),
                };
                Row {
                    id: format!("i-{}", i.id),
                    cells: vec![
                        name,
                        Value::wiki(project_title(&i.project), i.project.as_str()),
                        Value::text(&i.status),
                    ],
                }
            })
            .collect();
        for (what, columns, rows) in [
            ("projects", ["project", "roles", "actions"], projects),
            (
                "instances",
                ["instancename", "project", "instancestate"],
                instances,
            ),
        ] {
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            view.blocks.push(Block::Heading {
                level: 2,
                id: format!("resources-{what}"),
                text: Msg::new(&format!("resources-{what}")).with(count).into(),
                links: Vec::new(),
            });
            view.blocks.push(Block::Table {
                id: what.to_owned(),
                columns: columns.map(Msg::new).into(),
                rows,
                empty: Some(Msg::new(&format!("resources-no-{what}"))),
            });
        }
        let filter = RequestFilter {
            wiki_user_id: Some(caller.user.wiki_user_id),
            limit: REQUESTS,
            ..RequestFilter::default()
        };
        let asked = self.requests.requests(&filter).await.map_err(refuse)?;
        if !asked.is_empty() {
            view.blocks.push(Block::Heading {
                level: 2,
                id: "resources-requests".to_owned(),
                text: Msg::new("resources-requests").into(),
                links: Vec::new(),
            });
            view.blocks.push(requests_page::table("mine", &asked));
        }
        Ok(view)
    }
}
