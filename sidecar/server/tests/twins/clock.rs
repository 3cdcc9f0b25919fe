//! The twins' clock, which a test can set forward.

use chrono::{DateTime, TimeDelta, Utc};
use std::cell::Cell;

thread_local! {
    /// By how much the twin's clock is ahead.
    static AHEAD: Cell<TimeDelta> = const { Cell::new(TimeDelta::zero()) };
}

pub fn now() -> DateTime<Utc> {
    Utc::now() + AHEAD.get()
}

/// Time passes, for the twins of this thread.
pub fn pass(time: TimeDelta) {
    AHEAD.set(AHEAD.get() + time);
}
