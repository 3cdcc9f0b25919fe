//! `Special:NovaLog`: the Server Admin Log searched, written to, and whose IRC accounts are; `action=novalog` and
//! `list=novalogs` for bots.

use super::api::{ApiReply, result};
use super::lookup::refuse;
use super::{ApiRequest, Caller, Context, Params, SpecialRequest, log_tokens};
use crate::log::{Outcome, Saying};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use osm_core::log::grammar::clean;
use osm_core::log::policy::Policy;
use osm_core::log::post::told;
use osm_core::log::token::hash;
use osm_core::log::{Entry, LONGEST, LogName};
use osm_core::message::{Msg, Value};
use osm_core::pages::log::title;
use osm_core::ports::LogFilter;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Field, FieldKind, FieldValue, Form, Level, PageLink, Row, View};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use ulid::Ulid;

pub(super) const PAGE: &str = "NovaLog";
/// Entries on the page.
const LISTED: u32 = 100;
/// What is searched by.
pub(super) const BY: [&str; 5] = ["project", "nick", "text", "from", "until"];

impl Context {
    /// The page. Everybody may read: the log stands on the wiki.
    pub(super) async fn novalog(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        if request.get("action") == Some(log_tokens::WORD) {
            return self.log_tokens(caller, request).await;
        }
        let mut wrong = None;
        let mut notice = None;
        if request.post {
            match request.form.text("action") {
                "search" => return Ok(searched(&request.form)),
                "log" => match self
                    .log(caller, &request.form, request.idempotency_key.as_deref())
                    .await
                {
                    Ok((log, seq)) => {
                        let (log, seq) = (log.to_string(), seq.to_string());
                        let query = [("project", log.as_str()), ("logged", seq.as_str())];
                        return Ok(View::redirect(Msg::new("novalog"), PAGE, &query));
                    }
                    Err(refusal) => wrong = Some(refusal),
                },
                "code" => {
                    let user = self.logged_in(caller)?;
                    let code = self
                        .book
                        .code(user, &caller.user.name)
                        .await
                        .map_err(refuse)?;
                    notice = Some(Msg::new("log-code-shown").with(Value::Code {
                        v: format!("link {code}"),
                    }));
                }
                "forget" => {
                    let user = self.logged_in(caller)?;
                    let (network, account) =
                        (request.form.text("network"), request.form.text("account"));
                    let forgotten = self.book.speakers.forget(user, network, account);
                    forgotten.await.map_err(refuse)?;
                    return Ok(View::redirect(Msg::new("novalog"), PAGE, &[]));
                }
                word => return Err(Refusal::field("action", Msg::new("badaction").with(word))),
            }
        }
        let mut view = View::new(Msg::new("novalog"));
        if let Some(seq) = request.query.get("logged") {
            let log = request.query.text("project");
            view.notice(Level::Success, Msg::new("log-logged").with(seq).with(log));
        }
        if let Some(text) = notice {
            view.notice(Level::Info, text);
        }
        view.status = wrong.as_ref().map_or(200, Refusal::status);
        if caller.user.wiki_user_id != 0 {
            let form = log_form(&request.merged(), wrong);
            view.blocks.push(Block::Form(Box::new(form)));
            // Before the list, which is long.
            self.accounts(caller.user.wiki_user_id, &mut view).await?;
            self.link_tokens(caller, &mut view).await;
            view.blocks.push(heading("search", "log-search"));
        }
        self.list(&request.query, &mut view).await?;
        Ok(view)
    }

    async fn list(&self, query: &Params, view: &mut View) -> Result<(), Refusal> {
        view.blocks.push(Block::Form(Box::new(search_form(query))));
        let filter = filter(query, LISTED)?;
        let mut found = self.book.logs.entries(&filter).await.map_err(refuse)?;
        let more = found.len() > LISTED as usize;
        found.truncate(LISTED as usize);
        let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
        view.blocks.push(Block::Table {
            id: "log".to_owned(),
            columns: ["log-time", "project", "log-nick", "log-message"]
                .map(Msg::new)
                .into(),
            rows: found.iter().map(row).collect(),
            empty: Some(Msg::new("log-none")),
        });
        if let Some(next) = next {
            let mut link = shown(query);
            link.query.insert("before".to_owned(), next);
            let next = Some(link);
            view.blocks.push(Block::Pager { prev: None, next });
        }
        Ok(())
    }

