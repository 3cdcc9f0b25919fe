//! While all writing is held after a restore: what is refused, and what a cloud admin sees of the reasons.

use super::Context;
use super::lookup::refuse;
use crate::restored::Says;
use osm_core::actor::Actor;
use osm_core::authz::is_cloudadmin;
use osm_core::message::{Msg, Value};
use osm_core::ports::{Lost, Operation};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Row};

/// What an operator runs when the differences were looked at.
const RELEASE: &str = "openstackmanager restored release";

/// Nothing may be changed now.
pub(super) fn held() -> Refusal {
    Refusal::new(RefusalKind::Maintenance, Msg::new("held"))
}

impl Context {
    /// Refuses while all writing is held.
    pub(super) async fn not_held(&self) -> Result<(), Refusal> {
        match self.restored.hold().await.map_err(refuse)? {
            Some(_) => Err(held()),
            None => Ok(()),
        }
    }

    /// The differences, for those who see all projects and may change them; nothing while nothing is held.
    pub(super) async fn held_blocks(&self, actor: &Actor) -> Result<Vec<Block>, Refusal> {
        if !is_cloudadmin(actor) || self.restored.hold().await.map_err(refuse)?.is_none() {
            return Ok(Vec::new());
        }
        let lost = self.restored.holds.lost().await.map_err(refuse)?;
        let open = self.restored.open().await.map_err(refuse)?;
        Ok(vec![
            heading("held-lost"),
            table(
                "lost",
                &["operation", "found", "seenat", "indatabase"],
                lost.iter().map(lost_row).collect(),
            ),
            heading("held-open"),
            table(
                "heldopen",
                &[
                    "started",
                    "operation",
                    "instancename",
                    "project",
                    "user",
                    "cloudsays",
                ],
                open.iter().map(|(o, says)| open_row(o, says)).collect(),
            ),
            Block::Para {
                text: Msg::new("held-release")
                    .with(Value::Code {
                        v: RELEASE.to_owned(),
                    })
                    .into(),
            },
        ])
    }
}

fn heading(name: &str) -> Block {
    Block::Heading {
        level: 2,
        id: name.to_owned(),
        text: Msg::new(name).into(),
        links: Vec::new(),
    }
}

fn table(id: &str, columns: &[&str], rows: Vec<Row>) -> Block {
    Block::Table {
        id: id.to_owned(),
        columns: columns.iter().map(|name| Msg::new(name)).collect(),
        rows,
        empty: Some(Msg::new("held-none")),
    }
}

fn lost_row(lost: &Lost) -> Row {
    let known = match lost.open {
        true => "indatabase-open",
        false => "indatabase-no",
    };
    Row {
        id: format!("lost-{}", lost.operation),
        cells: vec![
            Value::text(lost.operation.as_str()),
            Value::from(lost.found),
            Value::text(&lost.seen_at),
            Msg::new(known).into(),
        ],
    }
}

fn open_row(operation: &Operation, says: &Says) -> Row {
    let plan = &operation.plan;
    let says = match says {
        Says::Made(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            Msg::new("cloudsays-made").with(ids.join(", "))
        }
        Says::NotMade => Msg::new("cloudsays-notmade"),
        Says::There(state) => Msg::new("cloudsays-there").with(state.as_str()),
        Says::Gone => Msg::new("cloudsays-gone"),
        Says::Nothing(why) => Msg::new("cloudsays-nothing").with(why.as_str()),
    };
    Row {
        id: format!("open-{}", operation.id),
        cells: vec![
            Value::from(operation.created),
            Value::special(
                "NovaOperations",
                &[("operation", operation.id.as_str())],
                Msg::new(&format!("did-{}", plan.action)),
            ),
            Value::text(&plan.name),
            Value::text(plan.project.as_str()),
            Value::text(&operation.wiki_user_name),
            says.into(),
        ],
    }
}
