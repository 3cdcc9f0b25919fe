//! `Special:NovaWhy`: who may do what, on what ground, and who gave them what it rests on. The answer is the rules' own
//! decision, taken as if that person asked for it now.

use super::create::form_query;
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{PROJECTADMIN, Target, authorise};
use osm_core::ground::{Given, Ground, given};
use osm_core::ids::{EntryUuid, InstanceId, ProjectName, Region};
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::ports::{Operation, OperationFilter, OperationState};
use osm_core::project::Project;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{
    Block, Field, FieldKind, FieldOption, FieldValue, Form, Level, PageLink, Row, View,
};
use std::collections::BTreeMap;
use ulid::Ulid;

const PAGE: &str = "NovaWhy";
/// What is asked by, in the page's address.
const BY: [&str; 3] = ["user", "action", "target"];
/// Operations about one person in one project that are looked through.
const LOOKED_THROUGH: u32 = 100;
/// What only the system does by itself: nobody wonders whether they may.
const SYSTEMS: [Action; 3] = [
    Action::InstanceRemoveStray,
    Action::PersonSuspend,
    Action::PersonReinstate,
];

/// What is asked about.
struct About {
    region: Region,
    project: Option<Project>,
    role: Option<String>,
}

impl About {
    /// What an action would be done to; `None` where it needs a project and none is named, or the other way round.
    fn target(&self, action: Action, actor: &Actor) -> Option<Target> {
        let of_project = match action {
            Action::KeyAdd | Action::KeyRemove => {
                let person = actor.person.as_ref();
                let own = person.map(|person| Target::Own(person.entry.clone()));
                // Who is not linked has nothing of their own, and hears so.
                let own = own.unwrap_or_else(|| Target::Own(EntryUuid::trusted("")));
                return self.project.is_none().then_some(own);
            }
            // Who has one gets no other.
            Action::AccountCreate if actor.person.is_some() => return None,
            Action::AccountCreate | Action::RequestWithdraw => {
                let user = Target::User(actor.user.wiki_user_id);
                return self.project.is_none().then_some(user);
            }
            // A member asks for their project, and everybody for a new one.
            Action::RequestMake => self.project.is_some(),
            Action::ProjectCreate
            | Action::RequestDecide
            | Action::OperationProbe
            | Action::DriftList
            | Action::DriftRepair => false,
            _ => true,
        };
        let project = self.project.as_ref().map(|project| project.name.clone());
        match (of_project, project) {
            (false, None) => Some(Target::Everywhere),
            (true, Some(project)) => Some(match action {
                Action::RoleAdd | Action::RoleRemove => {
                    let role = self.role.as_deref().unwrap_or(PROJECTADMIN);
                    Target::Role(project, role.to_owned(), None)
                }
                _ => Target::Project(self.region.clone(), project),
            }),
            _ => None,
        }
    }
}

impl Context {
    /// The page.
    pub(super) async fn novawhy(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        if request.post {
            let named = BY.map(|name| (name, request.form.text(name).trim()));
            let named = named.into_iter().filter(|(_, value)| !value.is_empty());
            let mut view = View::new(Msg::new("novawhy"));
            let query: Vec<_> = named.collect();
            view.redirect = Some(PageLink::new(PAGE, &query));
            return Ok(view);
        }
        if caller.user.wiki_user_id == 0 {
            let why = Msg::new("mustbeloggedin");
            return Err(Refusal::new(RefusalKind::Forbidden, why));
        }
        let mut view = View::new(Msg::new("novawhy"));
        if let Err(refusal) = self.why(caller, request, &mut view).await {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        let form = form(request, &caller.user.name);
        view.blocks.insert(0, Block::Form(Box::new(form)));
        Ok(view)
    }

    async fn why(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        view: &mut View,
    ) -> Result<(), Refusal> {
        let actor = match request.query.get("user") {
            None => self.actor(caller).await?,
            Some(name) => self.somebody(caller, name).await?,
        };
        let about = self.about(request.query.get("target")).await?;
        let only = request.query.get("action").map(action_called).transpose()?;
        let mut rows = Vec::new();
        let mut refused = false;
        let mut done = BTreeMap::new();
        for action in Action::ALL {
            let wanted = only.map_or(!SYSTEMS.contains(&action), |only| only == action);
            let Some(target) = about.target(action, &actor).filter(|_| wanted) else {
                continue;
            };
            let answer = authorise(&self.settings.policy, &actor, action, &target);
            let (word, why) = match &answer {
                Ok(permit) => {
                    let ground = permit.ground();
                    let given = self.given(&actor, ground, &mut done).await?;
                    ("why-yes", in_words(ground, given))
                }
                // The page that helps is for whoever is not linked, who may not be the one who looks.
                Err(refusal) if refusal.message == Msg::new("nolink") => {
                    ("why-no", Msg::new("why-nolink").into())
                }
                Err(refusal) => ("why-no", Value::from(refusal.message.clone())),
            };
            refused |= answer.is_err();
            rows.push(Row {
                id: format!("why-{action}"),
                cells: vec![
                    Msg::new(&format!("do-{action}")).into(),
                    Msg::new(word).into(),
                    why,
                ],
            });
        }
        if let (Some(only), true) = (only, rows.is_empty()) {
            let name = match about.project {
                Some(_) => "why-noproject",
                None => "why-needsproject",
            };
            let why = Msg::new(name).with(Msg::new(&format!("do-{only}")));
            return Err(Refusal::field("target", why));
        }
        let user = actor.user.name.as_str();
        let heading = match &about.project {
            None => Msg::new("why-heading").with(user),
            Some(project) => Msg::new("why-heading-project").with(user).with(Value::wiki(
                project_title(&project.name),
                project.name.as_str(),
            )),
        };
        view.blocks.push(Block::Heading {
            level: 2,
            id: "why".to_owned(),
            text: heading.into(),
            links: Vec::new(),
        });
        if actor.user.wiki_user_id != caller.user.wiki_user_id {
            // The rules' words are for whoever asks.
            let text = Msg::new("why-you").with(user).into();
            view.blocks.push(Block::Para { text });
        }
        view.blocks.push(Block::Table {
            id: "whys".to_owned(),
            columns: ["why-what", "why-may", "why-why"].map(Msg::new).into(),
            rows,
            empty: None,
        });
        if let Some(project) = about.project.filter(|_| refused) {
            let admins = project.members.iter().filter(|m| m.holds(PROJECTADMIN));
            let v: Vec<_> = admins.map(|member| Value::text(&member.cn)).collect();
            let who = match v.is_empty() {
                true => Msg::new("why-askcloudadmin"),
                false => Msg::new("why-ask").with(Value::List { v }),
            };
            view.blocks.push(Block::Para { text: who.into() });
        }
        Ok(())
    }

    /// Another wiki user, as if they asked.
    pub(super) async fn somebody(&self, caller: &Caller, name: &str) -> Result<Actor, Refusal> {
        let known = self.wiki.account(name).await.map_err(refuse)?;
        let user = known.ok_or_else(|| Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field("user", Msg::new("why-nouser").with(name))
        })?;
        let theirs = Caller {
            user,
            ..caller.clone()
        };
        self.actor(&theirs).await
    }

