//! After an older database was restored: showing what it does not account for, and lifting the hold.

use super::operations::time;
use super::{Failure, operator, say};
use crate::restored::{Restored, Says};
use osm_core::ports::Open;

/// Shows the hold and the differences. Nothing is changed by it, so it may be run before the program serves.
pub(super) async fn show(restored: &Restored) -> Result<(), Failure> {
    let hold = restored.hold().await?;
    let differences = restored.differences().await?;
    match &hold {
        Some(hold) => say(format_args!(
            "nothing is changed since {}: {}",
            time(hold.since),
            hold.detail
        )),
        None if differences.lost.is_empty() => {
            say(
                "the database accounts for all that the wiki and the cloud tell of; nothing is held",
            );
            return Ok(());
        }
        None => say("not held yet; it will be as soon as the program serves"),
    }
    say("\nthe wiki or the cloud tells of these, and the database does not account for them:");
    for lost in &differences.lost {
        let known = match lost.open {
            true => "in the database as not begun",
            false => "not in the database",
        };
        say(format_args!(
            "{}\t{}\t{known}",
            lost.operation, lost.seen_at
        ));
    }
    say("\nthe database would go on with these:");
    for (operation, says) in &differences.open {
        let plan = &operation.plan;
        say(format_args!(
            "{}\t{:9}\t{} {} in {}\tby {}\t{}",
            operation.id,
            operation.state.name(),
            plan.action,
            plan.name,
            plan.project,
            operation.wiki_user_name,
            words(says),
        ));
    }
    say(
        "\n`openstackmanager restored release` parks the latter, for a person to decide on each, and lifts the hold",
    );
    Ok(())
}

/// Lifts the hold.
pub(super) async fn release(restored: &Restored, go_on: bool) -> Result<(), Failure> {
    if restored.hold().await?.is_none() {
        return Err(Failure::Refused("nothing is held".to_owned()));
    }
    let open = match go_on {
        true => Open::GoOn,
        false => Open::Park,
    };
    let parked = restored
        .holds
        .lift(open, &operator(), (restored.clock)())
        .await?;
    for id in parked {
        say(format_args!("parked {id}"));
    }
    say("the hold is lifted");
    Ok(())
}

fn words(says: &Says) -> String {
    match says {
        Says::Made(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            format!("the cloud has its server: {}", ids.join(" "))
        }
        Says::NotMade => "the cloud has no server of it".to_owned(),
        Says::There(state) => format!("the server is there, {state}"),
        Says::Gone => "the server is gone".to_owned(),
        Says::Nothing(why) => format!("the cloud did not say: {why}"),
    }
}
