//! What is to be looked at because of notifications: bursts become one look, and what was told is weighed
//! against what is known. No I/O here.

use chrono::{DateTime, TimeDelta, Utc};
use osm_core::ids::{InstanceId, ProjectId};
use osm_core::instance::Instance;
use osm_core::ports::{Event, Initiator, Notice, Receipt, Seen};
use osm_core::told::Told;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// What comes within this of the first notification is one look. A server that has come to rest is looked at at
/// once, but no sooner than this after the last look at it.
const BURST: Duration = Duration::from_secs(1);
/// The same for projects: all of them are looked at, which is no small thing.
const PROJECTS: Duration = Duration::from_secs(5);
/// How long Nova may take to hear what another service told early.
const LATER: Duration = Duration::from_secs(8);
/// Servers whose last doers are remembered.
const DOERS: usize = 1000;
/// What a service does to a server within this of what somebody had Nova do with it follows from that.
const FOLLOWS: TimeDelta = TimeDelta::seconds(60);
/// Between two tries, doubled up to this.
const LONGEST: Duration = Duration::from_secs(60);
/// Clocks of the cloud and ours may differ by so much.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// What a look is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// All projects.
    Projects,
    /// The servers of one.
    ServersOf(ProjectId),
    /// A server.
    Server(InstanceId),
}

/// A look to be taken, with all that was told meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Look {
    due: Instant,
    /// How often it failed.
    pub tries: u32,
    /// To be settled when it is done.
    pub receipts: Vec<Receipt>,
    /// Whose doing the last of it was.
    by: Option<Initiator>,
    /// The project in which they did it, where only servers of that one are theirs to change.
    by_in: Option<ProjectId>,
    /// Nova itself said so: other services also tell what Nova asks of them in its own name.
    by_nova: bool,
    /// When the last of it was told.
    at: DateTime<Utc>,
    project_id: Option<ProjectId>,
    /// The last facts told.
    told: Option<(DateTime<Utc>, Told)>,
    /// Something was told that only Nova can explain.
    ask: bool,
    gone: Option<DateTime<Utc>>,
    /// Nova may not have heard of it yet.
    early: bool,
}

/// What follows from a look at a server, with what is known of it.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing new, or nothing of ours.
    Nothing,
    /// It is so, as of then.
    Is(Box<Instance>, DateTime<Utc>),
    /// Nova is to be asked, as a member of this project.
    Ask(ProjectId),
}

impl Look {
    fn new(at: DateTime<Utc>, due: Instant) -> Self {
        Self {
            due,
            tries: 0,
            receipts: Vec::new(),
            by: None,
            by_in: None,
            by_nova: false,
            at,
            project_id: None,
            told: None,
            ask: false,
            gone: None,
            early: false,
        }
    }

    /// Weighs what was told. `documented`: the project is one of ours. An old notification that comes late
    /// changes nothing; where clocks leave it open which is newer, Nova is asked.
    pub fn judge(
        &self,
        known: Option<&Seen>,
        documented: impl Fn(&ProjectId) -> bool,
        now: DateTime<Utc>,
    ) -> Verdict {
        // A port may belong to another project than its server, whose own project alone can be asked.
        let project_id = known
            .map(|seen| &seen.instance.project_id)
            .or(self.project_id.as_ref());
        let Some(project_id) = project_id.filter(|id| documented(id)) else {
            return Verdict::Nothing;
        };
        let Some(Seen {
            instance, as_of, ..
        }) = known
        else {
            // What is over before we saw it is nobody's page.
            return match self.gone {
                Some(_) => Verdict::Nothing,
                None => Verdict::Ask(project_id.clone()),
            };
        };
        if let Some(ended) = self.gone {
            // An id does not come back, so this is true whenever it is told.
            return match instance.deleted {
                Some(_) => Verdict::Nothing,
                None => Verdict::Is(Box::new(ended_at(instance, ended)), now),
            };
        }
        if self.at + SKEW < *as_of || (instance.deleted.is_some() && self.at <= *as_of) {
            return Verdict::Nothing;
        }
        if let Some((at, told)) = &self.told
            && !self.ask
            && *at > *as_of
            && *at <= now + SKEW
            && let Some(instance) = told.onto(instance)
        {
            return Verdict::Is(Box::new(instance), (*at).min(now));
        }
        Verdict::Ask(project_id.clone())
    }

