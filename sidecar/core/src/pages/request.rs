//! A request's page. It shows the record, and decides nothing.

use super::region;
use super::template::{Call, link, user};
use crate::requests::{Request, Wanted};

/// The whole page: what people wrote stays.
pub fn compose(old: &str, request: &Request) -> String {
    let mut call = Call::new("request");
    call.text("Request Number", &request.id.to_string());
    call.text("Request State", request.state.name());
    match &request.asked.wanted {
        Wanted::Project { name, description } => {
            call.text("Project Name", name.as_str());
            call.text("Description", description);
        }
        Wanted::Quota {
            project,
            region,
            limits,
        } => {
            call.text("Project Name", project.as_str());
            call.text("Requested Quota", &format!("{region}: {}", limits.words()));
        }
    }
    call.trusted("Requested By", &link(&user(&request.by.1)));
    call.time("Request Time", Some(request.at));
    call.text("Request Reason", &request.asked.reason);
    if let Some(decision) = &request.decision {
        match decision.by_rule {
            true => call.text("Decision", "by rule"),
            false => {
                call.trusted("Decided By", &link(&user(&decision.by.1)));
                call.text("Decision", &decision.words);
            }
        }
        call.time("Decision Time", Some(decision.at));
    }
    region::merge(old, &call.done())
}
