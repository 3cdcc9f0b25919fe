//! What a plan's steps do, in words, before they are done.

use crate::message::Msg;
use crate::plan::{Goal, Plan, Step};

impl Step {
    /// What it does, for people, before it is done.
    pub fn told(&self, plan: &Plan) -> Msg {
        let subject = self.granted().map_or(&plan.name, |grant| &grant.uid);
        let msg = Msg::new(&format!("will-{}", self.name())).with(subject.as_str());
        match self {
            Self::CreateServer { server } => msg
                .with(server.flavor_name.as_str())
                .with(server.image_name.as_str())
                .with(server.security_groups.join(", ")),
            Self::AwaitServer { goal } => msg.with(match goal {
                Goal::Active => "ACTIVE",
                Goal::Gone => "DELETED",
            }),
            Self::AddSecurityGroup { group } | Self::RemoveSecurityGroup { group } => {
                msg.with(group.as_str())
            }
            Self::Grant { grant } | Self::Withdraw { grant, .. } => msg
                .with(grant.project.as_str())
                .with(grant.place.role().unwrap_or_default()),
            Self::AddKey { key } | Self::RemoveKey { key } => msg.with(key.uid.as_str()),
            Self::Person { account, .. } | Self::Link { account, .. } => {
                msg.with(account.name.as_str())
            }
            Self::Describe { after, .. } => msg.with(after.as_deref().unwrap_or_default()),
            Self::Keypair { keypair, .. } => msg
                .with(keypair.uid.as_str())
                .with(keypair.region.as_str())
                .with(keypair.name.as_str()),
            Self::SetRule { change } => change.told(),
            Self::SetQuota { change } => msg.with(plan.region.as_str()).with(change.after.told()),
            Self::RebootServer
            | Self::DeleteServer
            | Self::Make { .. }
            | Self::Delete { .. }
            | Self::ReadServer
            | Self::WritePage { .. }
            | Self::Nothing => msg,
        }
    }
}
