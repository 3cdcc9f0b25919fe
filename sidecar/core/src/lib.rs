//! What is true and what is allowed. Plain data and synchronous rules: no sockets, no clock, no randomness.
//!
//! Reading order: [`ids`] → [`actor`] → [`authz`] with its [`ground`]s → [`instance`] and [`project`] (the nouns) → [`plan`]
//! with its [`facts`] → [`membership`] (who is in a project) → [`quota`] (how much it may use) → [`keys`] (with what a person logs in) → [`sudo`] (what people may run as whom) → [`suspension`] (who is blocked on the wiki) → [`requests`] (who asks for what they may not do) → [`pages`] (facts become page text), [`told`] (what notifications
//! tell) → [`audit`] and [`replay`] (what was done) → [`drift`] (where they say
//! different things) → [`log`] (what people say they did) → [`ports`] (how the outside is read and written) →
//! [`message`] and [`view`] (what a person is shown) → [`signing`] (who may speak to whom).

pub mod accounts;
pub mod action;
pub mod actor;
pub mod audit;
pub mod authz;
pub mod change;
pub mod drift;
pub mod facts;
pub mod founding;
pub mod ground;
pub mod ids;
pub mod instance;
pub mod keys;
pub mod log;
pub mod membership;
pub mod message;
pub mod pages;
pub mod plan;
pub mod ports;
pub mod probe;
pub mod project;
pub mod puppet;
pub mod quota;
pub mod refusal;
pub mod replay;
pub mod requests;
pub mod signing;
pub mod sudo;
pub mod suspension;
pub mod told;
pub mod undo;
pub mod view;
mod will;
