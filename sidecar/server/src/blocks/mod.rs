//! Who is blocked on the whole wiki is taken out of their projects, and given back what they had when the block ends.
//!
//! The wiki's block log is the bell, looked at every two seconds and at once when the shim rings; those who are
//! suspended are asked for by id each time, since a block that ends by itself is in no log; a full comparison looks at
//! everybody linked. Nobody is suspended or reinstated but on the wiki's positive word about this very user.

mod cases;
mod held;

use crate::actions::{Clock, Settings};
use crate::telemetry::metrics;
use cases::{Case, Kept, Memory, cases};
use chrono::{DateTime, TimeDelta, Utc};
use held::Held;
use osm_core::action::Action;
use osm_core::actor::SYSTEM;
use osm_core::authz::{Target, authorise_own};
use osm_core::ids::{EntryUuid, OperationId};
use osm_core::membership::Grant;
use osm_core::plan::Plan;
use osm_core::ports::{
    Directory, Identity, Links, NewOperation, OperationState, Operations, Pins, PortError,
    Standing, Submitted, Suspensions, Users, WikiBlocks,
};
use osm_core::project::ManagedProject;
use osm_core::suspension::{Next, Suspension, kept_with, next, plan_reinstate, plan_suspend};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tracing::{debug, info, warn};
use ulid::Ulid;

/// Between two looks at the block log.
const POLL: Duration = Duration::from_secs(2);
/// What failed is tried anew after so long.
const AGAIN: TimeDelta = TimeDelta::seconds(60);
/// All of LDAP's places and Keystone's are read for a look: in vain no oftener than this.
const IDLE: TimeDelta = TimeDelta::seconds(10);

/// Watches the wiki's blocks.
pub struct Blocks {
    /// The wiki's blocks.
    pub wiki: Arc<dyn WikiBlocks>,
    /// What is kept of people.
    pub kept: Arc<dyn Suspensions>,
    /// Who is behind a wiki account.
    pub links: Arc<dyn Links>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Keystone.
    pub identity: Arc<dyn Identity>,
    /// Pairs of project ids.
    pub pins: Arc<dyn Pins>,
    /// Operations.
    pub operations: Arc<dyn Operations>,
    /// The policy, and what members are assigned.
    pub settings: Arc<Settings>,
    /// Rung by the shim.
    pub bell: Arc<Notify>,
    /// To be rung when an operation was recorded.
    pub work_bell: Arc<Notify>,
    /// Between two full comparisons.
    pub compare: Duration,
    /// The time.
    pub clock: Clock,
}

