//! A person's own SSH public keys: planned here for the special page and the wiki API alike. A pasted text is
//! read before anything else is done with it, and goes no further than that.

use super::api::{ApiReply, dry, result};
use super::planned::{FACTS, Sent};
use super::{ApiRequest, Caller, Context, lookup::refuse};
use futures_util::future::join_all;
use osm_core::action::Action;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Permit, Target, authorise};
use osm_core::ids::OperationId;
use osm_core::keys::keypairs::{self, Heard, Standing};
use osm_core::keys::{FIELD, Key, KeyFacts, KeyPlan, hash, plan_add_key, plan_remove_key};
use osm_core::message::Msg;
use osm_core::refusal::{Refusal, RefusalKind};
use serde_json::json;

/// What is asked.
pub(super) enum Asked {
    Add(Key),
    /// By what the key is called.
    Remove(String),
}

impl Asked {
    pub(super) fn pasted(text: &str) -> Result<Self, Refusal> {
        Key::pasted(text).map(Self::Add)
    }

    fn action(&self) -> Action {
        match self {
            Self::Add(_) => Action::KeyAdd,
            Self::Remove(_) => Action::KeyRemove,
        }
    }

    fn body(&self) -> String {
        match self {
            Self::Add(key) => format!("{} {}", self.action(), key.line),
            Self::Remove(name) => format!("{} {name}", self.action()),
        }
    }
}

impl Context {
    /// Who may do it: the person, with what is theirs.
    pub(super) fn permit_own<'a>(
        &self,
        actor: &'a Actor,
        action: Action,
    ) -> Result<(Permit, &'a Person), Refusal> {
        let nolink = || Refusal::new(RefusalKind::Forbidden, Msg::new("nolink"));
        let person = actor.person.as_ref().ok_or_else(nolink)?;
        let target = Target::Own(person.entry.clone());
        let permit = authorise(&self.settings.policy, actor, action, &target)?;
        Ok((permit, person))
    }

    /// What LDAP has.
    pub(super) async fn keys_of(&self, person: &Person) -> Result<Vec<String>, Refusal> {
        let held = self.directory.keys(&person.entry).await.map_err(refuse)?;
        held.ok_or_else(|| {
            let gone = Msg::new("nosuchperson").with(person.uid.as_str());
            Refusal::new(RefusalKind::NotFound, gone)
        })
    }

    /// What Nova has under a key's name. Who is away there keeps nobody from what counts, which is LDAP.
    async fn keypairs_of(&self, person: &Person, key: &Key) -> Vec<Standing> {
        let settings = &self.settings;
        let regions = settings.region_names().into_iter();
        if !settings.keypairs {
            return Vec::new();
        }
        let user = match keypairs::public_key(key) {
            Some(_) => {
                let user = self.identity.user_id(&person.uid, &settings.people_domain);
                user.await.map_err(refuse)
            }
            // Nothing is to be asked.
            None => Ok(None),
        };
        let name = &keypairs::name(key);
        let heard = regions.map(async |region| {
            let heard = match &user {
                Err(_) => Heard::Nothing,
                Ok(None) => Heard::Nobody,
                Ok(Some(user_id)) => match self.compute.keypair(&region, user_id, name).await {
                    Ok(public_key) => Heard::Has {
                        user_id: user_id.clone(),
                        public_key,
                    },
                    Err(error) => {
                        refuse(error);
                        Heard::Nothing
                    }
                },
            };
            Standing { region, heard }
        });
        join_all(heard).await
    }

    pub(super) async fn planned_key(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<KeyPlan, Refusal> {
        let actor = self.actor(caller).await?;
        let (permit, person) = self.permit_own(&actor, asked.action())?;
        let held = self.keys_of(person).await?;
        let meant = match asked {
            Asked::Add(key) => Some(key.clone()),
            Asked::Remove(name) => {
                let mut called = held.iter().filter(|value| hash(value) == *name);
                called.find_map(|value| Key::stored(value))
            }
        };
        let keypairs = match &meant {
            Some(key) => self.keypairs_of(person, key).await,
            None => Vec::new(),
        };
        let facts = KeyFacts {
            person: person.clone(),
            held,
            keypairs,
        };
        match asked {
            Asked::Add(key) => plan_add_key(&permit, &facts, key),
            Asked::Remove(name) => plan_remove_key(&permit, &facts, name),
        }
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn change_key(
        &self,
        caller: &Caller,
        asked: &Asked,
        key: Option<&str>,
        facts: Option<&str>,
    ) -> Result<OperationId, Refusal> {
        let sent = Sent {
            key,
            body: &asked.body(),
            facts,
            mark: self.mark().await?,
        };
        let planned = self.planned_key(caller, asked).await.map(|it| it.plan);
        self.submit_planned(caller, planned, &sent).await
    }

    /// `action=novakey`.
    pub(super) async fn api_key(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let asked = match params.text("subaction") {
            "add" => Asked::pasted(params.text(FIELD))?,
            "delete" => Asked::Remove(params.text("hash").to_owned()),
            other => {
                let why = Msg::new("badaction").with(other);
                return Err(Refusal::field("subaction", why));
            }
        };
        if dry(request) {
            let KeyPlan { plan, without } = self.planned_key(caller, &asked).await?;
            let changes = plan.changes(None);
            return Ok(result(json!({
                "dryrun": true, "plan": plan, "changes": changes, "without": without,
            })));
        }
        let (key, facts) = (request.idempotency_key.as_deref(), params.get(FACTS));
        let operation = self.change_key(caller, &asked, key, facts).await?;
        Ok(self.api_begun(&operation).await)
    }
}
