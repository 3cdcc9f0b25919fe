//! The traits through which the outside is read and written, split into reading and writing.
//! A holder of a read port cannot change the world.

mod audit;
mod compute;
mod directory;
mod error;
mod holds;
mod notifications;
mod page_key;
mod store;
mod wiki;

pub use audit::{AuditSeals, AuditTrail, Coverage, Sealed};
pub use compute::{ComputeRead, ComputeWrite, Deed, Since, Tagged};
pub use directory::{
    Assignment, Directory, DirectoryWrite, Identity, IdentityWrite, KeystoneProject, Leave, Places,
};
pub use error::{Kind, PortError};
pub use holds::{Hold, Holds, Lost, Made, Open, Trace};
pub use notifications::{
    Content, Event, Heard, Initiator, Listening, Notice, Notifications, QueueState, Receipt,
};
pub use page_key::PageKey;
pub use store::*;
pub use wiki::{Edit, EditAs, Edited, PageState, WikiInfo, WikiRead, WikiWrite};
