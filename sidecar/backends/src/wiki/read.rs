//! Reading pages and users.

use super::Wiki;
use async_trait::async_trait;
use osm_core::actor::{Block, WikiUser};
use osm_core::ids::OperationId;
use osm_core::ports::{Kind, PageState, PortError, WikiInfo, WikiRead};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Titles a request, with MediaWiki's right `apihighlimits` and without.
const MANY: usize = 500;
pub(super) const FEW: usize = 50;
/// MediaWiki takes this sign for a separator where a list begins with it; a title may hold a pipe in vain.
pub(super) const UNIT: &str = "\u{1f}";

#[derive(Deserialize)]
struct Page {
    /// Absent where a page id has no page.
    #[serde(default)]
    title: String,
    pageid: Option<u64>,
    #[serde(default)]
    missing: bool,
    #[serde(default)]
    invalid: bool,
    invalidreason: Option<Value>,
    #[serde(default)]
    revisions: Vec<Revision>,
}

#[derive(Deserialize)]
struct Revision {
    revid: u64,
    /// Absent where it is hidden.
    user: Option<String>,
    slots: Option<HashMap<String, Slot>>,
}

#[derive(Deserialize)]
struct Slot {
    content: Option<String>,
}

impl Page {
    /// `None` where the text is not in this answer, which was cut by size.
    fn state(self) -> Result<Option<PageState>, PortError> {
        let wrong =
            |kind, detail: String| Err(PortError::new("wiki", "read", &self.title, kind, detail));
        if self.invalid {
            let reason = self
                .invalidreason
                .as_ref()
                .and_then(|r| text_at(r, "/text"));
            return wrong(
                Kind::Rejected,
                reason.unwrap_or("no valid title").to_owned(),
            );
        }
        if self.missing {
            return Ok(Some(PageState {
                title: self.title,
                page_id: None,
                revision: 0,
                text: String::new(),
                last_editor: None,
            }));
        }
        let Some(revision) = self.revisions.into_iter().next() else {
            return Ok(None);
        };
        let text = revision
            .slots
            .and_then(|mut slots| slots.remove("main"))
            .and_then(|slot| slot.content);
        match text {
            Some(text) => Ok(Some(PageState {
                title: self.title,
                page_id: self.pageid,
                revision: revision.revid,
                text,
                last_editor: revision.user,
            })),
            // An unreadable text must never be taken for an empty page.
            None => wrong(
                Kind::Denied,
                "the text of its latest revision is hidden from us".to_owned(),
            ),
        }
    }
}

impl Wiki {
    /// Reads some titles, in as many answers as MediaWiki needs; adds each page under the title asked for.
    async fn read(
        &self,
        titles: &[&str],
        pages: &mut HashMap<String, PageState>,
    ) -> Result<(), PortError> {
        let first = titles.first().copied().unwrap_or_default();
        let target = match titles.len() {
            1 => first.to_owned(),
            n => format!("{n} pages from {first}"),
        };
        let list = format!("{UNIT}{}", titles.join(UNIT));
        let fixed = [
            ("action", "query"),
            ("prop", "revisions"),
            ("rvprop", "ids|user|content"),
            ("rvslots", "main"),
            ("titles", list.as_str()),
        ];
        let mut asked: HashMap<String, Vec<String>> = HashMap::new();
        let mut following: Vec<(String, String)> = Vec::new();
        loop {
            let parameters: Vec<(&str, &str)> = fixed
                .into_iter()
                .chain(following.iter().map(|(k, v)| (k.as_str(), v.as_str())))
                .collect();
            let mut reply = self.query(&target, &parameters).await?;
            for change in list_at(&reply, "/query/normalized") {
                if let (Some(from), Some(to)) = (text_at(change, "/from"), text_at(change, "/to")) {
                    let from = if change.get("fromencoded").and_then(Value::as_bool) == Some(true) {
                        percent_decoded(from)
                    } else {
                        from.to_owned()
                    };
                    let names = asked.entry(to.to_owned()).or_default();
                    if !names.contains(&from) {
                        names.push(from);
                    }
                }
            }
            let found = found_pages(&mut reply, &target)?;
            for page in found {
                if let Some(state) = page.state()? {
                    for name in asked.get(&state.title).into_iter().flatten() {
                        pages.insert(name.clone(), state.clone());
                    }
                    pages.insert(state.title.clone(), state);
                }
            }
            following = match reply.get("continue").and_then(Value::as_object) {
                Some(map) => map
                    .iter()
                    .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                    .collect(),
                None => return Ok(()),
            };
        }
    }

