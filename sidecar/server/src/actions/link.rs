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
/// Wrong passwords that all wiki users together may give for one LDAP account: wiki accounts are quickly made.
const BOUND_TOGETHER: usize = 20;
/// How long a wrong password counts.
const WINDOW: Duration = Duration::minutes(10);
/// A longer name is nobody's.
const LONGEST_UID: usize = 64;

/// Proofs under way or failed, so that this form is no way of guessing passwords. In memory: a restart
/// forgets them, and each replica counts its own.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<Of, Vec<DateTime<Utc>>>>);

/// Whose attempts are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Of {
    WikiUser(u64),
    Account(String),
}

impl Attempts {
    /// Counts an attempt before it is made, so that many at once are no more than the bound; `false` where
    /// there were too many.
    fn begin(&self, user: u64, uid: &str, now: DateTime<Utc>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, times| {
            times.retain(|t| now - *t < WINDOW);
            !times.is_empty()
        });
        let made = |of| all.get(&of).map_or(0, Vec::len);
        if made(Of::WikiUser(user)) >= BOUND || made(Of::Account(uid.to_owned())) >= BOUND_TOGETHER
        {
            return false;
        }
        for of in [Of::WikiUser(user), Of::Account(uid.to_owned())] {
            all.entry(of).or_default().push(now);
        }
        true
    }

    /// It was no wrong password after all.
    fn take_back(&self, user: u64, uid: &str, begun: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for of in [Of::WikiUser(user), Of::Account(uid.to_owned())] {
            let times = all.entry(of).or_default();
            if let Some(at) = times.iter().position(|t| *t == begun) {
                times.swap_remove(at);
            }
        }
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
        self.outcome(&actor, request, &mut view).await;
        if let Some(person) = &actor.person {
            view.notice(Level::Success, Msg::new("linked").with(person.uid.as_str()));
            return Ok(view);
        }
        // While it is being made there is nothing to ask for.
        if view.live {
            return Ok(view);
        }
        match self.permit_account(&actor) {
            Ok(_) => {
                if let Some(followed) = self.account_form(caller, request, &mut view).await? {
                    return Ok(followed);
                }
            }
            // Who has an account elsewhere may still connect it.
            Err(refusal) => view.notice(Level::Info, refusal.message),
        }
        let uid = request.form.text("uid").trim();
        let wrong = match request.post && request.get("action") != Some("create") {
            true => match self.prove(caller, uid, request.form.text("password")).await {
                Ok(()) => {
                    return Ok(View::redirect(Msg::new("novalink"), "NovaLink", &[]));
                }
                Err(refusal) => Some(refusal),
            },
            false => None,
        };
        if let Some(refusal) = &wrong {
            view.status = refusal.status();
        }
        view.blocks
            .extend((!view.blocks.is_empty()).then(|| Block::Heading {
                level: 2,
                id: "link".to_owned(),
                text: Msg::new("link-heading").into(),
                links: Vec::new(),
            }));
        view.blocks.push(Block::Form(Box::new(form(uid, wrong))));
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
        let wrong = || Refusal::field("password", Msg::new("link-wrong"));
        if uid.len() > LONGEST_UID {
            return Err(wrong());
        }
        let begun = (self.clock)();
        if !self.attempts.begin(user, uid, begun) {
            return Err(Refusal::new(
                RefusalKind::Forbidden,
                Msg::new("link-toomany"),
            ));
        }
        let proven = self.directory.prove(uid, password).await;
        if !matches!(proven, Ok(None)) {
            self.attempts.take_back(user, uid, begun);
        }
        let entry = proven.map_err(refuse)?.ok_or_else(wrong)?;
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
        preview: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_are_bounded_by_user_and_by_account() {
        let attempts = Attempts::default();
        let now = Utc::now();
        // All of them are under way at once: no answer is known yet.
        for _ in 0..BOUND {
            assert!(attempts.begin(1, "ann", now));
        }
        assert!(!attempts.begin(1, "ann", now), "the user's bound");
        assert!(!attempts.begin(1, "ben", now), "also for somebody else's");
        attempts.take_back(1, "ann", now);
        assert!(attempts.begin(1, "ann", now), "the right one counts not");

        let others = (2..).take(BOUND_TOGETHER - BOUND);
        assert!(
            others
                .into_iter()
                .all(|user| attempts.begin(user, "ann", now))
        );
        assert!(!attempts.begin(1000, "ann", now), "the account's bound");
        assert!(attempts.begin(1000, "ben", now));
        assert!(attempts.begin(1, "ann", now + WINDOW), "after a while");
    }
}
