//! Edit summaries: what was done, in a line that nothing a name holds can turn into a link.

use super::encode;
use crate::ids::{OperationId, ProjectName, Region};
use crate::quota::Limits;
use crate::requests::{State, Wanted};

/// MediaWiki's bound, in characters.
const LONGEST: usize = 500;
/// Longest name that is written whole.
const NAME: usize = 80;

/// A reason for an edit, as it is kept until the page is written.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// What was done: one of the sentences below.
    pub what: &'a str,
    /// The operation, where it is one of ours.
    pub operation: Option<&'a OperationId>,
}

/// "created instance tools-web-01 in project bots"
pub fn created(instance: &str, project: &ProjectName) -> String {
    done("created", instance, project)
}

/// "rebooted instance …"
pub fn rebooted(instance: &str, project: &ProjectName) -> String {
    done("rebooted", instance, project)
}

/// "deleted instance …"
pub fn deleted(instance: &str, project: &ProjectName) -> String {
    done("deleted", instance, project)
}

/// "took back instance …": an operation that could not be finished left nothing behind.
pub fn taken_back(instance: &str, project: &ProjectName) -> String {
    done("took back", instance, project)
}

/// "put instance … into security group …"
pub fn into_group(instance: &str, group: &str) -> String {
    grouped("put", instance, "into", group)
}

/// "took instance … out of security group …"
pub fn out_of_group(instance: &str, group: &str) -> String {
    grouped("took", instance, "out of", group)
}

fn grouped(verb: &str, instance: &str, how: &str, group: &str) -> String {
    let instance = encode::summary(instance, NAME);
    let group = encode::summary(group, NAME);
    format!("{verb} instance {instance} {how} security group {group}")
}

/// "created project bots"
pub fn project_made(project: &ProjectName) -> String {
    format!("created project {project}")
}

/// "deleted project bots"
pub fn project_deleted(project: &ProjectName) -> String {
    format!("deleted project {project}")
}

/// "asked for project bots", "asked for another quota of project bots"
pub fn asked_for(wanted: &Wanted) -> String {
    format!("asked for {}", wanted_of(wanted))
}

/// "request for project bots: granted"
pub fn decided(wanted: &Wanted, state: State) -> String {
    format!("request for {}: {}", wanted_of(wanted), state.name())
}

fn wanted_of(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Project { name, .. } => format!("project {name}"),
        Wanted::Quota { project, .. } => format!("another quota of project {project}"),
    }
}

/// "changed the description of project bots"
pub fn described(project: &ProjectName) -> String {
    format!("changed the description of project {project}")
}

/// "set the quota of project bots in RegionOne to 20 instances, 40 cores, 81920 MiB of RAM"
pub fn quota(project: &ProjectName, region: &Region, limits: &Limits) -> String {
    let region = encode::summary(region.as_str(), NAME);
    let limits = limits.words();
    format!("set the quota of project {project} in {region} to {limits}")
}

/// "added Outsider to project bots"
pub fn added(person: &str, project: &ProjectName) -> String {
    belonging("added", person, "to", project)
}

/// "removed Outsider from project bots"
pub fn removed(person: &str, project: &ProjectName) -> String {
    belonging("removed", person, "from", project)
}

/// "made Outsider projectadmin of project bots"
pub fn into_role(person: &str, role: &str, project: &ProjectName) -> String {
    let person = encode::summary(person, NAME);
    let role = encode::summary(role, NAME);
    let project = encode::summary(project.as_str(), NAME);
    format!("made {person} {role} of project {project}")
}

/// "took the role projectadmin of project bots from Outsider"
pub fn out_of_role(person: &str, role: &str, project: &ProjectName) -> String {
    let person = encode::summary(person, NAME);
    let role = encode::summary(role, NAME);
    let project = encode::summary(project.as_str(), NAME);
    format!("took the role {role} of project {project} from {person}")
}

/// "suspended Outsider in project bots: blocked on the wiki by Operator"
pub fn suspended(person: &str, project: &ProjectName, by: &str) -> String {
    let why = belonging("suspended", person, "in", project);
    match by {
        "" => format!("{why}: blocked on the wiki"),
        by => format!(
            "{why}: blocked on the wiki by {}",
            encode::summary(by, NAME)
        ),
    }
}

/// "gave Outsider back their places in project bots: not blocked on the wiki any more"
pub fn reinstated(person: &str, project: &ProjectName) -> String {
    let given = belonging("gave", person, "back their places in", project);
    format!("{given}: not blocked on the wiki any more")
}

fn belonging(verb: &str, person: &str, how: &str, project: &ProjectName) -> String {
    let person = encode::summary(person, NAME);
    let project = encode::summary(project.as_str(), NAME);
    format!("{verb} {person} {how} project {project}")
}

/// "found instance …": it was there before we looked.
pub fn found(instance: &str, project: &ProjectName) -> String {
    done("found", instance, project)
}

