//! The audit's chain: each sealed row is bound to all rows sealed before it. Pure: rows in, hashes and what is
//! wrong out.
//!
//! A seal's hash is the SHA-256 of the hash before it and of the row's canonical form, which holds every
//! column. [`Walk`] goes along the chain and says where it does not hold; an [`Anchor`] is what was known of
//! the chain on a day, kept where whoever can change the database cannot change it unseen.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the canonical form. Another form needs another name, and a way to tell which seal has which.
const FORM: &str = "osm-audit/1";

/// A row of the audit, octet by octet as stored: a changed row may hold anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Row {
    pub id: u64,
    /// Microseconds since 1970; `None` where what stands there is no time.
    pub at: Option<i64>,
    pub event: Vec<u8>,
    pub operation: Option<Vec<u8>>,
    pub region: Vec<u8>,
    pub project: Vec<u8>,
    pub wiki_user_id: u64,
    pub wiki_user_name: Vec<u8>,
    pub request_id: Vec<u8>,
    pub detail: Vec<u8>,
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Its place, from 1.
    pub seq: u64,
    /// The row.
    pub audit_id: u64,
    /// When, in microseconds since 1970.
    pub sealed_at: Option<i64>,
    /// In hex.
    pub hash: String,
}

/// The chain's head on a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Anchor {
    pub day: NaiveDate,
    pub seq: u64,
    pub hash: String,
}

/// Seals rows, in the order given, onto a chain whose last seal has this place and hash (0 and nothing at its
/// beginning).
pub fn seal(mut seq: u64, last: &str, now: DateTime<Utc>, rows: &[Row]) -> Vec<Seal> {
    let sealed_at = Some(now.timestamp_micros());
    let mut seals: Vec<Seal> = Vec::with_capacity(rows.len());
    for row in rows {
        seq += 1;
        let previous = seals.last().map_or(last, |seal| seal.hash.as_str());
        seals.push(Seal {
            seq,
            audit_id: row.id,
            sealed_at,
            hash: link(previous, seq, sealed_at, row),
        });
    }
    seals
}

/// The hash of a seal. All that it covers is written with its length before it, and nothing at all otherwise
/// than an empty text, so that no two rows look alike.
fn link(previous: &str, seq: u64, sealed_at: Option<i64>, row: &Row) -> String {
    let number = |n: Option<i64>| n.map(|n| n.to_string().into_bytes());
    let fields: [Option<Vec<u8>>; 14] = [
        Some(previous.into()),
        Some(FORM.into()),
        Some(seq.to_string().into()),
        number(sealed_at),
        Some(row.id.to_string().into()),
        number(row.at),
        Some(row.event.clone()),
        row.operation.clone(),
        Some(row.region.clone()),
        Some(row.project.clone()),
        Some(row.wiki_user_id.to_string().into()),
        Some(row.wiki_user_name.clone()),
        Some(row.request_id.clone()),
        Some(row.detail.clone()),
    ];
    let mut digest = Sha256::new();
    for field in fields {
        match field {
            Some(octets) => {
                digest.update(format!("{}:", octets.len()));
                digest.update(octets);
                digest.update(",");
            }
            None => digest.update("-,"),
        }
    }
    let octets = digest.finalize();
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Who remembers an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Witness {
    WikiPage,
    Table,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WikiPage => "the wiki page",
            Self::Table => "the table audit_anchors",
        })
    }
}

/// What is wrong with the audit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Finding {
    #[error("row {id} (seq {seq}) was changed after it was sealed, or its seal was")]
    RowChanged { seq: u64, id: u64 },
    #[error(
        "the hash of seq {seq} (row {id}) was changed: the seal after it was made from another"
    )]
    HashChanged { seq: u64, id: u64 },
    #[error("row {id} (seq {seq}) is missing: it was deleted after it was sealed")]
    RowMissing { seq: u64, id: u64 },
    #[error(
        "seq {from} to {to} are missing: these seals were deleted, and seq {next} cannot be compared \
         with what was before it", next = to + 1
    )]
    SealsMissing { from: u64, to: u64 },
    #[error(
        "the chain ends at seq {last}, and on {day} it reached seq {seq}, says {by}: its tail was cut off"
    )]
    Cut {
        by: Witness,
        day: NaiveDate,
        seq: u64,
        last: u64,
    },
    #[error(
        "seq {seq} has another hash than on {day}, says {by}: the chain was written anew from there or before"
    )]
    Rewritten {
        by: Witness,
        day: NaiveDate,
        seq: u64,
    },
    #[error("{lacks} lacks the anchor of {day} (seq {seq})")]
    AnchorMissing {
        lacks: Witness,
        day: NaiveDate,
        seq: u64,
    },
    #[error(
        "row {0} is neither sealed nor waiting to be sealed: it was not written by this program"
    )]
    Stray(u64),
    #[error("row {0} was waiting to be sealed and is missing")]
    WaitingMissing(u64),
    #[error("no row tells that operation {0} was submitted: it was deleted")]
    Untold(String),
    #[error("row {0} is sealed, and is said to be waiting: somebody wrote into audit_unsealed")]
    SealedWaiting(u64),
}

