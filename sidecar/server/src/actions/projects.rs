//! `Special:NovaProject` and `Special:NovaRole`: the projects and who holds which role in them, from LDAP, and the
//! way to the forms that change it.

use super::members::Of;
use super::{
    Caller, Context, SpecialRequest, founding_page, log_tokens, lookup::refuse, members_page,
    quota_page, requests_form,
};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Target, authorise};
use osm_core::ids::{ProjectName, Region};
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::project::{Member, Project};
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
            "create" => {
                self.founding_page(caller, request, Action::ProjectCreate)
                    .await
            }
            "configureproject" => {
                self.founding_page(caller, request, Action::ProjectConfigure)
                    .await
            }
            "delete" => {
                self.founding_page(caller, request, Action::ProjectDelete)
                    .await
            }
            "quota" => self.quota_page(caller, request).await,
            "addmember" => self.members_page(caller, request, Action::MemberAdd).await,
            "deletemember" => {
                self.members_page(caller, request, Action::MemberRemove)
                    .await
            }
            other => Err(Refusal::field("action", Msg::new("badaction").with(other))),
        }
    }

    /// Special:NovaRole.
    pub(super) async fn novarole(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "" => self.role_list(caller, request).await,
            "addmember" => self.members_page(caller, request, Action::RoleAdd).await,
            "deletemember" => self.members_page(caller, request, Action::RoleRemove).await,
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
        let mut view = View::new(Msg::new("novaproject"));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        self.outcome(&actor, request, &mut view).await;
        let policy = &self.settings.policy;
        let may = |action| authorise(policy, &actor, action, &Target::Everywhere).is_ok();
        let ways_in = if may(Action::ProjectCreate) {
            Some(founding_page::link(Action::ProjectCreate, None))
        } else {
            may(Action::RequestMake).then(requests_form::ask_link)
        };
        let ways_in = ways_in.into_iter().map(|text| Block::Para { text });
        view.blocks.extend(ways_in);
        let projects = self.shown_projects(&actor).await?;
        if projects.is_empty() {
            let why = match actor.person {
                Some(_) => Msg::new("noprojects"),
                None => Msg::new("nolink"),
            };
            view.notice(Level::Info, why);
            return Ok(view);
        }
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
                        people(p.members.iter()),
                        self.project_actions(&actor, &p.name),
                    ],
                })
                .collect(),
            empty: None,
        });
        Ok(view)
    }

    pub(super) fn project_actions(&self, actor: &Actor, project: &ProjectName) -> Value {
        let mut links = vec![instances_link(project)];
        links.extend(self.links(
            actor,
            [Action::MemberAdd, Action::MemberRemove],
            project,
            None,
        ));
        let roles = Value::special(
            "NovaRole",
            &[("projectname", project.as_str())],
            Msg::new("showroles"),
        );
        let rules = Value::special(
            "NovaSudoer",
            &[("projectname", project.as_str())],
            Msg::new("showsudo"),
        );
        links.extend([roles, rules, quota_page::link(project)]);
        let target = Target::Project(Region::trusted(""), project.clone());
        for action in [Action::ProjectConfigure, Action::ProjectDelete] {
            if authorise(&self.settings.policy, actor, action, &target).is_ok() {
                links.push(founding_page::link(action, Some(project)));
            }
        }
        let tokens = Action::LogTokenList;
        if authorise(&self.settings.policy, actor, tokens, &target).is_ok() {
            links.push(log_tokens::link(project, Msg::new("showlogtokens")));
        }
        Value::List { v: links }
    }

    /// To the forms that the person may open.
    fn links(
        &self,
        actor: &Actor,
        actions: [Action; 2],
        project: &ProjectName,
        role: Option<&str>,
    ) -> Vec<Value> {
        let of = |action| Of {
            action,
            project: project.clone(),
            role: role.map(str::to_owned),
        };
        let open = actions.map(of).into_iter();
        let open = open.filter(|of| self.may_open(actor, of).is_ok());
        open.map(|of| members_page::link(&of)).collect()
    }

    /// Who holds which role, in one project or in all that the person may see.
    async fn role_list(&self, caller: &Caller, request: &SpecialRequest) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("novarole"));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        self.outcome(&actor, request, &mut view).await;
        let named = request.get("projectname").filter(|name| !name.is_empty());
        let named = named.map(ProjectName::parse).transpose()?;
        let mut projects = self.shown_projects(&actor).await?;
        projects.retain(|p| named.as_ref().is_none_or(|name| p.name == *name));
        let mut rows = Vec::new();
        for project in &projects {
            for role in &self.settings.roles {
                let holders = project.members.iter().filter(|m| m.holds(role));
                let name = &project.name;
                rows.push(Row {
                    id: format!("role-{name}-{role}"),
                    cells: vec![
                        Value::wiki(project_title(name), name.as_str()),
                        Value::text(role),
                        people(holders),
                        Value::List {
                            v: self.links(
                                &actor,
                                [Action::RoleAdd, Action::RoleRemove],
                                name,
                                Some(role),
                            ),
                        },
                    ],
                });
            }
        }
        view.blocks.push(Block::Table {
            id: "roles".to_owned(),
            columns: ["project", "role", "members", "actions"]
                .map(Msg::new)
                .into(),
            rows,
            empty: Some(Msg::new("noprojects")),
        });
        Ok(view)
    }

    /// The role that a page or call is about.
    pub(super) fn role_of(
        &self,
        action: Action,
        named: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        if !matches!(action, Action::RoleAdd | Action::RoleRemove) {
            return Ok(None);
        }
        let named = named.unwrap_or_default();
        match self.settings.roles.iter().find(|role| *role == named) {
            Some(role) => Ok(Some(role.clone())),
            None => {
                let roles = self.settings.roles.join(", ");
                let why = Msg::new("badrole").with(named).with(roles);
                Err(Refusal::field("rolename", why))
            }
        }
    }

    /// Mine, or all with `listall`; sorted.
    async fn shown_projects(&self, actor: &Actor) -> Result<Vec<Project>, Refusal> {
        let visible = self.visible_projects(actor).await?;
        let mut projects = self.directory.projects().await.map_err(refuse)?;
        projects.retain(|p| visible.contains(&p.name));
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(projects)
    }
}

/// People by name.
fn people<'m>(members: impl Iterator<Item = &'m Member>) -> Value {
    Value::List {
        v: members.map(|m| Value::text(&m.cn)).collect(),
    }
}

fn instances_link(project: &ProjectName) -> Value {
    Value::special(
        "NovaInstance",
        &[("project", project.as_str())],
        Msg::new("showinstances"),
    )
}
