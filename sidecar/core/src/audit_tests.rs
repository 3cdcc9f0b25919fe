//! Whatever is done to a sealed chain is found and named, and what nobody touched is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use super::*;
use proptest::prelude::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn row(id: u64) -> Row {
    Row {
        id,
        at: Some(1_800_000_000_000_000 + i64::try_from(id).unwrap()),
        event: b"changed".to_vec(),
        operation: Some(b"01JDA".to_vec()),
        region: b"RegionOne".to_vec(),
        project: b"bots".to_vec(),
        wiki_user_id: 12,
        wiki_user_name: b"Volunteer".to_vec(),
        request_id: b"request-1".to_vec(),
        detail: format!("{{\"n\":{id}}}").into_bytes(),
    }
}

type Chain = Vec<(Seal, Option<Row>)>;

/// Seals in the order in which rows were committed, which is not that of their ids; in two batches.
fn chain(length: u64) -> Chain {
    let rows: Vec<Row> = (1..=length).map(|n| row(100 + (n ^ 1))).collect();
    let (first, second) = rows.split_at(rows.len() / 2);
    let mut seals = seal(0, "", now(), first);
    let last = seals.last().map_or(String::new(), |s| s.hash.clone());
    let so_far = u64::try_from(seals.len()).unwrap();
    seals.extend(seal(so_far, &last, now(), second));
    seals.into_iter().zip(rows.into_iter().map(Some)).collect()
}

fn anchor(chain: &Chain, seq: usize) -> (Witness, Anchor) {
    let seal = &chain[seq - 1].0;
    let anchor = Anchor {
        day: "2026-11-24".parse().unwrap(),
        seq: seal.seq,
        hash: seal.hash.clone(),
    };
    (Witness::WikiPage, anchor)
}

fn findings(chain: &Chain, anchors: Vec<(Witness, Anchor)>) -> Vec<Finding> {
    let mut walk = Walk::new(anchors);
    let mut found = Vec::new();
    for (seal, row) in chain {
        found.extend(walk.step(seal, row.as_ref()));
    }
    found.extend(walk.end());
    found
}

/// The same form forever: seals made by an earlier version must go on fitting.
#[test]
fn the_canonical_form_stays() {
    let nothing = Row {
        operation: None,
        at: None,
        ..row(7)
    };
    let hash = |text: &[u8]| -> String {
        let octets = Sha256::digest(text);
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    };
    assert_eq!(
        link("ab", 3, Some(9), &nothing),
        hash(
            b"2:ab,11:osm-audit/1,1:3,1:9,1:7,-,7:changed,-,9:RegionOne,4:bots,2:12,9:Volunteer,\
              9:request-1,7:{\"n\":7},"
        )
    );
}

