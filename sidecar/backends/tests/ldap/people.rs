//! Making the entries of people.

use crate::leave::May;
use crate::tree::*;
use osm_core::accounts::Account;
use osm_core::ids::{OperationId, ProjectName};
use osm_core::membership::{Grant, Place};
use osm_core::ports::{Directory, DirectoryWrite, Kind, NumberOf};

fn account(uid: &str, name: &str) -> Account {
    Account {
        uid: uid.to_owned(),
        wiki_user_id: 7,
        name: name.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_name_is_given_once_and_only_its_maker_takes_it_back() {
    let fill = async |tree: &mut Tree| {
        tree.person("Taken", "Bystander").await;
        // Somebody who has gone, and whose place nobody has taken away.
        let gone = format!("uid=gone,ou=people,{}", tree.base);
        tree.project("left", &[&gone]).await;
    };
    with_tree(fill, |directory| async move {
        let name = r#"*()\\,+"<>;#= ä"#;
        let new = account("fresh", name);
        let (by, other) = (
            OperationId::trusted("01BY"),
            OperationId::trusted("01OTHER"),
        );
        let make = async |account: &Account, by: &OperationId| {
            directory.make_person(account, 71_234, by, &May(true)).await
        };
        let refused = directory.make_person(&new, 71_234, &by, &May(false)).await;
        assert!(refused.is_err());
        assert!(make(&new, &by).await.unwrap());
        assert!(!make(&new, &by).await.unwrap(), "its own, a second time");
        let person = directory.person_by_uid("fresh").await.unwrap().unwrap();
        assert_eq!(person.cn, name);
        assert!(
            directory
                .has_number(NumberOf::Person, 71_234)
                .await
                .unwrap()
        );
        // Another's, in whatever case, and what it made itself.
        for (uid, by) in [("taken", &by), ("gone", &by), ("fresh", &other)] {
            assert!(directory.name_taken(uid).await.unwrap(), "{uid}");
            let taken = make(&account(uid, name), by).await.unwrap_err();
            assert_eq!(taken.kind, Kind::Conflict, "{taken}");
        }
        assert!(
            !directory
                .unmake_person(&new, &other, &May(true))
                .await
                .unwrap()
        );
        let bystander = account("taken", "Bystander");
        assert!(
            !directory
                .unmake_person(&bystander, &by, &May(true))
                .await
                .unwrap()
        );
        // Whoever was given a place meanwhile keeps the entry.
        let left = ProjectName::trusted("left");
        let left = directory.project(&left).await.unwrap().unwrap();
        let place = Grant::of(&person, &left, Place::Project);
        assert!(directory.give(&place, &May(true)).await.unwrap());
        let used = directory.unmake_person(&new, &by, &May(true)).await;
        assert_eq!(used.unwrap_err().kind, Kind::Denied);
        assert!(directory.take(&place, &May(true)).await.unwrap());
        for first in [true, false] {
            let unmade = directory.unmake_person(&new, &by, &May(true)).await;
            assert_eq!(unmade.unwrap(), first);
        }
        assert!(!directory.name_taken("fresh").await.unwrap());
        assert!(directory.person_by_uid("Taken").await.unwrap().is_some());
    })
    .await;
}
