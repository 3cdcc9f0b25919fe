//! A shell account for a wiki user: the entry in LDAP, and the link to it.

use super::places::outcome;
use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::accounts::{Account, FIELD};
use osm_core::message::Msg;
use osm_core::ports::{Kind, NumberOf, PortError};

impl Runner {
    pub(super) async fn person(
        &self,
        course: &Course,
        account: &Account,
        there: bool,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let (by, directory) = (&course.operation.id, &self.effects.directory);
        if !there {
            return Ok(outcome(directory.unmake_person(account, by, &claim).await?));
        }
        let number = self.free_number(NumberOf::Person).await?;
        match directory.make_person(account, number, by, &claim).await {
            Err(error) if error.kind == Kind::Conflict => Err(Msg::new("shellname-taken")
                .with(account.uid.as_str())
                .into()),
            made => {
                made?;
                Ok(Outcome::Done)
            }
        }
    }

    pub(super) async fn link(&self, account: &Account, there: bool) -> Result<Outcome, StepError> {
        let links = &self.founding.links;
        let found = self.directory.person_by_uid(&account.uid).await?;
        let Some(person) = found else {
            if !there {
                return Ok(Outcome::Already);
            }
            let why = "LDAP does not show the entry that was made";
            let target = format!("{FIELD} {}", account.uid);
            let error = PortError::new("ldap", "find", target, Kind::Protocol, why);
            return Err(StepError::Retry(error));
        };
        let user = account.wiki_user_id;
        if there {
            return match links
                .link(user, &person.entry, "made", &account.name)
                .await?
            {
                true => Ok(Outcome::Done),
                false => Err(Msg::new("link-taken").with(account.uid.as_str()).into()),
            };
        }
        let ours = links.link_of(user).await?.as_ref() == Some(&person.entry);
        Ok(outcome(ours && links.unlink(user).await?))
    }
}
