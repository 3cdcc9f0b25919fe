//! Facts become page text. Pure: the same facts give the same text, and what people wrote stays.
//!
//! [`encode`] knows how a value is written where; [`title`] what a page is called; [`region`] which part of a
//! page is ours; [`instance`], [`project`], [`redirect`] and [`audit`] compose; [`summary`] says what was done.

pub mod audit;
pub mod encode;
pub mod instance;
pub mod project;
pub mod redirect;
pub mod region;
#[cfg(test)]
mod region_tests;
mod scan;
pub mod summary;
mod template;
pub mod title;