#[test]
fn each_tampering_is_named() {
    let whole = chain(6);
    let anchors = |chain: &Chain| vec![anchor(chain, 2), anchor(chain, 5)];
    assert_eq!(findings(&whole, anchors(&whole)), []);
    assert_eq!(findings(&chain(0), Vec::new()), []);
    let day = anchor(&whole, 5).1.day;
    let by = Witness::WikiPage;
    let id = |seq: usize| whole[seq - 1].0.audit_id;
    let changed = |seq: u64| Finding::RowChanged {
        seq,
        id: id(usize::try_from(seq).unwrap()),
    };
    let missing = Finding::RowMissing { seq: 3, id: id(3) };
    let hash_changed = |seq: u64| Finding::HashChanged {
        seq,
        id: id(usize::try_from(seq).unwrap()),
    };
    let hash = |n: u8| format!("{n:02x}").repeat(32);
    type Tamper = Box<dyn Fn(&mut Chain)>;
    let tamperings: Vec<(&str, Tamper, Vec<Finding>)> = vec![
        (
            "a row changed",
            Box::new(|c| c[2].1.as_mut().unwrap().wiki_user_id = 13),
            vec![changed(3)],
        ),
        (
            "the last row changed",
            Box::new(|c| c[5].1.as_mut().unwrap().detail.push(b' ')),
            vec![changed(6)],
        ),
        (
            "two rows swapped",
            Box::new(|c| {
                let (a, b) = (c[2].1.clone().unwrap(), c[3].1.clone().unwrap());
                c[2].1 = Some(Row {
                    id: a.id,
                    ..b.clone()
                });
                c[3].1 = Some(Row { id: b.id, ..a });
            }),
            vec![changed(3), changed(4)],
        ),
        (
            "a row deleted",
            Box::new(|c| c[2].1 = None),
            vec![missing.clone()],
        ),
        (
            "a row deleted and the next changed",
            Box::new(|c| {
                c[2].1 = None;
                c[3].1.as_mut().unwrap().at = None;
            }),
            vec![missing, changed(4)],
        ),
        (
            "a seal edited",
            Box::new(move |c| c[2].0.hash = hash(7)),
            vec![hash_changed(3)],
        ),
        (
            "an anchored seal edited",
            Box::new(move |c| c[4].0.hash = "no hash".to_owned()),
            vec![Finding::Rewritten { by, day, seq: 5 }, hash_changed(5)],
        ),
        (
            "a seal's time edited",
            Box::new(|c| c[2].0.sealed_at = Some(0)),
            vec![changed(3)],
        ),
        (
            "a seal deleted",
            Box::new(|c| drop(c.remove(2))),
            vec![Finding::SealsMissing { from: 3, to: 3 }],
        ),
        (
            "the beginning deleted",
            Box::new(|c| drop(c.drain(..1))),
            vec![Finding::SealsMissing { from: 1, to: 1 }],
        ),
        (
            "the tail cut off",
            Box::new(|c| c.truncate(4)),
            vec![Finding::Cut {
                by,
                day,
                seq: 5,
                last: 4,
            }],
        ),
        (
            "everything deleted",
            Box::new(Vec::clear),
            [2, 5]
                .map(|seq| Finding::Cut {
                    by,
                    day,
                    seq,
                    last: 0,
                })
                .to_vec(),
        ),
        (
            "a row changed and all after it sealed anew",
            Box::new(|c| {
                let mut rows: Vec<Row> = c.iter().filter_map(|(_, row)| row.clone()).collect();
                rows[3].wiki_user_name = b"Somebody else".to_vec();
                let seals = seal(0, "", now(), &rows);
                *c = seals.into_iter().zip(rows.into_iter().map(Some)).collect();
            }),
            vec![Finding::Rewritten { by, day, seq: 5 }],
        ),
    ];
    for (what, tamper, wanted) in tamperings {
        let mut chain = whole.clone();
        tamper(&mut chain);
        assert_eq!(findings(&chain, anchors(&whole)), wanted, "{what}");
    }
}

#[test]
fn page_and_table_are_compared() {
    let chain = chain(9);
    let on = |day: &str, seq: usize| Anchor {
        day: day.parse().unwrap(),
        ..anchor(&chain, seq).1
    };
    let table = [
        on("2026-11-24", 9),
        on("2026-11-23", 5),
        on("2026-11-22", 2),
    ];
    let missing = |lacks, anchor: &Anchor| Finding::AnchorMissing {
        lacks,
        day: anchor.day,
        seq: anchor.seq,
    };
    assert_eq!(lacking(&table, &table, 3), []);
    assert_eq!(
        lacking(&table[1..], &table, 3),
        [],
        "the newest is not there yet"
    );
    assert_eq!(
        lacking(&table[..2], &table, 2),
        [],
        "older ones are not listed"
    );
    assert_eq!(
        lacking(&[], &table, 3),
        [1, 2].map(|n| missing(Witness::WikiPage, &table[n]))
    );
    assert_eq!(
        lacking(&table, &table[1..], 3),
        [missing(Witness::Table, &table[0])]
    );
}

/// A row in which one column is another, whatever it was.
fn changed(row: &Row, column: usize, text: &[u8]) -> Row {
    let mut new = row.clone();
    match column {
        0 => new.at = new.at.map_or(Some(0), |_| None),
        1 => new.operation = new.operation.map_or(Some(Vec::new()), |_| None),
        2 => new.event.extend(text),
        3 => new.region.extend(text),
        4 => new.project.extend(text),
        5 => new.wiki_user_id ^= 1,
        6 => new.wiki_user_name.extend(text),
        7 => new.request_id.extend(text),
        8 => new.detail.extend(text),
        _ => {
            // Octets moved over the border between two columns.
            new.detail = [new.request_id.as_slice(), &new.detail].concat();
            new.request_id.clear();
        }
    }
    new
}

proptest! {
    #[test]
    fn a_change_anywhere_is_found_where_it_is(
        length in 1_u64..20,
        place in any::<prop::sample::Index>(),
        column in 0_usize..10,
        text in prop::collection::vec(any::<u8>(), 1..5),
    ) {
        let mut chain = chain(length);
        prop_assert_eq!(findings(&chain, Vec::new()), []);
        let at = place.index(chain.len());
        let old = chain[at].1.clone().unwrap();
        chain[at].1 = Some(changed(&old, column, &text));
        let (seq, id) = (chain[at].0.seq, old.id);
        prop_assert_eq!(findings(&chain, Vec::new()), [Finding::RowChanged { seq, id }]);
    }
}
