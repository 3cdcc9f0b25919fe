//! `action=novarequest` and `list=novarequests`.

use super::api::{ApiReply, result};
use super::requests::Word;
use super::{ApiRequest, Caller, Context, lookup::refuse};
use osm_core::ids::ProjectName;
use osm_core::message::Msg;
use osm_core::pages::title::request_title;
use osm_core::ports::RequestFilter;
use osm_core::refusal::Refusal;
use osm_core::requests::{Request, State};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

impl Context {
    /// The module.
    pub(super) async fn api_request(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let (hash, said) = (params.text("hash"), params.text("answer"));
        let word = match params.text("subaction") {
            what @ ("project" | "quota") => {
                let asked = self.asked(params, what == "quota")?;
                let key = request.idempotency_key.as_deref();
                let id = self.ask_for(caller, asked, key).await?;
                let made = self.request_called(&id.to_string()).await?;
                return Ok(result(row(&made)));
            }
            "grant" => Word::Grant { hash },
            "decline" => Word::Decline,
            "withdraw" => Word::Withdraw,
            other => {
                let why = Msg::new("badaction").with(other);
                return Err(Refusal::field("subaction", why));
            }
        };
        self.actor(caller).await?;
        let asked = self.request_called(params.text("request")).await?;
        self.decide(caller, &asked, word, said).await?;
        let decided = self.request_called(&asked.id.to_string()).await?;
        Ok(result(row(&decided)))
    }

    /// The list.
    pub(super) async fn api_requests(&self, request: &ApiRequest) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let limit = params.text("limit").parse().unwrap_or(10).clamp(1, 500);
        let before = params.get("continue").map(str::parse).transpose();
        let state = params.get("state");
        let filter = RequestFilter {
            state: State::ALL
                .into_iter()
                .find(|known| Some(known.name()) == state),
            project: params.get("project").map(ProjectName::parse).transpose()?,
            before: before.map_err(|_| Refusal::field("continue", Msg::new("badoffset")))?,
            limit: limit + 1,
            ..RequestFilter::default()
        };
        let mut found = self.requests.requests(&filter).await.map_err(refuse)?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let last = found.last().filter(|_| more);
        Ok(ApiReply::Result {
            cont: last.map(|last| BTreeMap::from([("continue".to_owned(), last.id.to_string())])),
            result: found.iter().map(row).collect(),
        })
    }
}

fn row(request: &Request) -> Json {
    let decision = request.decision.as_ref();
    json!({
        "request": request.id,
        "state": request.state.name(),
        "project": request.asked.wanted.project(),
        "wanted": request.asked.wanted,
        "reason": request.asked.reason,
        "hash": request.asked.hash(),
        "user": request.by.1,
        "asked": request.at,
        "byrule": decision.is_some_and(|d| d.by_rule),
        "decidedby": decision.map(|d| &d.by.1),
        "decided": decision.map(|d| d.at),
        "answer": decision.map(|d| &d.words),
        "operation": decision.and_then(|d| d.operation.as_ref()),
        "page": request_title(request.id),
    })
}
