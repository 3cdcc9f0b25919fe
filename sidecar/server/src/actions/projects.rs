//! `Special:NovaProject`: the projects, from LDAP.

use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::ids::ProjectName;
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Level, Row, View};

impl Context {
    /// The list of projects: mine, or all with `listall`.
    pub(super) async fn novaproject(
        &self,
        caller: &Caller,
        _request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let visible = self.visible_projects(&actor).await?;
        let mut view = View::new(Msg::new("novaproject"));
        if visible.is_empty() {
            let why = match actor.person {
                Some(_) => Msg::new("noprojects"),
                None => Msg::new("nolink"),
            };
            view.notice(Level::Info, why);
            return Ok(view);
        }
        let mut projects = self.directory.projects().await.map_err(refuse)?;
        projects.retain(|p| visible.contains(&p.name));
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        view.blocks.push(Block::Table {
            id: "projects".to_owned(),
            columns: ["project", "description", "members", "actions"]
                .map(Msg::new)
                .into(),
            rows: projects
                .iter()
                .map(|p| Row {
                    id: format!("project-{}", p.name),
                    cells: vec![
                        Value::wiki(project_title(&p.name), p.name.as_str()),
                        Value::text(p.description.as_deref().unwrap_or_default()),
                        Value::List {
                            v: p.members.iter().map(|m| Value::text(&m.cn)).collect(),
                        },
                        instances_link(&p.name),
                    ],
                })
                .collect(),
            empty: None,
        });
        Ok(view)
    }
}

fn instances_link(project: &ProjectName) -> Value {
    Value::special(
        "NovaInstance",
        &[("project", project.as_str())],
        Msg::new("showinstances"),
    )
}
