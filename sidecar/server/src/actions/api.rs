//! The same actions for wiki API bots: `action=novainstance`, `action=novaproject`, `action=novarole`,
//! `action=novakey`, `action=novasudoer`, `action=novaoperation`, `list=novainstances`.

use super::follow::wish_called;
use super::instances::{offset_after, parse_offset};
use super::operate::Asked;
use super::planned::{FACTS, Sent};
use super::{ApiRequest, Caller, Context, lookup::refuse};
use osm_core::action::Action;
use osm_core::authz::{Target, authorise};
use osm_core::ids::{OperationId, ProjectName, Region};
use osm_core::instance::CreateRequest;
use osm_core::message::Msg;
use osm_core::pages::title::instance_title;
use osm_core::plan::Plan;
use osm_core::ports::{InstanceFilter, Operation, PageKey, Seen};
use osm_core::probe::plan_probe;
use osm_core::refusal::{Refusal, RefusalKind};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use ulid::Ulid;

/// What an API module answers.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ApiReply {
    /// As asked.
    Result {
        /// The data.
        result: Json,
        /// Parameters with which the list goes on.
        #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
        cont: Option<BTreeMap<String, String>>,
    },
    /// Refused.
    Error {
        /// Why.
        error: ApiError,
    },
}

/// A refusal for machines and people.
#[derive(Clone, Debug, Serialize)]
pub struct ApiError {
    code: String,
    /// What it says to people.
    pub message: Msg,
    data: Json,
}

impl From<Vec<Refusal>> for ApiReply {
    /// The first refusal is the error; all of them are in its data.
    fn from(refusals: Vec<Refusal>) -> Self {
        let all: Vec<Json> = refusals
            .iter()
            .map(|r| json!({"code": r.code(), "field": r.field, "message": r.message}))
            .collect();
        let first = refusals
            .into_iter()
            .next()
            .unwrap_or_else(|| Refusal::new(RefusalKind::Invalid, Msg::new("badrequest")));
        Self::Error {
            error: ApiError {
                code: first.code().to_owned(),
                data: json!({"status": first.status(), "field": first.field, "refusals": all}),
                message: first.message,
            },
        }
    }
}

impl From<Refusal> for ApiReply {
    fn from(refusal: Refusal) -> Self {
        vec![refusal].into()
    }
}

pub(super) fn result(result: Json) -> ApiReply {
    ApiReply::Result { result, cont: None }
}