    /// Whose IRC accounts are.
    async fn accounts(&self, user: u64, view: &mut View) -> Result<(), Refusal> {
        let accounts = self.book.speakers.accounts(user).await.map_err(refuse)?;
        view.blocks.push(heading("accounts", "log-accounts"));
        for (network, account) in &accounts {
            let fields = vec![
                Field::hidden("network", network),
                Field::hidden("account", account),
            ];
            let about = Msg::new("log-account")
                .with(account.as_str())
                .with(network.as_str());
            view.blocks
                .push(form("forget", fields, "log-forget", Some(about)));
        }
        let about = Some(Msg::new("log-code-intro"));
        view.blocks
            .push(form("code", Vec::new(), "log-code", about));
        Ok(())
    }

    fn logged_in(&self, caller: &Caller) -> Result<u64, Refusal> {
        let forbidden = |key| Err(Refusal::new(RefusalKind::Forbidden, Msg::new(key)));
        match caller.user.wiki_user_id {
            0 => forbidden("mustbeloggedin"),
            _ if caller.user.block.as_ref().is_some_and(|b| b.sitewide) => forbidden("log-blocked"),
            id => Ok(id),
        }
    }

    /// Logs for a wiki user: it is their own edit.
    async fn log(
        &self,
        caller: &Caller,
        params: &Params,
        key: Option<&str>,
    ) -> Result<(LogName, u64), Refusal> {
        let user = self.logged_in(caller)?;
        let reason = &self.settings.policy.maintenance;
        if let Some(reason) = reason {
            let why = Msg::new("maintenance").with(reason.as_str());
            return Err(Refusal::new(RefusalKind::Unavailable, why));
        }
        let message = clean(params.text("message"));
        let (name, bad) = (params.text("project").trim(), "log-empty");
        if message.is_empty() {
            return Err(Refusal::field("message", Msg::new(bad)));
        }
        if message.chars().count() > LONGEST {
            let most = i64::try_from(LONGEST).unwrap_or(i64::MAX);
            let why = Msg::new("log-toolong").with(Value::Num { v: most });
            return Err(Refusal::field("message", why));
        }
        let key = key.map_or_else(|| Ulid::generate().to_string(), str::to_owned);
        // The client's own, of any length.
        let key = format!("wiki:{user}:{}", hash(&key));
        let saying = Saying {
            name,
            key,
            nick: &caller.user.name,
            by: Some((user, caller.user.name.clone())),
            source: "wiki".to_owned(),
            message: &message,
            policy: Policy::Anyone,
            election: None,
        };
        match self.book.accept(saying).await {
            Outcome::Accepted(log, seq) => Ok((log, seq)),
            Outcome::Unknown(meant) if meant.is_empty() => {
                let why = Msg::new("nonexistentproject").with(name);
                Err(Refusal::field("project", why))
            }
            Outcome::Unknown(meant) => {
                let why = Msg::new("log-didyoumean").with(name).with(meant.join(", "));
                Err(Refusal::field("project", why))
            }
            Outcome::Otherwise => {
                let why = Msg::new("log-usedkey");
                Err(Refusal::new(RefusalKind::Conflict, why))
            }
            Outcome::NotOurs | Outcome::Barred(_) | Outcome::DirectoryAway | Outcome::StoreAway => {
                Err(Refusal::new(RefusalKind::Unavailable, Msg::new("log-away")))
            }
        }
    }

    /// `action=novalog`.
    pub(super) async fn api_log(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let written = self.book.written.subscribe();
        let key = request.idempotency_key.as_deref();
        let (log, seq) = self.log(caller, &request.params, key).await?;
        let revision = self.book.soon(&log, seq, written).await;
        Ok(result(json!({
            "log": log.to_string(), "entry": seq, "page": title(&log), "revision": revision,
        })))
    }

    /// `list=novalogs`.
    pub(super) async fn api_logs(&self, request: &ApiRequest) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let limit = params.text("limit").parse().unwrap_or(10).clamp(1, 500);
        let mut found = self
            .book
            .logs
            .entries(&filter(params, limit)?)
            .await
            .map_err(refuse)?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let cont = found
            .last()
            .filter(|_| more)
            .map(|(id, _)| BTreeMap::from([("continue".to_owned(), id.to_string())]));
        let rows: Vec<Json> = found.iter().map(|(_, entry)| told(entry)).collect();
        Ok(ApiReply::Result {
            result: Json::Array(rows),
            cont,
        })
    }
}

