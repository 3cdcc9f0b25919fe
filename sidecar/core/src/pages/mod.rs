//! Facts become page text. Pure: the same facts give the same text, and what people wrote stays.
//!
//! [`encode`] knows how a value is written where; [`title`] what a page is called; [`region`] which part of a
//! page is ours, [`dated`] as of when it says so; [`instance`], [`project`], [`overview`], [`noisy`], [`redirect`], [`request`] and
//! [`audit`] compose; [`log`] adds to a project's log; [`touched`]
//! says which pages tell of a change, [`summary`] what was done.

mod as_of;
pub mod audit;
pub mod encode;
pub mod instance;
mod lines;
pub mod log;
pub mod log_archive;
#[cfg(test)]
mod log_summary_tests;
#[cfg(test)]
mod log_tests;
pub mod noisy;
pub mod overview;
pub mod project;
pub mod redirect;
pub mod region;
#[cfg(test)]
mod region_tests;
pub mod request;
mod scan;
pub mod summary;
mod template;
pub mod title;
pub mod touched;

pub use as_of::dated;
