//! `Special:NovaProject`: the projects, from LDAP, and the way to their members.

use super::{Caller, Context, SpecialRequest, lookup::refuse, members_page};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::ids::ProjectName;
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Level, Row, View};

impl Context {
    /// The page.
    pub(super) async fn novaproject(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "" => self.project_list(caller, request).await,
            "addmember" => self.members_page(caller, request, Action::MemberAdd).await,
            "deletemember" => {
                self.members_page(caller, request, Action::MemberRemove)
                    .await
            }
            other => Err(Refusal::field("action", Msg::new("badaction").with(other))),
        }
    }

    /// The list of projects: mine, or all with `listall`.
    async fn project_list(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let visible = self.visible_projects(&actor).await?;
        let mut view = View::new(Msg::new("novaproject"));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        self.outcome(&actor, request, &mut view).await;
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
                        self.project_actions(&actor, &p.name),
                    ],
                })
                .collect(),
            empty: None,
        });
        Ok(view)
    }

    fn project_actions(&self, actor: &Actor, project: &ProjectName) -> Value {
        let mut links = vec![instances_link(project)];
        for action in [Action::MemberAdd, Action::MemberRemove] {
            if self.may_open(actor, action, project).is_ok() {
                let word = members_page::word(action);
                links.push(Value::special(
                    "NovaProject",
                    &[("action", word), ("projectname", project.as_str())],
                    Msg::new(&format!("action-{word}")),
                ));
            }
        }
        Value::List { v: links }
    }
}

fn instances_link(project: &ProjectName) -> Value {
    Value::special(
        "NovaInstance",
        &[("project", project.as_str())],
        Msg::new("showinstances"),
    )
}
