//! Making a project's entries, describing it and deleting it.

use crate::leave::May;
use crate::tree::*;
use osm_core::founding::Part;
use osm_core::ids::{OperationId, ProjectName};
use osm_core::ports::{Directory, DirectoryWrite, Kind, NumberOf, ProjectPart};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn it_is_made_once_and_only_its_maker_takes_it_back() {
    let fill = async |tree: &mut Tree| {
        let bystander = tree.person("bystander", "Bystander").await;
        tree.project("odd", &[&bystander]).await;
    };
    with_tree(fill, |directory| async move {
        let name = ProjectName::trusted("fresh");
        let (by, other) = (
            OperationId::trusted("01BY"),
            OperationId::trusted("01OTHER"),
        );
        let text = "*()\\+\"<>;#= [[x]] ä";
        let entry = Part::Entry {
            description: Some(text.to_owned()),
            roles: vec!["projectadmin".to_owned()],
        };
        for part in [&Part::Group, &entry] {
            let of = |by| ProjectPart {
                project: &name,
                part,
                gid: Some(71_234),
                by: Some(by),
            };
            assert!(directory.make(of(&by), &May(false)).await.is_err());
            for first in [true, false] {
                assert_eq!(directory.make(of(&by), &May(true)).await.unwrap(), first);
            }
            let taken = directory.make(of(&other), &May(true)).await.unwrap_err();
            assert_eq!(taken.kind, Kind::Conflict, "{taken}");
            assert!(!directory.unmake(of(&other), &May(true)).await.unwrap());
        }
        assert!(directory.has_number(NumberOf::Group, 71_234).await.unwrap());
        let made = directory.project(&name).await.unwrap().unwrap();
        assert_eq!(made.description.as_deref(), Some(text));
        assert!(made.members.is_empty());
        assert_eq!(directory.below_project(&made.entry).await.unwrap().len(), 3);
        // Whoever comes from an older sight of it changes nothing.
        let describe = async |before, after| {
            directory
                .describe(&made.entry, before, after, &May(true))
                .await
        };
        assert!(describe(Some(text), Some("new")).await.unwrap());
        assert!(!describe(Some(text), Some("new")).await.unwrap());
        let late = describe(Some(text), Some("other")).await.unwrap_err();
        assert_eq!(late.kind, Kind::Conflict, "{late}");
        assert!(describe(Some("new"), None).await.unwrap());
        for part in [&entry, &Part::Group] {
            let what = ProjectPart {
                project: &name,
                part,
                gid: None,
                by: Some(&by),
            };
            for first in [true, false] {
                assert_eq!(directory.unmake(what, &May(true)).await.unwrap(), first);
            }
        }
        assert!(directory.project(&name).await.unwrap().is_none());
        assert!(!directory.has_number(NumberOf::Group, 71_234).await.unwrap());
        // Its neighbour stands.
        let odd = ProjectName::trusted("odd");
        assert!(directory.project(&odd).await.unwrap().is_some());
    })
    .await;
}