/// Compares the anchors on the wiki page with those of the table, both newest first, of which the page lists so
/// many. The newest may not have got there yet.
pub fn lacking(page: &[Anchor], table: &[Anchor], listed: usize) -> Vec<Finding> {
    let missing = |lacks: Witness| {
        move |anchor: &Anchor| Finding::AnchorMissing {
            lacks,
            day: anchor.day,
            seq: anchor.seq,
        }
    };
    let of_page = page.iter().filter(|anchor| !table.contains(anchor));
    let of_table = table.iter().take(listed).skip(1);
    let of_table = of_table.filter(|anchor| !page.contains(anchor));
    of_page
        .map(missing(Witness::Table))
        .chain(of_table.map(missing(Witness::WikiPage)))
        .collect()
}

/// A seal that is not what it should be; the next one tells whether its row or its hash was changed.
#[derive(Debug)]
struct Doubt {
    seq: u64,
    id: u64,
    /// What its hash should be.
    hash: String,
}

impl Doubt {
    fn row_changed(self) -> Finding {
        Finding::RowChanged {
            seq: self.seq,
            id: self.id,
        }
    }
}

/// A walk along the chain, from its beginning, seal by seal.
#[derive(Debug, Default)]
pub struct Walk {
    seq: u64,
    /// The hash as stored at `seq`.
    hash: String,
    doubt: Option<Doubt>,
    anchors: BTreeMap<u64, Vec<(Witness, Anchor)>>,
}

impl Walk {
    /// At the beginning; the anchors are compared on the way.
    pub fn new(anchors: impl IntoIterator<Item = (Witness, Anchor)>) -> Self {
        let mut walk = Self::default();
        for (by, anchor) in anchors {
            let there = walk.anchors.entry(anchor.seq).or_default();
            there.push((by, anchor));
        }
        walk
    }

    /// So far it has come.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Looks at the next seal and its row; says what is wrong, which may be with the seal before.
    pub fn step(&mut self, seal: &Seal, row: Option<&Row>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let doubt = self.doubt.take();
        if seal.seq > self.seq + 1 {
            findings.extend(doubt.map(Doubt::row_changed));
            findings.push(Finding::SealsMissing {
                from: self.seq + 1,
                to: seal.seq - 1,
            });
        } else if let Some(row) = row {
            self.compare(seal, row, doubt, &mut findings);
        } else {
            findings.extend(doubt.map(Doubt::row_changed));
        }
        if row.is_none() {
            findings.push(Finding::RowMissing {
                seq: seal.seq,
                id: seal.audit_id,
            });
        }
        for (by, anchor) in self.anchors.remove(&seal.seq).unwrap_or_default() {
            if anchor.hash != seal.hash {
                let (day, seq) = (anchor.day, anchor.seq);
                findings.push(Finding::Rewritten { by, day, seq });
            }
        }
        self.seq = seal.seq;
        self.hash.clone_from(&seal.hash);
        findings
    }

    fn compare(
        &mut self,
        seal: &Seal,
        row: &Row,
        doubt: Option<Doubt>,
        findings: &mut Vec<Finding>,
    ) {
        let hash = link(&self.hash, seal.seq, seal.sealed_at, row);
        let fits = hash == seal.hash;
        if let Some(doubt) = doubt {
            if !fits && link(&doubt.hash, seal.seq, seal.sealed_at, row) == seal.hash {
                let Doubt { seq, id, .. } = doubt;
                findings.push(Finding::HashChanged { seq, id });
                return;
            }
            findings.push(doubt.row_changed());
        }
        if !fits {
            self.doubt = Some(Doubt {
                seq: seal.seq,
                id: seal.audit_id,
                hash,
            });
        }
    }

    /// At the end of the chain: what is left in doubt, and anchors that it does not reach.
    pub fn end(self) -> Vec<Finding> {
        let last = self.seq;
        let beyond = self.anchors.into_values().flatten();
        let cut = beyond.filter(|(_, anchor)| anchor.seq > last);
        let cut = cut.map(|(by, anchor)| Finding::Cut {
            by,
            day: anchor.day,
            seq: anchor.seq,
            last,
        });
        self.doubt
            .map(Doubt::row_changed)
            .into_iter()
            .chain(cut)
            .collect()
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