/// "instance a is now called b"
pub fn renamed(old: &str, new: &str) -> String {
    let old = encode::summary(old, NAME);
    format!(
        "instance {old} is now called {}",
        encode::summary(new, NAME)
    )
}

/// "facts of instance tools-web-01 changed"
pub fn changed(instance: &str) -> String {
    format!(
        "facts of instance {} changed",
        encode::summary(instance, NAME)
    )
}

/// "somebody had changed what the page of instance tools-web-01 says"
pub fn righted(instance: &str) -> String {
    format!(
        "somebody had changed what the page of instance {} says",
        encode::summary(instance, NAME)
    )
}

/// "what Puppet does with instance tools-web-01 changed"
pub fn puppet(instance: &str) -> String {
    format!(
        "what Puppet does with instance {} changed",
        encode::summary(instance, NAME)
    )
}

fn done(verb: &str, instance: &str, project: &ProjectName) -> String {
    let instance = encode::summary(instance, NAME);
    let project = encode::summary(project.as_str(), NAME);
    format!("{verb} instance {instance} in project {project}")
}

/// "instance tools-web-01 is ACTIVE"
pub fn state(instance: &str, state: &str) -> String {
    let instance = encode::summary(instance, NAME);
    format!("instance {instance} is {}", encode::summary(state, NAME))
}

/// "members of project bots changed", and what else there is to say of a project.
pub fn project(project: &ProjectName, what: &str) -> String {
    let project = encode::summary(project.as_str(), NAME);
    format!(
        "{} of project {project} changed",
        encode::summary(what, NAME)
    )
}

/// "the list of instances changed"
pub fn list(of: &str) -> String {
    format!("the list of {of} changed")
}

/// "tools-web-01 is now the name of I-3f9a2c1e"
pub fn name_in_use(instance: &str, title: &str) -> String {
    let instance = encode::summary(instance, NAME);
    format!("{instance} is now the name of [[{title}]]")
}

/// "no instance is called tools-web-01 any more"
pub fn name_unused(instance: &str) -> String {
    format!(
        "no instance is called {} any more",
        encode::summary(instance, NAME)
    )
}

/// "wrote the page anew": somebody saw that it was not what the facts make it.
pub fn repaired() -> String {
    "wrote the page anew".to_owned()
}

/// "moved the entries of 2026-10 to their own page"
pub fn archived(title: &str) -> String {
    format!("moved older entries to [[{title}]]")
}

/// "bots was logged to"
pub fn logged_to(log: &str) -> String {
    format!("{} was logged to", encode::summary(log, NAME))
}

/// "audit chain at 123"
pub fn anchored(seq: u64) -> String {
    format!("audit chain at {seq}")
}

/// The summary of an edit that all these reasons ask for, oldest first. A reason without an operation was
/// seen, not done through the wiki, and that is said.
pub fn of(reasons: &[Reason<'_>]) -> String {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for reason in reasons {
        let told = match reason.operation {
            Some(operation) => {
                let operation = encode::summary(operation.as_str(), 40);
                format!("{} (operation {operation})", reason.what)
            }
            None => format!("{} (seen, not done through the wiki)", reason.what),
        };
        let part = (reason.operation.is_some(), told);
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    joined(parts)
}

/// The operations that a summary of ours names. Only a summary that bears the wiki's tag of our edits may be
/// read so: that tag is put by the software, nobody can give it to an edit of theirs. Within such a summary no
/// name can pose as an operation, since names are written without an opening bracket.
pub fn operations(summary: &str) -> impl Iterator<Item = OperationId> {
    let after = summary.split("(operation ").skip(1);
    after.filter_map(|rest| OperationId::ulid(rest.split_once(')')?.0))
}

/// The same by the system user, where MediaWiki will not have it from the person.
pub fn on_behalf(person: &str, summary: &str) -> String {
    let link = format!("[[User:{}]]", encode::summary(person, 255));
    bounded(format!("for {link}: {summary}"))
}

/// As many parts as fit: what was done before what was only seen, and the last ones first, which say how things are
/// now.
fn joined(mut parts: Vec<(bool, String)>) -> String {
    let length = |parts: &[(bool, String)]| -> usize {
        (parts.iter())
            .map(|(_, part)| part.chars().count() + 2)
            .sum()
    };
    while parts.len() > 1 && length(&parts) > LONGEST - 60 {
        let seen = parts.iter().position(|(done, _)| !done);
        parts.remove(seen.unwrap_or(0));
    }
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    bounded(parts.join("; "))
}

/// Cut at a whole entity.
pub(super) fn bounded(text: String) -> String {
    let short = encode::cut(&text, LONGEST);
    if short == text {
        return text;
    }
    match (short.rfind('&'), short.rfind(';')) {
        (Some(amp), semicolon) if semicolon.is_none_or(|s| s < amp) => {
            format!("{}…", short.get(..amp).unwrap_or_default())
        }
        _ => short,
    }
}