impl Context {
    /// Answers an API module; `None` where there is none of that name.
    pub async fn api(
        &self,
        module: &str,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Option<ApiReply> {
        let answer = match module {
            "novainstance" => return Some(self.api_instance(caller, request).await),
            "novaproject" | "novarole" => {
                let roles = module == "novarole";
                let people = self.api_people(caller, request, roles).await;
                return Some(people.unwrap_or_else(ApiReply::from));
            }
            "novakey" => self.api_key(caller, request).await,
            "novarequest" => self.api_request(caller, request).await,
            "novarequests" => self.api_requests(request).await,
            "novaaccount" => self.api_account(caller, request).await,
            "novasudoer" => self.api_sudo(caller, request).await,
            "novadrift" => self.api_drift(caller, request).await,
            "novaoperation" => self.api_operation(caller, request).await,
            "novaoperationwish" => self.api_wish(caller, request).await,
            "novaprobe" => self.api_probe(caller, request).await,
            "novalog" => self.api_log(caller, request).await,
            "novalogs" => self.api_logs(request).await,
            // Not for the wiki's API: Special:NovaLog hands it on as it is.
            "novalogfeed" => self.log_feed(request).await,
            // The shim's own word, when somebody was blocked or is not any more. The wiki is asked who.
            "novablocks" => {
                self.blocks.notify_one();
                Ok(result(json!({})))
            }
            "novaquotas" => self.api_quotas(caller, request).await,
            "novainstances" => self.api_instances(caller, request).await,
            _ => return None,
        };
        Some(answer.unwrap_or_else(ApiReply::from))
    }

    async fn api_instance(&self, caller: &Caller, request: &ApiRequest) -> ApiReply {
        let params = &request.params;
        let (id, region) = (params.text("instanceid"), params.get("region"));
        let answer = match params.text("subaction") {
            "create" => return self.api_create(caller, request).await,
            "reboot" => {
                self.api_operate(caller, request, Action::InstanceReboot)
                    .await
            }
            "delete" => {
                self.api_operate(caller, request, Action::InstanceDelete)
                    .await
            }
            "configure" => {
                self.api_operate(caller, request, Action::InstanceConfigure)
                    .await
            }
            "consoleoutput" => self
                .console(caller, id, region)
                .await
                .map(|(_, text)| result(json!({"consoleoutput": text}))),
            other => Err(Refusal::field(
                "subaction",
                Msg::new("badaction").with(other),
            )),
        };
        answer.unwrap_or_else(ApiReply::from)
    }

    async fn api_create(&self, caller: &Caller, request: &ApiRequest) -> ApiReply {
        let params = &request.params;
        let (project, region) = (params.text("project"), params.get("region"));
        let asked = CreateRequest {
            name: params.text("instancename").to_owned(),
            flavor: params.text("instanceType").to_owned(),
            image: params.text("imageType").to_owned(),
            security_groups: match params.all("groups") {
                none if none.is_empty() => vec!["default".to_owned()],
                some => some,
            },
        };
        let sent = Sent {
            key: request.idempotency_key.as_deref(),
            body: &format!("create {} {project} {asked:?}", region.unwrap_or_default()),
            facts: params.get(FACTS),
            mark: None,
        };
        let submitted = match self.planned_create(caller, project, region, &asked).await {
            Ok(plan) if dry(request) => return shown(&plan),
            Ok(plan) => self
                .submit(caller, plan, &sent)
                .await
                .map_err(|refusal| vec![refusal]),
            Err(wrong) => Err(wrong),
        };
        match submitted {
            Ok(id) => self.api_begun(&id).await,
            Err(wrong) => match self.replayed(caller, &sent).await {
                Some(id) => self.api_begun(&id).await,
                None => wrong.into(),
            },
        }
    }

    async fn api_operate(
        &self,
        caller: &Caller,
        request: &ApiRequest,
        action: Action,
    ) -> Result<ApiReply, Refusal> {
        let asked = Asked {
            action,
            params: &request.params,
            key: request.idempotency_key.as_deref(),
        };
        if dry(request) {
            return Ok(shown(&self.planned_operation(caller, &asked).await?));
        }
        let operation = self.operate(caller, &asked).await?;
        Ok(self.api_begun(&operation).await)
    }

    /// What a client needs to follow an operation it has begun.
    pub(super) async fn api_begun(&self, id: &OperationId) -> ApiReply {
        match self.operations.operation(id).await {
            Ok(Some(operation)) => {
                let page = self.page_of(&operation).await;
                result(json!({
                    "operation": id,
                    "instanceid": operation.instance,
                    "page": page,
                    "state": operation.state.name(),
                }))
            }
            // It is recorded; only telling more of it failed.
            Ok(None) | Err(_) => result(json!({
                "operation": id, "instanceid": null, "page": null, "state": "queued",
            })),
        }
    }

    async fn api_operation(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let actor = self.actor(caller).await?;
        let id = request.params.text("operation");
        let operation = self.visible_operation(&actor, id).await?;
        let page = self.page_of(&operation).await;
        Ok(result(json!({"operation": {
            "id": operation.id,
            "action": operation.plan.action,
            "state": operation.state.name(),
            "project": operation.plan.project,
            "region": operation.plan.region,
            "name": operation.plan.name,
            "user": operation.wiki_user_name,
            "started": operation.created,
            "finished": operation.finished,
            "steps": operation.steps.iter()
                .map(|s| json!({
                    "name": s.name, "state": s.state, "attempts": s.attempts,
                    "started": s.started, "ended": s.ended, "error": s.error,
                }))
                .collect::<Vec<_>>(),
            "instanceid": operation.instance,
            "page": page,
            "error": operation.error,
        }})))
    }

    async fn api_wish(&self, caller: &Caller, request: &ApiRequest) -> Result<ApiReply, Refusal> {
        let word = request.params.text("wish");
        let Some(wish) = wish_called(word) else {
            return Err(Refusal::field("wish", Msg::new("badaction").with(word)));
        };
        let id = request.params.text("operation");
        let key = request.idempotency_key.as_deref();
        let operation = self.wish_for(caller, wish, id, key).await?;
        Ok(self.api_begun(&operation.id).await)
    }

    async fn api_probe(&self, caller: &Caller, request: &ApiRequest) -> Result<ApiReply, Refusal> {
        let actor = self.actor(caller).await?;
        let (policy, action) = (&self.settings.policy, Action::OperationProbe);
        let permit = authorise(policy, &actor, action, &Target::Everywhere)?;
        let plan = plan_probe(&permit, &Ulid::generate().to_string());
        if dry(request) {
            return Ok(shown(&plan));
        }
        let sent = Sent {
            key: request.idempotency_key.as_deref(),
            body: "probe",
            facts: None,
            mark: None,
        };
        let operation = self.submit(caller, plan, &sent).await?;
        Ok(self.api_begun(&operation).await)
    }

    async fn page_of(&self, operation: &Operation) -> Option<String> {
        let id = operation.instance?;
        let key = PageKey::Instance {
            region: operation.plan.region.clone(),
            id,
        };
        let record = self.pages.page(&key).await.map_err(refuse).ok()?;
        record.map(|r| r.title)
    }

    async fn api_instances(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let actor = self.actor(caller).await?;
        let mut projects = self.visible_projects(&actor).await?;
        if let Some(only) = params.get("project") {
            let only = ProjectName::parse(only)?;
            let target = Target::Project(Region::trusted(""), only.clone());
            authorise(&self.settings.policy, &actor, Action::InstanceList, &target)?;
            projects.retain(|p| *p == only);
        }
        let region = match params.get("region") {
            None => None,
            some => Some(Region::choose(some, &self.settings.region_names())?),
        };
        let limit = params.text("limit").parse().unwrap_or(10).clamp(1, 5000);
        let mut rows = self
            .index
            .list(&InstanceFilter {
                projects: Some(projects),
                region,
                limit: limit + 1,
                after: params.get("continue").map(parse_offset).transpose()?,
                ..InstanceFilter::default()
            })
            .await
            .map_err(refuse)?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let cont = rows
            .last()
            .filter(|_| more)
            .map(|seen| BTreeMap::from([("continue".to_owned(), offset_after(&seen.instance))]));
        let titles = self.titles_of(&rows).await?;
        let rows = rows
            .iter()
            .map(|s| row(s, titles.get(&s.instance.id)))
            .collect();
        Ok(ApiReply::Result {
            result: Json::Array(rows),
            cont,
        })
    }
}

pub(super) fn dry(request: &ApiRequest) -> bool {
    request
        .params
        .get("dryrun")
        .is_some_and(|v| v != "0" && v != "false")
}

pub(super) fn shown(plan: &Plan) -> ApiReply {
    result(json!({"dryrun": true, "plan": plan, "changes": plan.changes(None)}))
}

fn row(seen: &Seen, title: Option<&String>) -> Json {
    let i = &seen.instance;
    let addresses = |floating: bool| -> Vec<String> {
        i.addresses
            .iter()
            .filter(|a| a.floating == floating)
            .map(|a| a.ip.to_string())
            .collect()
    };
    json!({
        "name": i.name,
        "instanceid": i.id,
        "state": i.status,
        "taskstate": i.task_state,
        "ip": addresses(false),
        "floatingip": addresses(true),
        "project": i.project,
        "region": i.region,
        "instancetype": i.flavor.name,
        "imageid": i.image.as_ref().map(|image| &image.id),
        "imagename": i.image.as_ref().and_then(|image| image.name.as_ref()),
        "securitygroups": i.security_groups,
        "launched": i.launched,
        "page": title.cloned().unwrap_or_else(|| instance_title(i.id, 8)),
        "asof": seen.as_of,
    })
}
