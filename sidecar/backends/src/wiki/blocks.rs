//! Blocks: what the log tells, and how users stand.

use super::Wiki;
use super::read::{FEW, UNIT, list_at, text_at};
use async_trait::async_trait;
use osm_core::ports::{Kind, PortError, Standing, Users, WikiBlocks};
use serde_json::Value;
use std::collections::BTreeMap;

/// More happens seldom between two looks, and then all are looked at.
const ENTRIES: &str = "20";

#[async_trait]
impl WikiBlocks for Wiki {
    async fn block_log(&self) -> Result<BTreeMap<u64, Option<String>>, PortError> {
        let parameters = [
            ("action", "query"),
            ("list", "logevents"),
            ("letype", "block"),
            ("leprop", "ids|title"),
            ("lelimit", ENTRIES),
        ];
        let target = "the block log";
        let reply = self.query(target, &parameters).await?;
        let entries = listed(&reply, "/query/logevents", target)?;
        let known = list_at(entries, "").filter_map(|entry| {
            let id = entry.get("logid").and_then(Value::as_u64)?;
            // "User:" in the wiki's language; a name may hold more colons.
            let title = text_at(entry, "/title").and_then(|title| title.split_once(':'));
            Some((id, title.map(|(_, name)| name.to_owned())))
        });
        Ok(known.collect())
    }

    async fn standings(&self, of: Users<'_>) -> Result<BTreeMap<u64, Standing>, PortError> {
        let count = match of {
            Users::Ids(ids) => ids.len(),
            Users::Names(names) => names.len(),
        };
        let most = match count > FEW {
            true => self.titles_a_request().await?,
            false => FEW,
        };
        let lists: Vec<(&str, String)> = match of {
            Users::Ids(ids) => (ids.chunks(most))
                .map(|some| some.iter().map(u64::to_string).collect::<Vec<_>>())
                .map(|some| ("ususerids", some.join("|")))
                .collect(),
            Users::Names(names) => (names.chunks(most))
                .map(|some| ("ususers", format!("{UNIT}{}", some.join(UNIT))))
                .collect(),
        };
        let mut standings = BTreeMap::new();
        for (which, list) in lists {
            let parameters = [
                ("action", "query"),
                ("list", "users"),
                (which, list.as_str()),
                ("usprop", "blockinfo"),
            ];
            let target = format!("blocks of {count} users");
            let reply = self.query(&target, &parameters).await?;
            let users = listed(&reply, "/query/users", &target)?;
            standings.extend(list_at(users, "").filter_map(standing));
        }
        Ok(standings)
    }
}

/// A list that must be in the answer: one that is not there says nothing of anybody.
fn listed<'v>(reply: &'v Value, path: &str, target: &str) -> Result<&'v Value, PortError> {
    let found = reply.pointer(path).filter(|list| list.is_array());
    found.ok_or_else(|| {
        let why = "the answer has no list of them";
        PortError::new("wiki", "query", target, Kind::Protocol, why)
    })
}

/// `None` where the wiki does not know the user, or does not show them to us.
fn standing(user: &Value) -> Option<(u64, Standing)> {
    let is = |name: &str| user.get(name).and_then(Value::as_bool) == Some(true);
    let id = user.get("userid").and_then(Value::as_u64)?;
    if id == 0 || is("missing") || is("invalid") {
        return None;
    }
    let blocked = user.get("blockid").is_some() && !is("blockpartial");
    let by = || text_at(user, "/blockedby").unwrap_or_default().to_owned();
    Some((
        id,
        match blocked {
            true => Standing::Blocked { by: by() },
            false => Standing::Free,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_users_stand() {
        let blocked = |by: &str| Some((7, Standing::Blocked { by: by.to_owned() }));
        for (user, wanted) in [
            (
                json!({"userid": 7, "name": "Ann"}),
                Some((7, Standing::Free)),
            ),
            (
                json!({"userid": 7, "blockid": 3, "blockedby": "Op"}),
                blocked("Op"),
            ),
            (
                json!({"userid": 7, "blockid": 3, "blockedby": "Op", "blockpartial": false}),
                blocked("Op"),
            ),
            (json!({"userid": 7, "blockid": null}), blocked("")),
            (
                json!({"userid": 7, "blockid": 3, "blockpartial": true}),
                Some((7, Standing::Free)),
            ),
            (json!({"userid": 7, "missing": true}), None),
            (json!({"name": "192.0.2.1", "invalid": true}), None),
            (json!({"name": "Ann", "missing": true}), None),
            (json!({"userid": 0}), None),
        ] {
            assert_eq!(standing(&user), wanted, "{user}");
        }
    }

    #[test]
    fn an_answer_without_the_list_is_none() {
        for reply in [
            json!({}),
            json!({"query": {}}),
            json!({"query": {"users": null}}),
        ] {
            assert!(listed(&reply, "/query/users", "x").is_err(), "{reply}");
        }
    }
}