impl Blocks {
    /// Watches until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut memory = Memory::default();
        let compare = TimeDelta::from_std(self.compare).unwrap_or(TimeDelta::MAX);
        while !*shutdown.borrow() {
            let now = (self.clock)();
            let full = memory.compared.is_none_or(|at| now - at >= compare);
            if let Err(error) = self.look(&mut memory, full, now).await {
                warn!(%error, full, "could not look at blocks; nobody is suspended or reinstated by that");
                metrics::backend_error(&error);
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = self.bell.notified() => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    async fn look(
        &self,
        memory: &mut Memory,
        full: bool,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let log = self.wiki.block_log().await?;
        let fresh: Vec<_> = (log.iter())
            .filter(|(id, _)| !memory.read.contains(id))
            .collect();
        // What is hidden, or has run past us, may be about anybody.
        let overrun = !fresh.is_empty() && fresh.len() == log.len();
        let told = !fresh.is_empty();
        let hidden = fresh.iter().any(|(_, name)| name.is_none());
        let everybody = full || overrun || hidden;
        let names: BTreeSet<String> = fresh
            .iter()
            .filter_map(|(_, name)| (*name).clone())
            .collect();

        let mut kept = self.rows().await?;
        memory.lately.retain(|_, until| now < *until);
        if !everybody && names.is_empty() && kept.is_empty() && memory.unsettled.is_empty() {
            return Ok(());
        }
        let links = self.links.links().await?;
        for (row, _) in &mut kept {
            // Whose account is another one by now is judged by that.
            row.wiki_user_id = links.get(&row.person).copied().unwrap_or(row.wiki_user_id);
        }
        let linked: BTreeMap<u64, EntryUuid> = links
            .into_iter()
            .map(|(entry, user)| (user, entry))
            .collect();
        let mut users: BTreeSet<u64> = kept.iter().map(|(row, _)| row.wiki_user_id).collect();
        users.extend(&memory.unsettled);
        if everybody {
            users.extend(linked.keys());
        }
        let users: Vec<u64> = users.into_iter().collect();
        let mut standings = match users.is_empty() {
            true => BTreeMap::new(),
            false => self.wiki.standings(Users::Ids(&users)).await?,
        };
        if !everybody && !names.is_empty() {
            let names: Vec<String> = names.into_iter().collect();
            let named = self.wiki.standings(Users::Names(&names)).await?;
            for user in named.keys().filter(|user| linked.contains_key(user)) {
                memory.unsettled.insert(*user);
                memory.lately.insert(*user, now + AGAIN);
            }
            standings.extend(named);
        }
        if everybody {
            memory.unsettled.extend(linked.keys());
        }
        // Whom the wiki does not show is looked at again when it tells of them.
        let has_row = |user: &u64| kept.iter().any(|(row, _)| row.wiki_user_id == *user);
        (memory.unsettled).retain(|user| standings.contains_key(user) || has_row(user));
        // From here on those who are still to be looked at are remembered.
        memory.read = log.into_keys().collect();
        if full {
            memory.compared = Some(now);
        }
        let again = everybody || memory.tried.is_none_or(|at| now - at >= AGAIN);
        if again {
            memory.tried = Some(now);
        }
        if !again && !told && memory.idle.is_some_and(|until| now < until) {
            return Ok(());
        }
        let cases = cases(memory, &linked, &kept, &standings, again);
        self.settle(memory, cases, &kept, now).await
    }

    /// What is kept, each with how its latest operation stands.
    async fn rows(&self) -> Result<Vec<Kept>, PortError> {
        let rows = self.kept.suspensions().await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let latest: Vec<OperationId> = rows.iter().map(|row| row.latest.clone()).collect();
        let states = self.operations.standings(&latest).await?;
        let with_state = |row: Suspension| {
            let known = states.get(&row.latest).map(|(state, _)| *state);
            // An operation that nobody knows of is as good as one that failed.
            (row, known.unwrap_or(OperationState::Failed))
        };
        Ok(rows.into_iter().map(with_state).collect())
    }

    async fn settle(
        &self,
        memory: &mut Memory,
        cases: Vec<Case<'_>>,
        kept: &[Kept],
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        if cases.is_empty() {
            return Ok(());
        }
        memory.unsettled.extend(cases.iter().map(|case| case.user));
        let mark = self.operations.mark().await?;
        let held = Held::read(self).await?;
        let (mut pending, mut moved) = (BTreeSet::new(), false);
        (memory.whole).retain(|latest, _| kept.iter().any(|(row, _)| row.latest == *latest));
        for case in &cases {
            let mut settled = held.complete;
            for project in held.projects(&case.person, kept) {
                let stands = kept.iter().find(|(row, _)| {
                    row.person == case.person && row.project_entry == project.project.entry
                });
                let row = stands.map(|(row, _)| row);
                let state = stands.map(|(row, state)| (row, *state));
                let places = held.places(&case.person, &project);
                let blocked = *case.standing != Standing::Free;
                let step = next(blocked, state, !places.is_empty(), case.again);
                settled &= step == Next::Nothing;
                let done = self.go(case, step, row, &project, &held, &places, mark, memory, now);
                // What does not work for one project keeps nobody from the others.
                match done.await {
                    Ok(done) => moved |= done,
                    Err(error) => {
                        settled = false;
                        warn!(%error, user = case.user, project = %project.project.name,
                            "a suspension is looked at again later");
                    }
                }
            }
            settled &= self.forget_gone(case, kept, &held).await?;
            if !settled {
                pending.insert(case.user);
            }
        }
        memory.idle = (!moved && !pending.is_empty()).then(|| now + IDLE);
        for case in cases {
            if !pending.contains(&case.user) {
                memory.unsettled.remove(&case.user);
            }
        }
        Ok(())
    }

    /// Says whether anything has changed.
    #[allow(clippy::too_many_arguments, reason = "what a look has found out")]
    async fn go(
        &self,
        case: &Case<'_>,
        step: Next,
        row: Option<&Suspension>,
        project: &ManagedProject,
        held: &Held,
        places: &[Grant],
        mark: u64,
        memory: &mut Memory,
        now: DateTime<Utc>,
    ) -> Result<bool, PortError> {
        let (name, entry) = (&project.project.name, &project.project.entry);
        let target = Target::Person(name.clone(), case.person.clone());
        let by = match (case.standing, row) {
            (Standing::Blocked { by }, _) => by.clone(),
            (Standing::Free, row) => row.map(|row| row.by.clone()).unwrap_or_default(),
        };
        let policy = &self.settings.policy;
        let plan = match (step, row) {
            (Next::Suspend, _) => authorise_own(policy, Action::PersonSuspend, &target)
                .and_then(|permit| plan_suspend(&permit, project, places, &by)),
            // What Keystone has to give back is not known.
            (Next::Reinstate | Next::Forget, Some(_)) if !held.complete => return Ok(false),
            (Next::Reinstate | Next::Forget, Some(row)) => {
                let Some(missing) = held.missing(self, row, project).await? else {
                    return Ok(false);
                };
                if missing.is_empty() {
                    // A server of LDAP's that lags may still show what was taken: it is forgotten once they were
                    // given it, or when it has long been so.
                    let since = *memory.whole.entry(row.latest.clone()).or_insert(now);
                    let forget = step == Next::Forget || now - since >= AGAIN;
                    return Ok(forget && self.kept.given_back(row).await?);
                }
                authorise_own(policy, Action::PersonReinstate, &target)
                    .and_then(|permit| plan_reinstate(&permit, project, &missing, &by))
            }
            _ => return Ok(false),
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => {
                debug!(user = case.user, project = %name, why = refusal.message.key, "not now");
                return Ok(false);
            }
        };
        let back = step != Next::Suspend;
        let before = row.map(|row| row.kept.as_slice()).unwrap_or_default();
        let suspension = Suspension {
            person: case.person.clone(),
            wiki_user_id: case.user,
            project: name.clone(),
            project_entry: entry.clone(),
            kept: match back {
                true => before.to_vec(),
                false => kept_with(before, places),
            },
            by,
            since: row.map_or(now, |row| row.since),
            latest: OperationId::trusted(Ulid::generate().to_string()),
            back,
        };
        self.submit(&suspension, row, plan, mark, now).await
    }

    async fn submit(
        &self,
        suspension: &Suspension,
        row: Option<&Suspension>,
        plan: Plan,
        mark: u64,
        now: DateTime<Utc>,
    ) -> Result<bool, PortError> {
        let id = &suspension.latest;
        let (action, project) = (plan.action, plan.project.clone());
        let operation = NewOperation {
            id: id.clone(),
            plan,
            wiki_user_id: 0,
            wiki_user_name: SYSTEM.to_owned(),
            request_id: id.to_string(),
            idempotency: None,
            mark: Some(mark),
            at: now,
        };
        let before = row.map(|row| &row.latest);
        match self.kept.keep(suspension, before, &operation).await? {
            Some(Submitted::Recorded(_)) => {
                info!(user = suspension.wiki_user_id, %project, %action, operation = %id,
                    "a block on the wiki has begun or ended");
                self.work_bell.notify_one();
                Ok(true)
            }
            // Another replica was faster, or somebody is at work on the same: it is looked at again.
            other => {
                debug!(user = suspension.wiki_user_id, %project, ?other, "not recorded now");
                Ok(false)
            }
        }
    }

    /// What was kept of a project that is gone can be given back to nobody.
    async fn forget_gone(
        &self,
        case: &Case<'_>,
        kept: &[Kept],
        held: &Held,
    ) -> Result<bool, PortError> {
        let mut settled = true;
        if *case.standing != Standing::Free {
            return Ok(settled);
        }
        for (row, _) in kept.iter().filter(|(row, _)| row.person == case.person) {
            let known = held.managed(&row.project_entry);
            if held.is_gone(row) {
                info!(user = case.user, project = %row.project, "what was kept has nowhere to go back to");
                self.kept.given_back(row).await?;
            } else if known.is_none() && !case.again {
                settled = false;
            } else if known.is_none() {
                warn!(user = case.user, project = %row.project,
                    "the project's pair of ids is not the one pinned; what was kept waits");
                settled = false;
            }
        }
        Ok(settled)
    }
}
