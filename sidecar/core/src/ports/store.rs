//! What we remember ourselves, in MySQL. One trait a concern; the adapter implements them all.

use super::{PageKey, PortError};
use crate::action::Action;
use crate::drift::Waiting;
use crate::ids::{EntryUuid, InstanceId, OperationId, ProjectId, ProjectName, Region};
use crate::instance::Instance;
use crate::log::NewEntry;
use crate::membership::Place;
use crate::message::Msg;
use crate::plan::{Change, Plan};
use crate::puppet::Puppet;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who is behind a wiki account: rows of ours, never a comparison of names.
#[async_trait]
pub trait Links: Send + Sync {
    /// The LDAP entry of a wiki user.
    async fn link_of(&self, wiki_user_id: u64) -> Result<Option<EntryUuid>, PortError>;
    /// The wiki users of LDAP entries.
    async fn links(&self) -> Result<BTreeMap<EntryUuid, u64>, PortError>;
    /// Links the two; unique both ways. `false` where either is linked to another already.
    async fn link(
        &self,
        wiki_user_id: u64,
        entry: &EntryUuid,
        how: &str,
        by: &str,
    ) -> Result<bool, PortError>;
    /// Takes a link away; `false` where there was none.
    async fn unlink(&self, wiki_user_id: u64) -> Result<bool, PortError>;
}

/// Request ids seen once.
#[async_trait]
pub trait Nonces: Send + Sync {
    /// Remembers a nonce for a while; `false` where it was seen before.
    async fn remember(&self, nonce: &str, until: DateTime<Utc>) -> Result<bool, PortError>;
}

/// A pair of ids held together at first sight.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pin {
    pub name: ProjectName,
    pub entry: EntryUuid,
    pub project_id: ProjectId,
}

/// LDAP projects and their Keystone projects.
#[async_trait]
pub trait Pins: Send + Sync {
    /// All pairs.
    async fn pins(&self) -> Result<Vec<Pin>, PortError>;
    /// Records a pair at first sight; gives back the pair that holds, which may be another.
    async fn pin(&self, pin: &Pin) -> Result<Pin, PortError>;
    /// A project was deleted through us: its pair is forgotten, and that it was there is remembered.
    async fn forget(&self, name: &ProjectName, at: DateTime<Utc>) -> Result<(), PortError>;
    /// When a project of that name was deleted through us, where none has the name now.
    async fn deleted(&self, name: &ProjectName) -> Result<Option<DateTime<Utc>>, PortError>;
}

/// Numbers that are given once, however many ask at once.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// The next number of a kind, `from` at first.
    async fn next(&self, kind: &str, from: u32) -> Result<u32, PortError>;
}

/// An operation to be recorded.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// A ULID made by the caller.
    pub id: OperationId,
    /// What will be done.
    pub plan: Plan,
    /// For whom.
    pub wiki_user_id: u64,
    /// Their name at the time.
    pub wiki_user_name: String,
    /// Through which request.
    pub request_id: String,
    /// The client's own key, and the hash of what it sent.
    pub idempotency: Option<(String, String)>,
    /// What [`Operations::mark`] said before that was read which the plan rests on; where nothing is compared, none.
    pub mark: Option<u64>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Operations that one person may have under way.
pub const OPEN_AT_ONCE: u32 = 40;

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// Recorded now.
    Recorded(OperationId),
    /// The same key with the same content was recorded before.
    Replayed(OperationId),
    /// The same key came with other content.
    KeyReused,
    /// The name is taken in that project and region.
    NameTaken,
    /// Another operation on the same resource is under way.
    Busy(OperationId),
    /// This person has so many under way that no more are taken.
    TooMany(u32),
    /// All writing is held: the database is older than the world.
    Held,
    /// Another operation on the same has ended since what the plan rests on was read.
    Overtaken(OperationId),
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum OperationState {
    Queued,
    Running,
    Unwinding,
    Done,
    Undone,
    /// Over, and not as wanted; what stands is said in the error.
    Failed,
    Parked,
}

impl OperationState {
    /// Nothing more will happen by itself.
    pub fn over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Undone | Self::Failed | Self::Parked
        )
    }

    /// As stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Unwinding => "unwinding",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Failed => "failed",
            Self::Parked => "parked",
        }
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum StepState {
    Waiting,
    Running,
    Done,
    Failed,
    /// Being taken back.
    Undoing,
    Undone,
    /// It failed, and had left nothing to take back.
    Void,
    /// It could not be taken back.
    Stuck,
}