    /// Whose doing it is, of a server of this project. The server that a port names is the word of whoever made
    /// the port: it counts in the port's own project only, or else anybody could sign for others' servers.
    pub fn doer(&self, project: &ProjectId) -> Option<&Initiator> {
        let here = self.by_in.as_ref().is_none_or(|by_in| by_in == project);
        self.by.as_ref().filter(|_| here)
    }

    /// Takes along what another look about the same knows, which was made later.
    fn and(mut self, later: Self) -> Self {
        self.receipts.extend(later.receipts);
        if later.by.is_some() && later.by_nova >= self.by_nova {
            (self.by, self.by_in, self.by_nova) = (later.by, later.by_in, later.by_nova);
        }
        if later.at >= self.at && later.told.is_some() {
            self.told = later.told;
        }
        Self {
            due: self.due.max(later.due),
            tries: self.tries.max(later.tries),
            at: self.at.max(later.at),
            project_id: self.project_id.or(later.project_id),
            ask: self.ask || later.ask,
            gone: self.gone.or(later.gone),
            early: self.early || later.early,
            ..self
        }
    }

    /// What Nova answered, with the host, which it tells the cloud's operators only.
    pub fn complete(&self, answered: Instance) -> Instance {
        let told = self.told.as_ref().and_then(|(_, told)| told.host.clone());
        Instance {
            host: answered.host.or(told),
            ..answered
        }
    }

    /// What is known of a server that Nova says does not exist.
    pub fn vanished(&self, known: &Instance) -> Instance {
        ended_at(known, self.at)
    }
}

fn ended_at(instance: &Instance, ended: DateTime<Utc>) -> Instance {
    Instance {
        status: "DELETED".to_owned(),
        deleted: Some(ended),
        ..instance.clone()
    }
}

/// Nothing is under way on the server: more will hardly follow.
fn at_rest(event: &Event) -> bool {
    match event {
        Event::Server(told) => told.task_state.is_none() && told.status != "BUILD",
        Event::Gone { .. } => true,
        _ => false,
    }
}

/// All looks to be taken.
#[derive(Debug, Default)]
pub(super) struct Looks {
    soon: BTreeMap<About, Look>,
    /// Those to be taken once more, apart from the others so that nothing waits for them.
    later: BTreeMap<About, Look>,
    /// Who had Nova do something with which server, last and when: what other services do for Nova, they tell
    /// in Nova's name. A request's id would not do, since a client may choose it.
    doers: VecDeque<(InstanceId, DateTime<Utc>, Initiator)>,
    /// The looks taken last, and when.
    taken: VecDeque<(Instant, About)>,
    /// The domain of people; services are of another.
    people: Option<String>,
}

impl Looks {
    /// None yet; people are the users of this domain.
    pub fn new(people: Option<String>) -> Self {
        Self {
            people,
            ..Self::default()
        }
    }

