//! Names by id, remembered for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long names of projects and images are believed.
const KEPT: Duration = Duration::from_secs(300);

/// Names by id; an id known to have none is there as well.
#[derive(Clone, Default)]
pub(super) struct ById(HashMap<String, Option<String>>);

impl ById {
    /// The name of an id.
    pub fn name(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned().flatten()
    }

    /// Whether anything is known of an id.
    pub fn knows(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Adds one.
    pub fn add(&mut self, id: &str, name: Option<String>) {
        self.0.insert(id.to_owned(), name);
    }
}

impl FromIterator<(String, Option<String>)> for ById {
    fn from_iter<I: IntoIterator<Item = (String, Option<String>)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The names of several places.
pub(super) struct Names<K>(Mutex<HashMap<K, Kept>>);

impl<K> Default for Names<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

struct Kept {
    since: Instant,
    names: ById,
}

impl<K: Hash + Eq + Clone> Names<K> {
    /// The names of a place, unless they are too old.
    pub fn of(&self, place: &K) -> Option<ById> {
        let held = self.held();
        let kept = held.get(place).filter(|k| k.since.elapsed() < KEPT)?;
        Some(kept.names.clone())
    }

    /// Begins anew.
    pub fn replace(&self, place: &K, names: ById) {
        let since = Instant::now();
        self.held().insert(place.clone(), Kept { since, names });
    }

    /// Adds one.
    pub fn add(&self, place: &K, id: &str, name: Option<String>) {
        if let Some(kept) = self.held().get_mut(place) {
            kept.names.add(id, name);
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