impl StepState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Undoing,
        Self::Undone,
        Self::Void,
        Self::Stuck,
    ];

    /// As stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::Void => "void",
            Self::Stuck => "stuck",
        }
    }

    /// The operation was being taken back when this was noted.
    pub fn backwards(self) -> bool {
        matches!(
            self,
            Self::Undoing | Self::Undone | Self::Void | Self::Stuck
        )
    }
}

/// A step's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StepRecord {
    pub index: u32,
    pub name: String,
    pub state: StepState,
    /// Tries, of the step or, once it is being taken back, of that.
    pub attempts: u32,
    pub error: Option<Msg>,
    pub started: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
}

/// What is put down at once about a step: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct StepNote {
    /// How it stands.
    pub record: StepRecord,
    /// The server, when the step has learnt its id.
    pub instance: Option<InstanceId>,
    /// What it made otherwise; each an audit row.
    pub changes: Vec<Change>,
    /// The pages that tell of it.
    pub due: Vec<PageDue>,
    /// Whose doing it is: wiki user id and name.
    pub by: (u64, String),
    /// When.
    pub at: DateTime<Utc>,
}

/// An operation's record.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Operation {
    pub id: OperationId,
    pub plan: Plan,
    pub state: OperationState,
    pub steps: Vec<StepRecord>,
    /// The server it made or works on, once known.
    pub instance: Option<InstanceId>,
    pub wiki_user_id: u64,
    pub wiki_user_name: String,
    pub request_id: String,
    pub error: Option<Msg>,
    /// Somebody wishes it taken back.
    pub cancelled: bool,
    pub created: DateTime<Utc>,
    pub finished: Option<DateTime<Utc>>,
    /// Goes up with each claim: an owner whose generation is old has lost it.
    pub generation: u64,
}

impl Operation {
    /// Whether anything of it can be taken back by now: not once something was begun that cannot.
    pub fn can_be_taken_back(&self) -> bool {
        let mut steps = self.plan.steps.iter().zip(&self.steps);
        let begun = |state| matches!(state, StepState::Running | StepState::Done);
        self.plan.can_be_taken_back()
            && !steps.any(|(planned, record)| planned.irrevocable() && begun(record.state))
    }

    /// It is over, and nothing of it is left.
    pub fn came_to_nothing(&self) -> bool {
        matches!(self.state, OperationState::Failed | OperationState::Undone)
    }

    /// Whether something that the project's page tells of is under way, there or back, or comes next.
    pub fn changes_its_project(&self) -> bool {
        let begun = self.state == OperationState::Running
            && (self.steps.iter()).any(|record| record.state != StepState::Waiting);
        let steps = self.plan.steps.iter().zip(&self.steps);
        let mut moving = steps.filter(|(_, record)| match record.state {
            StepState::Running | StepState::Undoing => true,
            StepState::Waiting => begun,
            _ => false,
        });
        moving.any(|(planned, _)| {
            let place = planned.step.granted().map(|grant| &grant.place);
            matches!(place, Some(Place::Project | Place::Role { .. }))
        })
    }
}

/// Which operations a list is to hold, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct OperationFilter {
    /// Only those not over.
    pub open: bool,
    /// Only of these projects; `None` for all.
    pub projects: Option<Vec<ProjectName>>,
    /// Only those of this wiki user.
    pub wiki_user_id: Option<u64>,
    /// Only those in this state.
    pub state: Option<OperationState>,
    /// Only those whose plan names this person.
    pub about: Option<EntryUuid>,
    /// Only those that do this.
    pub action: Option<Action>,
    /// Only those recorded before this one.
    pub before: Option<OperationId>,
    pub limit: u32,
}

/// What a person wishes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Take it back, while it is under way.
    Cancel,
    /// Go on with it where it stopped half-way.
    Retry,
    /// Let it be where it stopped half-way.
    GiveUp,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wished {
    /// It is noted, now or under the same key before.
    Noted,
    /// The operation is not in a state for it.
    NotNow,
    /// The key was used with other content.
    KeyReused,
}

/// A wish to be noted.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewWish {
    pub id: OperationId,
    pub wish: Wish,
    /// Wiki user id and name.
    pub by: (u64, String),
    pub request_id: String,
    /// As in [`NewOperation`].
    pub idempotency: Option<(String, String)>,
    pub at: DateTime<Utc>,
}