    /// Adds what was told.
    pub fn add(&mut self, notice: Notice, receipt: Receipt, now: Instant) {
        self.taken.retain(|(when, _)| now < *when + BURST);
        let Notice { event, at, by } = notice;
        let by_nova = matches!(
            event,
            Event::Server(_) | Event::Gone { .. } | Event::Look { early: false, .. }
        );
        let (by, by_in) = self.doer(&event, at, by);
        let about = match &event {
            Event::Server(told) => About::Server(told.id),
            Event::Gone { id, .. } | Event::Look { id, .. } => About::Server(*id),
            Event::LookAtProject(project) => About::ServersOf(project.clone()),
            Event::Projects => About::Projects,
        };
        let burst = match event {
            Event::Projects => PROJECTS,
            _ => BURST,
        };
        let at_once = at_rest(&event) && !self.taken.iter().any(|(_, taken)| *taken == about);
        let look = self
            .soon
            .entry(about)
            .or_insert_with(|| Look::new(at, now + burst));
        if at_once && look.tries == 0 {
            look.due = now;
        }
        look.receipts.push(receipt);
        look.at = look.at.max(at);
        if by.is_some() && by_nova >= look.by_nova {
            (look.by, look.by_in, look.by_nova) = (by, by_in, by_nova);
        }
        match event {
            Event::Server(told) => {
                look.project_id = Some(told.project_id.clone());
                if look.told.as_ref().is_none_or(|(older, _)| *older <= at) {
                    look.told = Some((at, *told));
                }
            }
            Event::Gone {
                project_id, ended, ..
            } => {
                look.project_id = Some(project_id);
                look.gone = Some(ended.unwrap_or(at));
            }
            Event::Look {
                project_id, early, ..
            } => {
                look.project_id.get_or_insert(project_id);
                look.ask = true;
                look.early |= early;
            }
            Event::LookAtProject(_) => look.early = true,
            Event::Projects => {}
        }
    }

    /// Whose doing it is by what no client can choose, and the project in which that counts.
    fn doer(
        &mut self,
        event: &Event,
        at: DateTime<Utc>,
        by: Option<Initiator>,
    ) -> (Option<Initiator>, Option<ProjectId>) {
        let Some(by) = by else {
            return (None, None);
        };
        match event {
            Event::Server(told) => self.remember(told.id, at, &by),
            Event::Gone { id, .. }
            | Event::Look {
                id, early: false, ..
            } => {
                self.remember(*id, at, &by);
            }
            Event::Look { id, project_id, .. } => {
                if Some(&by.domain_id) == self.people.as_ref() {
                    return (Some(by), Some(project_id.clone()));
                }
                let mut last = self.doers.iter().filter(|(of, when, _)| {
                    of == id && at - *when < FOLLOWS && *when - at < FOLLOWS
                });
                let known = last.next_back().map(|(_, _, doer)| doer.clone());
                return (Some(known.unwrap_or(by)), None);
            }
            Event::LookAtProject(project) => return (Some(by), Some(project.clone())),
            Event::Projects => {}
        }
        (Some(by), None)
    }

    fn remember(&mut self, id: InstanceId, at: DateTime<Utc>, by: &Initiator) {
        self.doers.retain(|(of, _, _)| *of != id);
        if self.doers.len() >= DOERS {
            self.doers.pop_front();
        }
        self.doers.push_back((id, at, by.clone()));
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Instant> {
        let all = self.soon.values().chain(self.later.values());
        all.map(|look| look.due).min()
    }

    /// Those that are due.
    pub fn due(&mut self, now: Instant) -> Vec<(About, Look)> {
        let mut due = Vec::new();
        for looks in [&mut self.soon, &mut self.later] {
            let waiting = std::mem::take(looks).into_iter();
            let (now_due, still): (Vec<_>, _) = waiting.partition(|(_, look)| look.due <= now);
            *looks = still.into_iter().collect();
            due.extend(now_due);
        }
        let taken = due.iter().map(|(about, _)| (now, about.clone()));
        self.taken.extend(taken);
        due
    }

    /// It failed: to be taken again after a while, together with what is there about the same and what comes.
    pub fn again(&mut self, about: About, look: Look, now: Instant) {
        let wait = BURST.saturating_mul(2_u32.saturating_pow(look.tries));
        let look = Look {
            due: now + wait.min(LONGEST),
            tries: look.tries + 1,
            ..look
        };
        let look = match self.soon.remove(&about) {
            Some(other) => look.and(other),
            None => look,
        };
        self.soon.insert(about, look);
    }

    /// It is done; where Nova may have been asked too early, it is asked once more.
    pub fn done(&mut self, about: About, look: &Look, now: Instant) {
        if look.early && look.gone.is_none() {
            let later = Look {
                due: now + LATER,
                receipts: Vec::new(),
                early: false,
                ask: true,
                ..look.clone()
            };
            self.later.insert(about, later);
        }
    }
}

#[cfg(test)]
mod again_tests;
#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod whose_tests;
