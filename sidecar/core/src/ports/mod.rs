//! The traits through which the outside is read and written, split into reading and writing.
//! A holder of a read port cannot change the world.

mod audit;
mod blocks;
mod chat;
mod compute;
mod directory;
mod error;
mod holds;
mod log;
mod notifications;
mod page_key;
mod requests;
mod store;
mod wiki;

pub use audit::{AuditSeals, AuditTrail, Coverage, Sealed};
pub use blocks::{Standing, Suspensions, Users, WikiBlocks};
pub use chat::{Chat, Said, Talk, Voice};
pub use compute::{ComputeAdmin, ComputeRead, ComputeWrite, Deed, Since, Tagged};
pub use directory::{
    Assignment, Directory, DirectoryWrite, Identity, IdentityWrite, KeystoneProject, Leave,
    NumberOf, Places, ProjectPart, RuleSet,
};
pub use error::{Kind, PortError};
pub use holds::{Hold, Holds, Lost, Made, Open, Trace};
pub use log::{
    Accepted, Accounts, Elections, Hook, HookProgress, LogFilter, LogToken, LogTokens, LogWork,
    LogWriting, Logs, Speakers,
};
pub use notifications::{
    Content, Event, Heard, Initiator, Listening, Notice, Notifications, QueueState, Receipt,
};
pub use page_key::PageKey;
pub use requests::{
    ByRule, Decided, NewDecision, NewRequest, Noted, RequestFilter, Requests, Verdict,
};
pub use store::*;
pub use wiki::{
    Edit, EditAs, Edited, Logged, PageState, WikiHistory, WikiInfo, WikiRead, WikiWrite,
};
