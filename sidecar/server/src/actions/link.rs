//! `Special:NovaLink`: a person proves once, by their LDAP password, which entry is theirs.

use super::{Caller, Context, SpecialRequest, lookup::refuse};
use chrono::{DateTime, Duration, Utc};
use osm_core::message::{Msg, Value};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Field, FieldKind, FieldValue, Form, Level, View};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tracing::info;
use ulid::Ulid;

/// Wrong passwords that a wiki user may give within [`WINDOW`].
const BOUND: usize = 5;
/// How long a wrong password counts.
const WINDOW: Duration = Duration::minutes(10);

/// Failed proofs, so that this form is no way of guessing passwords.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<u64, Vec<DateTime<Utc>>>>);

impl Attempts {
    fn exhausted(&self, user: u64, now: DateTime<Utc>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, times| {
            times.retain(|t| now - *t < WINDOW);
            !times.is_empty()
        });
        all.get(&user).is_some_and(|times| times.len() >= BOUND)
    }

    fn note(&self, user: u64, now: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(user).or_default().push(now);
    }
}

impl Context {
    /// The page.
    pub(super) async fn novalink(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("novalink"));
        if let Some(person) = &actor.person {
            view.notice(Level::Success, Msg::new("linked").with(person.uid.as_str()));
            return Ok(view);
        }
        let uid = request.form.text("uid").trim();
        let wrong = match request.post {
            true => match self.prove(caller, uid, request.form.text("password")).await {
                Ok(()) => {
                    return Ok(View::redirect(Msg::new("novalink"), "NovaLink", &[]));
                }
                Err(refusal) => Some(refusal),
            },
            false => None,
        };
        view.status = wrong.as_ref().map_or(200, Refusal::status);
        view.blocks.push(Block::Form(form(uid, wrong)));
        Ok(view)
    }

    async fn prove(&self, caller: &Caller, uid: &str, password: &str) -> Result<(), Refusal> {
        let user = caller.user.wiki_user_id;
        if caller.user.block.as_ref().is_some_and(|b| b.sitewide) {
            return Err(Refusal::new(
                RefusalKind::Forbidden,
                Msg::new("link-blocked"),
            ));
        }
        if self.attempts.exhausted(user, (self.clock)()) {
            return Err(Refusal::new(
                RefusalKind::Forbidden,
                Msg::new("link-toomany"),
            ));
        }
        let Some(entry) = self.directory.prove(uid, password).await.map_err(refuse)? else {
            self.attempts.note(user, (self.clock)());
            return Err(Refusal::field("password", Msg::new("link-wrong")));
        };
        let name = caller.user.name.as_str();
        let linked = self
            .links
            .link(user, &entry, "password", name)
            .await
            .map_err(refuse)?;
        info!(
            wiki_user = user,
            uid, linked, "a person proved an LDAP entry"
        );
        match linked {
            true => Ok(()),
            false => Err(Refusal::field("uid", Msg::new("link-taken").with(uid))),
        }
    }
}

fn form(uid: &str, wrong: Option<Refusal>) -> Form {
    let mut fields = vec![
        Field {
            default: Some(FieldValue::One(uid.to_owned())),
            required: true,
            maxlength: Some(64),
            ..Field::new("uid", FieldKind::Text, Msg::new("shellname"))
        },
        Field {
            required: true,
            maxlength: Some(256),
            ..Field::new("password", FieldKind::Password, Msg::new("ldappassword"))
        },
    ];
    if let Some(refusal) = wrong {
        let at = refusal.field.as_deref().unwrap_or("uid");
        for field in fields.iter_mut().filter(|f| f.name == at) {
            field.error = Some(refusal.message.clone());
        }
    }
    Form {
        id: "link".to_owned(),
        page: "NovaLink".to_owned(),
        query: [].into(),
        fields,
        submit: Msg::new("link-submit"),
        destructive: false,
        cancel: Some(Value::special(
            "NovaInstance",
            &[],
            Msg::new("backinstancelist"),
        )),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("link-intro")),
    }
}
