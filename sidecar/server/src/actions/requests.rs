//! Requests: made, granted, declined and withdrawn, for Special:NovaRequest and the wiki API alike.

use super::planned::Sent;
use super::{Caller, Context, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Permit, Target, authorise, authorise_granted};
use osm_core::founding::{FoundingFacts, plan_create_project};
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::ports::{
    ByRule, Decided, NewDecision, NewOperation, NewRequest, Noted, Submitted, Verdict,
};
use osm_core::quota::{QuotaFacts, plan_quota};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::requests::{Asked, Case, Grantable, Request, Rule, Wanted, answer, by_rule};
use ulid::Ulid;

/// What somebody says to a request.
pub(super) enum Word<'a> {
    /// To grant what has this hash.
    Grant {
        hash: &'a str,
    },
    Decline,
    Withdraw,
}

impl Context {
    /// Records what is asked for; where a rule grants it, with what carries it out.
    pub(super) async fn ask_for(
        &self,
        caller: &Caller,
        asked: Asked,
        key: Option<&str>,
    ) -> Result<u64, Refusal> {
        let wanted = &asked.wanted;
        let actor = self.may_ask(caller, &wanted.asked_at()).await?;
        let mark = self.mark().await?;
        let facts = self.wanted_facts(wanted, &actor).await?;
        let case = facts.case(wanted, &actor)?;
        let by_rule = match self.rule_of(&actor, case) {
            Ok((grantable, rule)) => {
                let policy = &self.settings.policy;
                let permit = authorise_granted(policy, &actor, wanted, &grantable)?;
                let plan = noted(facts.plan(&permit, wanted)?, &asked, None);
                Some(ByRule {
                    operation: self.to_submit(caller, plan, &unkeyed(mark))?,
                    unless_since: rule.since((self.clock)()),
                })
            }
            Err(_) => None,
        };
        let own = key.map_or_else(|| Ulid::generate().to_string(), str::to_owned);
        let mut new = NewRequest {
            asked,
            by: (caller.user.wiki_user_id, caller.user.name.clone()),
            key: format!("{}:{own}", caller.user.wiki_user_id),
            at: (self.clock)(),
            granted: by_rule,
        };
        let mut noted = self.requests.ask(&new).await.map_err(refuse)?;
        if noted == Noted::NotByRule {
            new.granted = None;
            noted = self.requests.ask(&new).await.map_err(refuse)?;
        }
        match noted {
            Noted::Request(id) => {
                self.work.notify_one();
                Ok(id)
            }
            Noted::OneIsOpen(id) => Err(conflict("request-oneisopen", id)),
            Noted::Refused(outcome) => {
                Err(self.not_taken(new.granted.map(|g| g.operation), outcome))
            }
            // It was asked for without the rule's word.
            Noted::NotByRule => Err(badly_matched()),
        }
    }

    /// Who asks, if they may.
    pub(super) async fn may_ask(&self, caller: &Caller, at: &Target) -> Result<Actor, Refusal> {
        let actor = self.actor(caller).await?;
        authorise(&self.settings.policy, &actor, Action::RequestMake, at)?;
        match &actor.person {
            Some(_) => Ok(actor),
            // A cloud admin may all, but a project needs a first member.
            None => Err(Refusal::new(RefusalKind::Forbidden, Msg::new("nolink"))),
        }
    }

    /// Whether a rule grants it to this person at once; otherwise why an approver has to look at it.
    pub(super) fn rule_of(&self, actor: &Actor, case: Case) -> Result<(Grantable, Rule), Msg> {
        let rule = self.settings.policy.requests.and_then(|r| r.rule);
        let grantable = by_rule(rule, actor.user.registered, case, (self.clock)())?;
        let rule = rule.ok_or_else(|| Msg::new("request-norule"))?;
        Ok((grantable, rule))
    }

