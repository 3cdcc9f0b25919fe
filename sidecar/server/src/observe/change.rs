//! What is otherwise than it was, and which pages tell of it.

use super::who::Doer;
use osm_core::instance::Instance;
use osm_core::pages::{summary, touched};
use osm_core::ports::{PageDue, PageKey};

/// A deleted server has a time of deletion, also where Nova lists it without one.
pub(super) fn settle(instance: Instance) -> Instance {
    let gone = matches!(instance.status.as_str(), "DELETED" | "SOFT_DELETED");
    Instance {
        deleted: instance.deleted.or(gone.then_some(instance.updated)),
        ..instance
    }
}

/// The pages that tell of what is otherwise than it was.
pub(super) fn differing(
    old: Option<&Instance>,
    new: &Instance,
    noisy: bool,
    by: Option<&Doer>,
) -> Vec<PageDue> {
    let new = match old {
        Some(old) => new.clone().following(old),
        None => new.clone(),
    };
    let what = match old {
        Some(old) if same_facts(old, &new) => return Vec::new(),
        Some(old) => changed(old, &new),
        // It came and went between two looks: it was there, so it is told of.
        None if new.deleted.is_some() => summary::state(&new.name, "DELETED"),
        None => summary::found(&new.name, &new.project),
    };
    let keys = touched::by_change(old, &new, noisy).into_iter();
    keys.map(|key| seen(key, &what, by)).collect()
}

/// A page is due since something was seen.
pub(super) fn seen(key: PageKey, what: &str, by: Option<&Doer>) -> PageDue {
    let by = by.filter(|_| !key.quiet());
    PageDue {
        key,
        by: by.map(|doer| doer.wiki_user_id),
        by_name: by.map(|doer| doer.name.clone()),
        operation: None,
        what: what.to_owned(),
    }
}

/// `updated` moves without anything to tell.
fn same_facts(old: &Instance, new: &Instance) -> bool {
    let old = Instance {
        updated: new.updated,
        ..old.clone()
    };
    old == *new
}

fn changed(old: &Instance, new: &Instance) -> String {
    match () {
        () if new.deleted.is_some() => summary::state(&new.name, "DELETED"),
        () if old.name != new.name => summary::renamed(&old.name, &new.name),
        () if old.status != new.status => summary::state(&new.name, &new.status),
        () => summary::changed(&new.name),
    }
}