pub(super) fn heading(id: &str, text: &str) -> Block {
    Block::Heading {
        level: 2,
        id: id.to_owned(),
        text: Msg::new(text).into(),
        links: Vec::new(),
    }
}

fn row((_, entry): &(u64, Entry)) -> Row {
    let said = &entry.said;
    let who = match &said.by {
        Some((_, name)) => Value::wiki(format!("User:{name}"), said.nick.as_str()),
        None => Value::text(said.nick.as_str()),
    };
    Row {
        id: format!("{}-{}", said.log, entry.seq),
        cells: vec![
            Value::Time { v: said.at },
            Value::wiki(title(&said.log), said.log.to_string()),
            who,
            Value::text(said.message.as_str()),
        ],
    }
}

/// One more than is wanted, to see whether there are more.
pub(super) fn filter(params: &Params, wanted: u32) -> Result<LogFilter, Refusal> {
    let before = params.get("before").or_else(|| params.get("continue"));
    let number = |text: &str| {
        text.parse()
            .map_err(|_| Refusal::field("continue", Msg::new("badoffset")))
    };
    let log =
        match params.get("project").map(str::trim) {
            None => None,
            Some(name) => Some(LogName::parse(name).ok_or_else(|| {
                Refusal::field("project", Msg::new("nonexistentproject").with(name))
            })?),
        };
    Ok(LogFilter {
        log,
        nick: params.get("nick").map(|nick| nick.trim().to_owned()),
        text: params.get("text").map(|text| text.trim().to_owned()),
        from: params.get("from").map(instant).transpose()?,
        until: params.get("until").map(instant).transpose()?,
        before: before.map(number).transpose()?,
        limit: wanted + 1,
    })
}

/// A day or an instant, in UTC.
fn instant(text: &str) -> Result<DateTime<Utc>, Refusal> {
    let text = text.trim();
    let day = text
        .parse::<NaiveDate>()
        .map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let exact = || text.parse::<DateTime<Utc>>();
    day.or_else(|_| exact())
        .map_err(|_| Refusal::field("from", Msg::new("log-badtime").with(text)))
}

/// The page with what is searched by in its address.
fn shown(params: &Params) -> PageLink {
    let asked = BY
        .into_iter()
        .filter_map(|name| Some((name, params.get(name)?.trim())));
    PageLink::new(PAGE, &asked.collect::<Vec<_>>())
}

fn searched(form: &Params) -> View {
    let mut view = View::new(Msg::new("novalog"));
    view.redirect = Some(shown(form));
    view
}

fn text(name: &str, label: &str, params: &Params) -> Field {
    Field {
        default: params.get(name).map(|v| FieldValue::One(v.to_owned())),
        maxlength: Some(255),
        ..Field::new(name, FieldKind::Text, Msg::new(label))
    }
}

fn search_form(query: &Params) -> Form {
    let labels = ["project", "log-nick", "log-text", "log-from", "log-until"];
    let fields = BY
        .iter()
        .zip(labels)
        .map(|(name, label)| text(name, label, query));
    plain("search", fields.collect(), "log-search", None)
}

fn log_form(sent: &Params, wrong: Option<Refusal>) -> Form {
    let mut fields = vec![
        Field {
            required: true,
            ..text("project", "project", sent)
        },
        Field {
            required: true,
            maxlength: u32::try_from(LONGEST).ok(),
            ..text("message", "log-message", sent)
        },
    ];
    if let Some(refusal) = wrong {
        let at = refusal.field.as_deref().unwrap_or("message");
        for field in fields.iter_mut().filter(|f| f.name == at) {
            field.error = Some(refusal.message.clone());
        }
    }
    plain("log", fields, "log-submit", Some(Msg::new("log-intro")))
}

fn form(action: &str, fields: Vec<Field>, submit: &str, intro: Option<Msg>) -> Block {
    Block::Form(Box::new(plain(action, fields, submit, intro)))
}

fn plain(action: &str, mut fields: Vec<Field>, submit: &str, intro: Option<Msg>) -> Form {
    fields.push(Field::hidden("action", action));
    Form {
        id: format!("log-{action}"),
        page: PAGE.to_owned(),
        query: [].into(),
        fields,
        submit: Msg::new(submit),
        preview: None,
        destructive: action == "forget",
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro,
    }
}
