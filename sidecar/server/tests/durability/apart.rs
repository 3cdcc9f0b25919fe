//! Several databases, one wiki and one cloud: what the others have done looks to each as if it had lost it,
//! and then nothing is done by it any more. So each is told what is not its own.

use crate::mariadb::{Root, as_root};

/// A test's own database takes what it does not know for others' work, and leaves the wiki's page of the
/// audit to the lab's own database. Where it does not know its own work, all is held as it should be.
pub async fn apart(root: &Root, name: &str) {
    root.run(&[
        format!("INSERT INTO {name}.audit_anchors (day, seq, hash) VALUES ('9999-12-31', 0, '')"),
        format!(
            "CREATE TRIGGER {name}.of_others AFTER INSERT ON {name}.lost_operations FOR EACH ROW
             DELETE FROM {name}.holds
             WHERE NOT EXISTS (SELECT 1 FROM {name}.operations WHERE id = NEW.id)"
        ),
    ])
    .await;
}

/// The lab's own database takes none of the test's operations for lost.
pub async fn accounted_for(lab_database: &str, operations: &[String]) {
    for some in operations.chunks(500) {
        let rows: Vec<String> = some
            .iter()
            .map(|id| format!("('{id}', UTC_TIMESTAMP(6), 'a test of durability')"))
            .collect();
        as_root(&[format!(
            "INSERT IGNORE INTO {lab_database}.lost_operations (id, found_at, seen_at) VALUES {}",
            rows.join(", ")
        )])
        .await;
    }
}
