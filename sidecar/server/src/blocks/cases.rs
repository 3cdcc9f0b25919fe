//! At whom is looked closely, so that LDAP is read where something may be to do and at no other time.

use chrono::{DateTime, Utc};
use osm_core::ids::{EntryUuid, OperationId};
use osm_core::ports::{OperationState, Standing};
use osm_core::suspension::{Next, Suspension, next};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept, with how its latest operation stands.
pub(super) type Kept = (Suspension, OperationState);

/// What is remembered between two looks.
#[derive(Default)]
pub(super) struct Memory {
    /// The entries of the block log that were read.
    pub read: BTreeSet<u64>,
    /// When everybody was last looked at.
    pub compared: Option<DateTime<Utc>>,
    /// When what had failed was last tried anew.
    pub tried: Option<DateTime<Utc>>,
    /// Wiki users with whom all is not yet as it is to be.
    pub unsettled: BTreeSet<u64>,
    /// Of whom the log told lately, and until when they are asked for: a replica of the wiki's database may lag.
    pub lately: BTreeMap<u64, DateTime<Utc>>,
    /// Since when the latest operation of what is kept is over and there is nothing to give back.
    pub whole: BTreeMap<OperationId, DateTime<Utc>>,
    /// Until then nobody is looked at who has been looked at in vain.
    pub idle: Option<DateTime<Utc>>,
}

/// A person at whom is looked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Case<'a> {
    pub user: u64,
    pub person: EntryUuid,
    pub standing: &'a Standing,
    pub again: bool,
}

/// Who is not as they are to be, as far as the wiki and what is kept say; `again` also where something had failed.
pub(super) fn cases<'a>(
    memory: &mut Memory,
    linked: &BTreeMap<u64, EntryUuid>,
    kept: &[Kept],
    standings: &'a BTreeMap<u64, Standing>,
    again: bool,
) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for (user, standing) in standings {
        let blocked = *standing != Standing::Free;
        let rows: Vec<&Kept> = (kept.iter())
            .filter(|(row, _)| row.wiki_user_id == *user)
            .collect();
        // Whose account is linked with somebody else by now is given back what was theirs.
        let mut people: BTreeSet<EntryUuid> =
            rows.iter().map(|(row, _)| row.person.clone()).collect();
        people.extend(linked.get(user).filter(|_| blocked).cloned());
        if people.is_empty() {
            if !memory.lately.contains_key(user) {
                memory.unsettled.remove(user);
            }
            continue;
        }
        let suspended = rows.iter().all(|(row, _)| !row.back);
        if blocked && suspended && !memory.unsettled.contains(user) {
            continue;
        }
        // What is under way or has stopped is not looked at each time.
        let waits =
            |(row, state): &&Kept| next(blocked, Some((row, *state)), true, again) == Next::Wait;
        // But for the projects of which nothing is kept yet: one that has stopped keeps nobody in the others.
        let elsewhere = blocked && again && memory.unsettled.contains(user);
        if !rows.is_empty() && rows.iter().all(waits) && !elsewhere {
            memory.unsettled.insert(*user);
            continue;
        }
        cases.extend(people.into_iter().map(|person| Case {
            user: *user,
            person,
            standing,
            again,
        }));
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use osm_core::ids::ProjectName;

    fn row(back: bool, state: OperationState) -> Kept {
        let row = Suspension {
            person: EntryUuid::trusted("ann"),
            wiki_user_id: 7,
            project: ProjectName::trusted("bots"),
            project_entry: EntryUuid::trusted("bots"),
            kept: Vec::new(),
            by: String::new(),
            since: DateTime::UNIX_EPOCH,
            latest: OperationId::trusted("o"),
            back,
        };
        (row, state)
    }

    /// Whether Ann is looked at, and whether she is remembered.
    #[test]
    fn at_whom_is_looked() {
        use OperationState::{Done, Parked, Running, Undone};
        let by = String::new();
        let (free, blocked) = (Standing::Free, Standing::Blocked { by });
        for (standing, kept, remembered, again, wanted) in [
            (&free, None, true, true, (false, false)),
            (&blocked, None, true, false, (true, true)),
            (&blocked, None, false, false, (false, false)),
            // Suspended and at rest.
            (
                &blocked,
                Some(row(false, Done)),
                false,
                true,
                (false, false),
            ),
            (&blocked, Some(row(false, Done)), true, false, (true, true)),
            (
                &blocked,
                Some(row(false, Running)),
                true,
                false,
                (false, true),
            ),
            // There may be other projects.
            (&blocked, Some(row(false, Parked)), true, true, (true, true)),
            (
                &blocked,
                Some(row(false, Undone)),
                true,
                false,
                (false, true),
            ),
            (&blocked, Some(row(false, Undone)), true, true, (true, true)),
            (&blocked, Some(row(true, Done)), false, false, (true, false)),
            // The block has ended.
            (&free, Some(row(false, Done)), false, false, (true, false)),
            (&free, Some(row(false, Parked)), false, true, (false, true)),
            (&free, Some(row(true, Running)), true, true, (false, true)),
            (&free, Some(row(true, Undone)), true, false, (false, true)),
            (&free, Some(row(true, Done)), true, false, (true, true)),
        ] {
            let mut memory = Memory::default();
            memory.unsettled.extend(remembered.then_some(7));
            let linked = BTreeMap::from([(7, EntryUuid::trusted("ann"))]);
            let of = kept.as_ref().map(|(row, state)| (row.back, *state));
            let kept: Vec<Kept> = kept.into_iter().collect();
            let standings = BTreeMap::from([(7, standing.clone())]);
            let looked = cases(&mut memory, &linked, &kept, &standings, again).len() == 1;
            let found = (looked, memory.unsettled.contains(&7));
            assert_eq!(found, wanted, "{standing:?} {of:?} {remembered} {again}");
        }
    }

    #[test]
    fn of_whom_the_log_told_is_asked_for_again() {
        let mut memory = Memory::default();
        memory.unsettled.insert(7);
        memory.lately.insert(7, DateTime::UNIX_EPOCH);
        let linked = BTreeMap::from([(7, EntryUuid::trusted("ann"))]);
        let standings = BTreeMap::from([(7, Standing::Free)]);
        assert!(cases(&mut memory, &linked, &[], &standings, false).is_empty());
        assert!(memory.unsettled.contains(&7));
    }

    #[test]
    fn nobody_without_the_wiki_s_word() {
        let mut memory = Memory::default();
        memory.unsettled.insert(7);
        let linked = BTreeMap::from([(7, EntryUuid::trusted("ann"))]);
        let kept = [row(false, OperationState::Done)];
        assert!(cases(&mut memory, &linked, &kept, &BTreeMap::new(), true).is_empty());
        assert!(memory.unsettled.contains(&7));
    }
}