/// Recording and reading operations.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Records operation, steps, name reservation, idempotency key and audit row in one transaction.
    async fn submit(&self, new: &NewOperation) -> Result<Submitted, PortError>;
    /// How much has been done by now. A plan rests on what is read after this: where another operation on the same
    /// ends before it is recorded, that may be otherwise by then.
    async fn mark(&self) -> Result<u64, PortError>;
    /// What was recorded under a client's key (`<wiki user id>:<key>`): the hash of what it sent, and the operation.
    async fn by_key(&self, caller_key: &str) -> Result<Option<(String, OperationId)>, PortError>;
    /// One operation.
    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, PortError>;
    /// Some operations.
    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, PortError>;
    /// Notes a person's wish with an audit row. The same key with the same content is the same wish.
    async fn wish(&self, wish: &NewWish) -> Result<Wished, PortError>;
    /// How these operations stand and which server each made; one that we do not know is left out.
    async fn standings(
        &self,
        ids: &[OperationId],
    ) -> Result<BTreeMap<OperationId, (OperationState, Option<InstanceId>)>, PortError>;
    /// Names in use or reserved in a project of a region.
    async fn names(&self, region: &Region, project: &ProjectId) -> Result<Vec<String>, PortError>;
}

/// What the runner does with operations. Each call that names a generation fails with `Conflict` where it is not
/// the one in force: another replica has taken over.
#[async_trait]
pub trait OperationWork: Send + Sync {
    /// An error where our clock is further from the database's than leases bear: who is ahead takes what others
    /// still hold.
    async fn in_time(&self, now: DateTime<Utc>) -> Result<(), PortError>;
    /// Takes a due operation that nobody holds, for `lease` long; none while all writing is held.
    async fn claim(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: std::time::Duration,
    ) -> Result<Option<Operation>, PortError>;
    /// Who wishes it taken back: wiki user id and name.
    async fn cancelled(&self, id: &OperationId) -> Result<Option<(u64, String)>, PortError>;
    /// Holds it longer.
    async fn renew(
        &self,
        id: &OperationId,
        generation: u64,
        until: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// To be asked right before each effect: somebody who was asleep past their lease must not go on, and
    /// nobody while all writing is held.
    async fn holds(&self, id: &OperationId, generation: u64) -> Result<(), PortError>;
    /// Notes a step, with its audit rows and the pages that are due, in one transaction.
    async fn note_step(
        &self,
        id: &OperationId,
        generation: u64,
        note: &StepNote,
    ) -> Result<(), PortError>;
    /// Notes the operation's state and the pages that are due; frees the name where it was not used, writes the
    /// audit row at the end, and accepts an entry of the Server Admin Log: all of it in one transaction.
    async fn note_state(
        &self,
        id: &OperationId,
        generation: u64,
        state: OperationState,
        error: Option<&Msg>,
        told: Telling<'_>,
        at: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// Lets go, to be claimed again not before `due`.
    async fn release(
        &self,
        id: &OperationId,
        generation: u64,
        due: DateTime<Utc>,
    ) -> Result<(), PortError>;
}

/// What an operation's new state is told by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telling<'a> {
    /// Pages.
    pub due: &'a [PageDue],
    /// An entry of the Server Admin Log.
    pub entry: Option<&'a NewEntry>,
}

/// A reason to look at a page again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageDue {
    /// The page.
    pub key: PageKey,
    /// The wiki user whose doing it is; `None` for a change seen only.
    pub by: Option<u64>,
    /// Their name at the time.
    pub by_name: Option<String>,
    /// The operation, if one of ours.
    pub operation: Option<OperationId>,
    /// What was done, as the summary says it, without the operation's id.
    pub what: String,
}

/// Work on one page: all reasons that have come together.
#[derive(Clone, Debug)]
pub struct PageWork {
    /// The page.
    pub key: PageKey,
    /// The reasons, oldest first, with their row ids.
    pub reasons: Vec<(u64, PageDue)>,
    /// How often it was tried.
    pub attempts: u32,
    /// When the first of the reasons came.
    pub since: DateTime<Utc>,
}

/// The wiki page that stands for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PageRecord {
    pub title: String,
    pub page_id: Option<u64>,
    pub revision: u64,
}

