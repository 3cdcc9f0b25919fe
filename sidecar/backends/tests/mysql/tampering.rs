//! Whatever is done to the audit in the database is found and named.

use super::audit::{findings, numbers, seal, submit};
use super::*;
use osm_core::audit::{Finding, Witness};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn each_tampering_is_found_and_named() {
    with_database(|store, config| async move {
        let mut all = submit(&store, "web", 6).await;
        seal(&store, "a", 0).await;
        let newest = store.anchors(1).await.unwrap().remove(0);
        all.extend(submit(&store, "late", 1).await);
        // Each operation here has one row, that of its submission.
        let untold = |n: usize| Finding::Untold(all[n - 1].id.to_string());
        let db = &config.name;
        let ids = numbers(format!("SELECT id FROM {db}.audit ORDER BY id")).await;
        let [one, two, three, four, _, six, late] = ids[..] else {
            panic!("seven rows");
        };
        // Not yet sealed is not wrong.
        assert_eq!(findings(&store, Some(newest.clone())).await, []);
        assert_eq!(store.waiting(0, 9).await.unwrap(), [(late, true)]);

        let tables = ["audit", "audit_seals", "audit_unsealed"];
        let keep = tables.map(|t| format!("CREATE TABLE {db}.kept_{t} AS SELECT * FROM {db}.{t}"));
        as_root(&keep).await;
        let (day, by) = (newest.day, Witness::WikiPage);
        let changed = |seq: u64, id: u64| Finding::RowChanged { seq, id };
        let missing = |seq: u64, id: u64| Finding::RowMissing { seq, id };
        let copy = format!(
            "INSERT INTO {db}.audit (at, event, operation_id, region, project, wiki_user_id,
               wiki_user_name, request_id, detail)
             SELECT at, event, operation_id, region, project, 99, 'Mallory', request_id, detail
             FROM {db}.audit WHERE id = {one}"
        );
        let tamperings = [
            (
                format!("UPDATE {db}.audit SET wiki_user_name = 'Volunteer ' WHERE id = {three}"),
                vec![changed(3, three)],
            ),
            (
                format!("UPDATE {db}.audit SET at = at + INTERVAL 1 MICROSECOND WHERE id = {six}"),
                vec![changed(6, six)],
            ),
            (
                format!("UPDATE {db}.audit SET operation_id = NULL WHERE id = {two}"),
                vec![changed(2, two), untold(2)],
            ),
            (
                format!("UPDATE {db}.audit SET event = X'ff00' WHERE id = {two}"),
                vec![changed(2, two), untold(2)],
            ),
            (
                format!("DELETE FROM {db}.audit WHERE id = {three}"),
                vec![missing(3, three), untold(3)],
            ),
            (
                format!(
                    "DELETE FROM {db}.audit WHERE id = {three};
                     DELETE FROM {db}.audit_seals WHERE audit_id = {three}"
                ),
                vec![Finding::SealsMissing { from: 3, to: 3 }, untold(3)],
            ),
            (
                format!(
                    "DELETE FROM {db}.audit WHERE id = {six};
                     DELETE FROM {db}.audit_seals WHERE seq = 6"
                ),
                vec![
                    Finding::Cut {
                        by,
                        day,
                        seq: 6,
                        last: 5,
                    },
                    untold(6),
                ],
            ),
            (
                format!("DELETE FROM {db}.audit_seals WHERE seq = 6"),
                vec![
                    Finding::Cut {
                        by,
                        day,
                        seq: 6,
                        last: 5,
                    },
                    Finding::Stray(six),
                ],
            ),
            (
                format!("DELETE FROM {db}.audit WHERE id = {late}"),
                vec![Finding::WaitingMissing(late), untold(7)],
            ),
            (
                format!(
                    "DELETE FROM {db}.audit WHERE id = {late};
                     DELETE FROM {db}.audit_unsealed WHERE audit_id = {late}"
                ),
                vec![untold(7)],
            ),
            (
                format!("DELETE FROM {db}.audit_unsealed"),
                vec![Finding::Stray(late)],
            ),
            (
                format!("INSERT INTO {db}.audit_unsealed VALUES ({two})"),
                vec![Finding::SealedWaiting(two)],
            ),
            (
                format!(
                    "UPDATE {db}.audit SET id = 9999 WHERE id = {two};
                     UPDATE {db}.audit SET id = {two} WHERE id = {four};
                     UPDATE {db}.audit SET id = {four} WHERE id = 9999"
                ),
                vec![changed(2, two), changed(4, four)],
            ),
            (
                format!(
                    "UPDATE {db}.audit_seals SET audit_id = 9999 WHERE seq = 2;
                     UPDATE {db}.audit_seals SET audit_id = {two} WHERE seq = 3;
                     UPDATE {db}.audit_seals SET audit_id = {three} WHERE seq = 2"
                ),
                vec![changed(2, three), changed(3, two)],
            ),
            (
                format!("UPDATE {db}.audit_seals SET hash = REPEAT('0a', 32) WHERE seq = 2"),
                vec![Finding::HashChanged { seq: 2, id: two }],
            ),
            (
                format!("UPDATE {db}.audit_seals SET sealed_at = '2000-01-01' WHERE seq = 2"),
                vec![changed(2, two)],
            ),
            (
                format!("UPDATE {db}.audit_seals SET seq = 17 WHERE seq = 6"),
                vec![Finding::SealsMissing { from: 6, to: 16 }],
            ),
        ];
        for (tamper, wanted) in tamperings {
            as_root(std::slice::from_ref(&tamper)).await;
            assert_eq!(
                findings(&store, Some(newest.clone())).await,
                wanted,
                "{tamper}"
            );
            let restore: Vec<String> = tables
                .iter()
                .flat_map(|t| {
                    [
                        format!("DELETE FROM {db}.{t}"),
                        format!("INSERT INTO {db}.{t} SELECT * FROM {db}.kept_{t}"),
                    ]
                })
                .collect();
            as_root(&restore).await;
            assert_eq!(findings(&store, Some(newest.clone())).await, []);
        }

        // A forged row has an id that is not known beforehand.
        let last = format!("SELECT MAX(id) FROM {db}.audit");
        let forged: u64 = as_root(&[copy, last]).await[0].parse().unwrap();
        assert_eq!(
            findings(&store, Some(newest.clone())).await,
            [Finding::Stray(forged)]
        );
        // Sealing neither takes it in nor stops at what is wrong.
        as_root(&[format!(
            "INSERT INTO {db}.audit_unsealed VALUES ({two}), (9999)"
        )])
        .await;
        assert_eq!(seal(&store, "a", 1).await, 1);
        assert_eq!(
            findings(&store, Some(newest.clone())).await,
            [
                Finding::SealedWaiting(two),
                Finding::Stray(forged),
                Finding::WaitingMissing(9999)
            ]
        );
        // What an operator vouches for is sealed, once.
        assert_eq!(store.adopt(&[forged, two, 12345]).await.unwrap(), [forged]);
        assert_eq!(seal(&store, "a", 2).await, 1);
        assert_eq!(store.adopt(&[forged]).await.unwrap(), [0_u64; 0]);

        // Rows and chain written anew from the beginning: the anchor contradicts.
        as_root(&[
            format!("DELETE FROM {db}.audit_seals"),
            format!("DELETE FROM {db}.audit_unsealed"),
            format!("UPDATE {db}.audit SET wiki_user_name = 'Mallory' WHERE id = {three}"),
            format!("INSERT INTO {db}.audit_unsealed SELECT id FROM {db}.audit"),
        ])
        .await;
        seal(&store, "a", 3).await;
        let rewritten = Finding::Rewritten { by, day, seq: 6 };
        assert_eq!(findings(&store, Some(newest)).await, [rewritten]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn an_account_that_can_only_add_to_the_audit_is_enough() {
    with_database(|store, config| async move {
        let db = &config.name;
        let account = format!("'{db}'@'127.0.0.1'");
        // As docs/INSTALL.md says.
        let grants = as_root(&[format!(
            "SELECT CONCAT('GRANT UPDATE, DELETE ON ', table_schema, '.', table_name,
               ' TO {}') FROM information_schema.tables
             WHERE table_schema = '{db}'
               AND table_name NOT IN ('audit', 'audit_seals', 'audit_anchors')",
            account.replace('\'', "''")
        )])
        .await;
        assert!(grants.len() > 10, "{grants:?}");
        let mut statements = vec![
            format!("REVOKE ALL ON {db}.* FROM {account}"),
            format!("GRANT SELECT, INSERT ON {db}.* TO {account}"),
        ];
        statements.extend(grants);
        as_root(&statements).await;
        drop(store);

        let store = Store::connect(config.clone()).await.unwrap();
        let new = submit(&store, "web", 1).await.remove(0);
        let claimed = store.claim("a", at(1), LEASE).await.unwrap().unwrap();
        let done = OperationState::Done;
        store
            .note_state(
                &new.id,
                claimed.generation,
                done,
                None,
                Telling::default(),
                at(2),
            )
            .await
            .unwrap();
        let sealed = store.seal("a", at(3), LEASE).await.unwrap();
        assert_eq!((sealed.rows, sealed.anchored), (2, true));
        assert_eq!(findings(&store, None).await, []);
        store.disconnect().await.unwrap();

        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(config.port)
            .user(Some(db))
            .pass(Some(config.password.expose()))
            .db_name(Some(db));
        let mut conn = Conn::new(options).await.unwrap();
        for denied in [
            "UPDATE audit SET event = 'x'",
            "DELETE FROM audit",
            "DELETE FROM audit_seals",
            "UPDATE audit_seals SET hash = 'x'",
            "UPDATE audit_anchors SET hash = 'x'",
            "DELETE FROM audit_anchors",
        ] {
            let refused = conn.query_drop(denied).await.unwrap_err().to_string();
            assert!(refused.contains("denied"), "{denied}: {refused}");
        }
        conn.disconnect().await.unwrap();
    })
    .await;
}