    /// A request by its number.
    pub(super) async fn request_called(&self, id: &str) -> Result<Request, Refusal> {
        let unknown = || Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field("request", Msg::new("nosuchrequest").with(id))
        };
        let number: u64 = id.trim().parse().map_err(|_| unknown())?;
        let found = self.requests.request(number).await.map_err(refuse)?;
        found.ok_or_else(unknown)
    }

    /// What granting a request would do, for whoever may grant it. All is looked at anew: that the asker still may
    /// ask, and that it still can be made.
    pub(super) async fn planned_grant(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Plan, Refusal> {
        let permit = self.may_decide(caller).await?;
        let wanted = &request.asked.wanted;
        let asker = self.somebody(caller, &request.by.1).await;
        let asker = asker.and_then(|asker| {
            if asker.user.wiki_user_id != request.by.0 {
                // Somebody else has the name by now.
                let why = Msg::new("why-nouser").with(request.by.1.as_str());
                return Err(Refusal::new(RefusalKind::NotFound, why));
            }
            let policy = &self.settings.policy;
            authorise(policy, &asker, Action::RequestMake, &wanted.asked_at())?;
            Ok(asker)
        });
        let asker = asker.map_err(|refusal| Refusal {
            message: Msg::new("request-asker")
                .with(request.by.1.as_str())
                .with(refusal.message),
            field: None,
            kind: refusal.kind,
        })?;
        let facts = self.wanted_facts(wanted, &asker).await?;
        let policy = &self.settings.policy;
        let (action, target) = wanted.granted_by();
        let permit = authorise(policy, permit.actor(), action, &target)?;
        let plan = facts.plan(&permit, wanted)?;
        Ok(noted(plan, &request.asked, Some(request.id)))
    }

    pub(super) async fn may_decide(&self, caller: &Caller) -> Result<Permit, Refusal> {
        let actor = self.actor(caller).await?;
        let policy = &self.settings.policy;
        authorise(policy, &actor, Action::RequestDecide, &Target::Everywhere)
    }

    /// Records what somebody says to a request.
    pub(super) async fn decide(
        &self,
        caller: &Caller,
        request: &Request,
        word: Word<'_>,
        said: &str,
    ) -> Result<(), Refusal> {
        let words = answer(said)?;
        let verdict = match word {
            Word::Grant { hash } => {
                let mark = self.mark().await?;
                let plan = self.planned_grant(caller, request).await?;
                Verdict::Grant {
                    hash: hash.to_owned(),
                    operation: Box::new(self.to_submit(caller, plan, &unkeyed(mark))?),
                }
            }
            Word::Decline => {
                self.may_decide(caller).await?;
                if words.is_empty() {
                    return Err(Refusal::field("answer", Msg::new("answer-none")));
                }
                Verdict::Decline
            }
            Word::Withdraw => {
                let actor = self.actor(caller).await?;
                let target = Target::User(request.by.0);
                let policy = &self.settings.policy;
                authorise(policy, &actor, Action::RequestWithdraw, &target)?;
                Verdict::Withdraw
            }
        };
        let decision = NewDecision {
            id: request.id,
            verdict,
            by: (caller.user.wiki_user_id, caller.user.name.clone()),
            words,
            at: (self.clock)(),
        };
        match self.requests.decide(&decision).await.map_err(refuse)? {
            Decided::Done => {
                self.work.notify_one();
                Ok(())
            }
            Decided::NotOpen => Err(conflict("request-notopen", request.id)),
            Decided::AnotherHash => Err(conflict("request-anotherhash", request.id)),
            Decided::Refused(outcome) => {
                let operation = match decision.verdict {
                    Verdict::Grant { operation, .. } => Some(*operation),
                    _ => None,
                };
                Err(self.not_taken(operation, outcome))
            }
        }
    }

    async fn wanted_facts(&self, wanted: &Wanted, asker: &Actor) -> Result<Wants, Refusal> {
        match wanted {
            Wanted::Project { name, description } => {
                let founders = asker.person.iter().cloned().collect();
                let facts = self.founding_facts(name, description, founders).await;
                facts.map(Wants::Project)
            }
            Wanted::Quota {
                project, region, ..
            } => {
                let facts = self.quota_facts(project, region).await;
                facts.map(Wants::Quota)
            }
        }
    }

    fn not_taken(&self, operation: Option<NewOperation>, outcome: Submitted) -> Refusal {
        let why = operation.map(|new| self.submitted(&new.plan, outcome));
        match why {
            Some(Err(refusal)) => refusal,
            _ => badly_matched(),
        }
    }
}

/// What there is of that which is asked for.
enum Wants {
    Project(FoundingFacts),
    Quota(QuotaFacts),
}

impl Wants {
    /// What a rule looks at; refused where it cannot be had at all.
    fn case(&self, wanted: &Wanted, asker: &Actor) -> Result<Case, Refusal> {
        match (self, wanted) {
            (Self::Quota(facts), Wanted::Quota { limits, .. }) => {
                let after = facts.wanted(limits)?;
                Ok(Case::Quota(facts.quota.limits, after))
            }
            (Self::Project(facts), _) => {
                facts.name_is_free()?;
                let administers = asker.person.iter().map(Person::administers).sum();
                Ok(Case::Project(administers))
            }
            _ => Err(badly_matched()),
        }
    }

    fn plan(&self, permit: &Permit, wanted: &Wanted) -> Result<Plan, Refusal> {
        match (self, wanted) {
            (Self::Quota(facts), Wanted::Quota { limits, .. }) => plan_quota(permit, facts, limits),
            (Self::Project(facts), _) => plan_create_project(permit, facts),
            _ => Err(badly_matched()),
        }
    }
}

/// Facts of one thing for another: a fault of ours.
fn badly_matched() -> Refusal {
    Refusal::new(RefusalKind::Conflict, Msg::new("badrequest"))
}

/// A request has a key of its own, and its operation none.
fn unkeyed(mark: Option<u64>) -> Sent<'static> {
    Sent {
        key: None,
        body: "",
        facts: None,
        mark,
    }
}

/// The plan says what it grants.
fn noted(mut plan: Plan, asked: &Asked, id: Option<u64>) -> Plan {
    let name = id.map_or_else(|| "request".to_owned(), |id| format!("request {id}"));
    plan.facts.note(name, asked.hash());
    plan
}

fn conflict(name: &str, id: u64) -> Refusal {
    Refusal::new(RefusalKind::Conflict, Msg::new(name).with(id.to_string()))
}