/// Pages to be written (the outbox towards the wiki), and pages known.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Adds a reason.
    async fn due(&self, due: &PageDue) -> Result<(), PortError>;
    /// Takes the work of one page that nobody holds: people's doings first, then oldest. None while all writing
    /// is held and the cloud was not read through since: the index is as old as the database.
    async fn claim_page(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: std::time::Duration,
    ) -> Result<Option<PageWork>, PortError>;
    /// The reasons that there are by now, oldest first; refused where another holds the page.
    async fn reasons(&self, owner: &str, work: &PageWork)
    -> Result<Vec<(u64, PageDue)>, PortError>;
    /// Done: forgets these reasons and lets go.
    async fn page_done(&self, owner: &str, work: &PageWork) -> Result<(), PortError>;
    /// Not done: to be tried again not before `at`. Where nothing went wrong this was no try.
    async fn page_later(
        &self,
        owner: &str,
        work: &PageWork,
        at: DateTime<Utc>,
        why: Option<&str>,
    ) -> Result<(), PortError>;
    /// The titles of those that would be claimed next, as far as they have any.
    async fn next_titles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, PortError>;
    /// Somebody who was away is back: what was put off for an error is to be tried again at once.
    async fn hasten(&self) -> Result<(), PortError>;
    /// The pages that wait.
    async fn queued(&self) -> Result<Vec<Waiting>, PortError>;
    /// How many pages wait, and since when the oldest does.
    async fn backlog(&self) -> Result<(u64, Option<DateTime<Utc>>), PortError>;
    /// The page that stands for a key.
    async fn page(&self, key: &PageKey) -> Result<Option<PageRecord>, PortError>;
    /// Pages of many instances of a region, for lists.
    async fn instance_titles(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, String>, PortError>;
    /// What is remembered of these pages.
    async fn records(&self, keys: &[PageKey]) -> Result<BTreeMap<PageKey, PageRecord>, PortError>;
    /// Reserves a title for a key; `false` where another key has it.
    async fn reserve_title(&self, key: &PageKey, title: &str) -> Result<bool, PortError>;
    /// Remembers what was written.
    async fn page_written(&self, key: &PageKey, record: &PageRecord) -> Result<(), PortError>;
}

/// An instance as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its facts.
    pub instance: Instance,
    /// When they were seen.
    pub as_of: DateTime<Utc>,
    /// When it was last rebooted through us.
    pub last_reboot: Option<DateTime<Utc>>,
    /// The wiki user who made it through us.
    pub created_by: Option<String>,
    /// What its entry in LDAP says.
    pub puppet: Puppet,
}

/// Which instances a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    /// Of these projects; `None` for all.
    pub projects: Option<Vec<ProjectName>>,
    /// Of this region; `None` for all.
    pub region: Option<Region>,
    /// Called exactly so; `None` for all.
    pub name: Option<String>,
    /// Deleted ones too.
    pub deleted: bool,
    /// At most so many.
    pub limit: u32,
    /// After this (project, region, name, id), as given by the last row of the page before.
    pub after: Option<(String, String, String, String)>,
}

/// Which pages tell of a change, from what stood there before.
pub type Told<'a> = dyn Fn(Option<&Instance>) -> Vec<PageDue> + Send + Sync + 'a;

/// Our copy of the cloud's servers: lists are served from it.
#[async_trait]
pub trait InstanceIndex: Send + Sync {
    /// Sorted by project, region, name, id.
    async fn list(&self, filter: &InstanceFilter) -> Result<Vec<Seen>, PortError>;
    /// One.
    async fn seen(&self, region: &Region, id: InstanceId) -> Result<Option<Seen>, PortError>;
    /// Puts down what was seen ([`Instance::following`] what stood there), unless something newer stands
    /// there; says what stood there before. The pages that `told` names, knowing that, are due with it or not
    /// at all: what is put down and told of by nobody would never be seen as a change again.
    async fn observe_and_tell(
        &self,
        instance: &Instance,
        as_of: DateTime<Utc>,
        told: &Told<'_>,
    ) -> Result<Option<Instance>, PortError>;
    /// The same where somebody else tells of it.
    async fn observe(
        &self,
        instance: &Instance,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Instance>, PortError> {
        self.observe_and_tell(instance, as_of, &|_| Vec::new())
            .await
    }
    /// Notes a reboot done through us.
    async fn note_reboot(
        &self,
        region: &Region,
        id: InstanceId,
        at: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// Notes who made it through us.
    async fn note_creator(
        &self,
        region: &Region,
        id: InstanceId,
        name: &str,
    ) -> Result<(), PortError>;
    /// Notes what its entry in LDAP says, and that its page is due, in one transaction.
    async fn note_puppet(
        &self,
        region: &Region,
        id: InstanceId,
        puppet: &Puppet,
        due: &PageDue,
    ) -> Result<(), PortError>;
    /// The operation that is known to have made it.
    async fn maker(
        &self,
        region: &Region,
        id: InstanceId,
    ) -> Result<Option<OperationId>, PortError>;
    /// When a region was last read through.
    async fn watermark(&self, region: &Region) -> Result<Option<DateTime<Utc>>, PortError>;
    /// Notes that a region was read through.
    async fn set_watermark(&self, region: &Region, at: DateTime<Utc>) -> Result<(), PortError>;
}