    /// A project, `project/role`, or an instance by its id.
    async fn about(&self, target: Option<&str>) -> Result<About, Refusal> {
        let mut about = About {
            region: Region::trusted(""),
            project: None,
            role: None,
        };
        let Some(target) = target.map(str::trim) else {
            return Ok(about);
        };
        let at_target = |refusal: Refusal| Refusal {
            field: Some("target".to_owned()),
            ..refusal
        };
        let name = if InstanceId::parse(target).is_ok() {
            let (seen, _) = self.instance(target, None).await.map_err(at_target)?;
            about.region = seen.instance.region;
            seen.instance.project
        } else {
            let (project, role) = target.split_once('/').unwrap_or((target, ""));
            if !role.is_empty() {
                about.role = self
                    .role_of(Action::RoleAdd, Some(role))
                    .map_err(at_target)?;
            }
            ProjectName::parse(project).map_err(at_target)?
        };
        about.project = self.directory.project(&name).await.map_err(refuse)?;
        if about.project.is_none() {
            let why = Msg::new("nonexistentproject").with(name.as_str());
            return Err(Refusal {
                kind: RefusalKind::NotFound,
                ..Refusal::field("target", why)
            });
        }
        Ok(about)
    }

    /// Who gave the place that a ground rests on. What is done in a project is read once.
    async fn given(
        &self,
        actor: &Actor,
        ground: &Ground,
        done: &mut BTreeMap<ProjectName, Vec<Operation>>,
    ) -> Result<Option<Given>, Refusal> {
        let (Some((project, place)), Some(person)) = (ground.place(), &actor.person) else {
            return Ok(None);
        };
        if !done.contains_key(project) {
            let filter = OperationFilter {
                projects: Some(vec![project.clone()]),
                state: Some(OperationState::Done),
                about: Some(person.entry.clone()),
                limit: LOOKED_THROUGH,
                ..OperationFilter::default()
            };
            let found = self.operations.operations(&filter).await.map_err(refuse)?;
            done.insert(project.clone(), found);
        }
        let done = done.get(project).map(Vec::as_slice).unwrap_or_default();
        Ok(given(done, &person.entry, &place))
    }
}

/// The ground, and since when it stands where a person gave it through us.
fn in_words(ground: &Ground, given: Option<Given>) -> Value {
    let told = Value::from(ground.told());
    match (given, ground.place()) {
        (Some(given), _) => {
            let since = Msg::new("why-given").with(given.by.as_str());
            let since = since.with(Value::Time { v: given.at });
            Value::from(Msg::new("why-since").with(told).with(since))
        }
        (None, Some(_)) => Value::from(
            Msg::new("why-since")
                .with(told)
                .with(Msg::new("why-notgiven")),
        ),
        (None, None) => told,
    }
}

fn action_called(name: &str) -> Result<Action, Refusal> {
    let found = Action::ALL.into_iter().find(|a| a.name() == name);
    found.ok_or_else(|| Refusal::field("action", Msg::new("badaction").with(name)))
}

fn form(request: &SpecialRequest, oneself: &str) -> Form {
    let asked = |name: &str| request.query.get(name).unwrap_or_default().to_owned();
    let text = |name: &str, default: String| Field {
        default: Some(FieldValue::One(default)),
        help: Some(Msg::new(&format!("why-{name}-help"))),
        maxlength: Some(255),
        ..Field::new(name, FieldKind::Text, Msg::new(&format!("why-{name}")))
    };
    let user = Some(asked("user")).filter(|name| !name.is_empty());
    let any = FieldOption {
        value: String::new(),
        label: Msg::new("why-anything").into(),
    };
    let actions = Action::ALL.into_iter().map(|action| FieldOption {
        value: action.name().to_owned(),
        label: Msg::new(&format!("do-{action}")).into(),
    });
    let action = Field {
        default: Some(FieldValue::One(asked("action"))),
        options: std::iter::once(any).chain(actions).collect(),
        ..Field::new("action", FieldKind::Select, Msg::new("why-what"))
    };
    Form {
        id: "why".to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&[]),
        fields: vec![
            text("user", user.unwrap_or_else(|| oneself.to_owned())),
            action,
            text("target", asked("target")),
        ],
        submit: Msg::new("why-submit"),
        preview: None,
        destructive: false,
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("why-intro")),
    }
}
