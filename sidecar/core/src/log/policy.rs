//! Who may log from a channel. What is logged by the wiki's form or API is the edit of who is logged in there, and a
//! token's project is in the token: neither is asked about here.

use super::LogName;
use crate::actor::Person;
use crate::ids::ProjectName;
use crate::pages::title::project_title;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A channel's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Whoever is in the channel.
    #[default]
    Anyone,
    /// Whose account with the network's services is a wiki user's.
    Linked,
    /// Of these, the members of the project that is logged to.
    Members,
}

/// Why somebody may not, with what they can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Nobody knows who it is.
    NotLinked,
    /// Nobody knows who in LDAP the wiki user is.
    NoPerson {
        /// The wiki user.
        user: String,
    },
    /// They are not in the project.
    NoMember {
        /// The wiki user.
        user: String,
        /// The project.
        project: ProjectName,
    },
}

impl Barred {
    /// The wiki's page where it can be helped.
    pub fn page(&self) -> String {
        match self {
            Self::NotLinked => "Special:NovaLog".to_owned(),
            Self::NoPerson { .. } => "Special:NovaLink".to_owned(),
            Self::NoMember { project, .. } => project_title(project).replace(' ', "_"),
        }
    }
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinked => write!(
                f,
                "this channel is for accounts that are linked to a wiki user. Log in with NickServ, then link yours:"
            ),
            Self::NoPerson { user } => write!(
                f,
                "this channel is for members of the project, and it is not known who in LDAP {user} is. Say so:"
            ),
            Self::NoMember { user, project } => write!(
                f,
                "this channel is for members of the project, and {user} is none of {project}. \
                 Ask one of them to add you:"
            ),
        }
    }
}

/// Whether a policy lets a speaker log. A tool's log is its project's. `person` is what LDAP says of the speaker.
pub fn judge(
    policy: Policy,
    speaker: Option<&(u64, String)>,
    person: Option<&Person>,
    log: &LogName,
) -> Result<(), Barred> {
    if policy == Policy::Anyone {
        return Ok(());
    }
    let (_, user) = speaker.ok_or(Barred::NotLinked)?;
    if policy == Policy::Linked {
        return Ok(());
    }
    let user = user.clone();
    match person {
        None => Err(Barred::NoPerson { user }),
        Some(person) if person.projects.contains_key(&log.project) => Ok(()),
        Some(_) => Err(Barred::NoMember {
            user,
            project: log.project.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EntryUuid;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn who_may() {
        let ada = (7, "Ada".to_owned());
        let entry = EntryUuid::trusted("6fa459ea-ee8a-4ca4-894e-db77e160355e");
        let person = Person {
            entry,
            uid: "ada".to_owned(),
            cn: "Ada".to_owned(),
            projects: BTreeMap::from([(ProjectName::trusted("tools"), BTreeSet::new())]),
        };
        let (known, nobody) = (Some(&ada), None);
        for (policy, speaker, person, log, wanted) in [
            (Policy::Anyone, nobody, None, "bots", None),
            (
                Policy::Linked,
                nobody,
                None,
                "bots",
                Some("Special:NovaLog"),
            ),
            (Policy::Linked, known, None, "bots", None),
            (
                Policy::Members,
                nobody,
                None,
                "tools",
                Some("Special:NovaLog"),
            ),
            (
                Policy::Members,
                known,
                None,
                "tools",
                Some("Special:NovaLink"),
            ),
            (Policy::Members, known, Some(&person), "tools", None),
            (
                Policy::Members,
                known,
                Some(&person),
                "tools.wikibugs",
                None,
            ),
            (
                Policy::Members,
                known,
                Some(&person),
                "bots",
                Some("Nova_Resource:Bots"),
            ),
            (
                Policy::Members,
                known,
                Some(&person),
                "bots.tools",
                Some("Nova_Resource:Bots"),
            ),
        ] {
            let judged = judge(policy, speaker, person, &LogName::trusted(log));
            let page = judged.as_ref().err().map(Barred::page);
            assert_eq!(page.as_deref(), wanted, "{policy:?} {log} {judged:?}");
        }
    }
}