    /// How many titles a request of the system user may name.
    pub(super) async fn titles_a_request(&self) -> Result<usize, PortError> {
        let reply = self
            .query(
                "own rights",
                &[
                    ("action", "query"),
                    ("meta", "userinfo"),
                    ("uiprop", "rights"),
                ],
            )
            .await?;
        let high = list_at(&reply, "/query/userinfo/rights").any(|r| r == "apihighlimits");
        Ok(if high { MANY } else { FEW })
    }
}

#[async_trait]
impl WikiRead for Wiki {
    async fn pages(&self, titles: &[String]) -> Result<Vec<PageState>, PortError> {
        let distinct: BTreeSet<&str> = titles.iter().map(String::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let size = if distinct.len() > FEW {
            self.titles_a_request().await?
        } else {
            FEW
        };
        let mut pages = HashMap::new();
        for some in distinct.chunks(size) {
            self.read(some, &mut pages).await?;
        }
        titles
            .iter()
            .map(|title| {
                pages.get(title).cloned().ok_or_else(|| {
                    PortError::new(
                        "wiki",
                        "read",
                        title,
                        Kind::Protocol,
                        "the answer leaves this page out",
                    )
                })
            })
            .collect()
    }

    async fn page_by_id(&self, id: u64) -> Result<Option<PageState>, PortError> {
        let target = format!("page {id}");
        let id = id.to_string();
        let mut reply = self
            .query(
                &target,
                &[
                    ("action", "query"),
                    ("prop", "revisions"),
                    ("rvprop", "ids|user|content"),
                    ("rvslots", "main"),
                    ("pageids", &id),
                ],
            )
            .await?;
        let page: Option<Page> = found_pages(&mut reply, &target)?.pop();
        let state = page.map(Page::state).transpose()?.flatten();
        Ok(state.filter(|page| page.page_id.is_some()))
    }

    async fn revisions(&self, pages: &[u64]) -> Result<BTreeMap<u64, u64>, PortError> {
        self.latest(pages).await
    }

    async fn user_names(&self, ids: &[u64]) -> Result<BTreeMap<u64, String>, PortError> {
        let mut names = BTreeMap::new();
        for some in ids.chunks(FEW) {
            let target = format!("{} users", some.len());
            let list: Vec<String> = some.iter().map(u64::to_string).collect();
            let reply = self
                .query(
                    &target,
                    &[
                        ("action", "query"),
                        ("list", "users"),
                        ("ususerids", &list.join("|")),
                    ],
                )
                .await?;
            for user in list_at(&reply, "/query/users") {
                let id = user.get("userid").and_then(Value::as_u64);
                if let (Some(id), Some(name)) = (id, text_at(user, "/name")) {
                    names.insert(id, name.to_owned());
                }
            }
        }
        Ok(names)
    }

    async fn user_id(&self, name: &str) -> Result<Option<u64>, PortError> {
        let names = format!("{UNIT}{name}");
        let reply = self
            .query(
                name,
                &[("action", "query"), ("list", "users"), ("ususers", &names)],
            )
            .await?;
        Ok(reply
            .pointer("/query/users/0/userid")
            .and_then(Value::as_u64))
    }

    async fn account(&self, name: &str) -> Result<Option<WikiUser>, PortError> {
        let names = format!("{UNIT}{name}");
        let reply = self
            .query(
                name,
                &[
                    ("action", "query"),
                    ("list", "users"),
                    ("ususers", &names),
                    ("usprop", "groups|blockinfo"),
                    ("meta", "siteinfo"),
                    ("siprop", "usergroups"),
                ],
            )
            .await?;
        let user = reply.pointer("/query/users/0");
        Ok(user.and_then(|user| account_of(user, &reply)))
    }

    async fn told_operations(&self, limit: u32) -> Result<Vec<(OperationId, String)>, PortError> {
        self.told(limit).await
    }

    async fn info(&self) -> Result<WikiInfo, PortError> {
        let reply = self
            .query(
                "the wiki itself",
                &[
                    ("action", "query"),
                    ("meta", "openstackmanagerinfo|siteinfo"),
                    ("siprop", "general"),
                ],
            )
            .await?;
        let general = |name: &str| reply.pointer("/query/general").and_then(|g| g.get(name));
        let Some(ours) = reply.pointer("/query/openstackmanagerinfo") else {
            return Err(PortError::new(
                "wiki",
                "query",
                "the wiki itself",
                Kind::Protocol,
                "it does not know meta=openstackmanagerinfo: is the extension OpenStackManager loaded there?",
            ));
        };
        let read_only = general("readonly").and_then(Value::as_bool) == Some(true);
        let reason = general("readonlyreason")
            .and_then(Value::as_str)
            .unwrap_or("read-only");
        Ok(WikiInfo {
            generator: general("generator")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            extension_version: text_at(ours, "/version").unwrap_or_default().to_owned(),
            smw: ours.get("smw").and_then(Value::as_bool).unwrap_or(false),
            system_user: text_at(ours, "/systemuser/name")
                .unwrap_or_default()
                .to_owned(),
            read_only: read_only.then(|| reason.to_owned()),
        })
    }
}

fn found_pages(reply: &mut Value, target: &str) -> Result<Vec<Page>, PortError> {
    let found = reply
        .pointer_mut("/query/pages")
        .map_or_else(|| Value::Array(Vec::new()), Value::take);
    serde_json::from_value(found).map_err(|e| {
        PortError::new(
            "wiki",
            "read",
            target,
            Kind::Protocol,
            format!("an answer of another form: {e}"),
        )
    })
}

/// `None` for a name that nobody has. Rights are those of the groups: asked for directly, they would be cut
/// down to those of our own session.
fn account_of(user: &Value, reply: &Value) -> Option<WikiUser> {
    let groups: BTreeSet<String> = words_at(user, "/groups").collect();
    let rights = list_at(reply, "/query/usergroups")
        .filter(|group| text_at(group, "/name").is_some_and(|name| groups.contains(name)))
        .flat_map(|group| words_at(group, "/rights"))
        .collect();
    let blocked = user.get("blockid").is_some();
    Some(WikiUser {
        wiki_user_id: user.get("userid").and_then(Value::as_u64)?,
        name: text_at(user, "/name")?.to_owned(),
        groups,
        rights,
        block: blocked.then(|| Block {
            sitewide: user.get("blockpartial").and_then(Value::as_bool) != Some(true),
            reason: text_at(user, "/blockreason").unwrap_or_default().to_owned(),
            expiry: text_at(user, "/blockexpiry").unwrap_or_default().to_owned(),
        }),
        registered: None,
        email_confirmed: false,
    })
}

fn words_at(value: &Value, path: &'static str) -> impl Iterator<Item = String> {
    let words: Vec<String> = list_at(value, path)
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    words.into_iter()
}

pub(super) fn text_at<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str)
}

pub(super) fn list_at<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// MediaWiki encodes a title in its answer where it is not in composed form.
fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .map(|(name, value)| {
            if value.is_empty() {
                name.into_owned()
            } else {
                format!("{name}={value}")
            }
        })
        .collect()
}
