//! The copy of the servers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_newest_sight_of_an_instance_stands() {
    with_store(|store| async move {
        let old = instance("web", "bots");
        let mut new = old.clone();
        new.status = "SHUTOFF".to_owned();
        // Notes may come before the first sight.
        store
            .note_creator(&region(), old.id, "Volunteer")
            .await
            .unwrap();
        store.note_reboot(&region(), old.id, at(50)).await.unwrap();
        store.note_reboot(&region(), old.id, at(40)).await.unwrap();
        assert_eq!(store.seen(&region(), old.id).await.unwrap(), None);

        assert_eq!(store.observe(&old, at(1)).await.unwrap(), None);
        assert_eq!(store.observe(&new, at(3)).await.unwrap(), Some(old.clone()));
        assert_eq!(store.observe(&old, at(2)).await.unwrap(), Some(new.clone()));
        let seen = store.seen(&region(), old.id).await.unwrap().unwrap();
        assert_eq!((seen.instance, seen.as_of), (new.clone(), at(3)));
        assert_eq!(seen.last_reboot, Some(at(50)));
        assert_eq!(seen.created_by.as_deref(), Some("Volunteer"));
        assert_eq!(
            store
                .seen(&Region::trusted("Elsewhere"), old.id)
                .await
                .unwrap(),
            None
        );

        // The pages that tell of it are due with it.
        let due = PageDue {
            key: PageKey::Instances,
            by: None,
            by_name: None,
            operation: None,
            what: "seen".to_owned(),
        };
        let told = |old: Option<&Instance>| {
            assert_eq!(old, Some(&new));
            vec![due.clone()]
        };
        assert_eq!(store.backlog().await.unwrap().0, 0);
        let before = store.observe_and_tell(&new, at(3), &told).await.unwrap();
        assert_eq!(before, Some(new.clone()));
        assert_eq!(store.backlog().await.unwrap().0, 1);
        // What Puppet does is noted with the page that tells of it, and taken away as well.
        let puppet = Puppet {
            classes: ["role::web".to_owned()].into(),
            vars: ["a=b".to_owned()].into(),
        };
        for says in [puppet, Puppet::default()] {
            store
                .note_puppet(&region(), old.id, &says, &due)
                .await
                .unwrap();
            let seen = store.seen(&region(), old.id).await.unwrap().unwrap();
            assert_eq!(seen.puppet, says);
        }
        assert_eq!(store.backlog().await.unwrap().0, 1);

        // Seen first by many at once.
        let fresh = instance("db", "bots");
        let sights = join_all((0..10).map(|_| store.observe(&fresh, at(4)))).await;
        assert_eq!(
            sights
                .into_iter()
                .filter(|before| before.as_ref().unwrap().is_none())
                .count(),
            1
        );

        assert_eq!(store.watermark(&region()).await.unwrap(), None);
        store.set_watermark(&region(), at(5)).await.unwrap();
        store.set_watermark(&region(), at(4)).await.unwrap();
        assert_eq!(store.watermark(&region()).await.unwrap(), Some(at(5)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn lists_are_sorted_and_paged() {
    with_store(|store| async move {
        let mut expected = Vec::new();
        for project in ["Tools", "bots", "tools"] {
            for region in ["A", "B"] {
                // The same name twice, names that differ in case or padding only, a name with markup.
                for name in ["web", "web", "Web", "web ", "x]]{{Delete}}<script>", "é"] {
                    let mut server = instance(name, project);
                    server.region = Region::trusted(region);
                    store.observe(&server, at(1)).await.unwrap();
                    expected.push(server);
                }
            }
        }
        let mut gone = instance("gone", "bots");
        gone.deleted = Some(at(1));
        store.observe(&gone, at(1)).await.unwrap();
        let key = |i: &Instance| {
            (
                i.project.to_string(),
                i.region.to_string(),
                i.name.clone(),
                i.id.to_string(),
            )
        };
        expected.sort_by_key(key);

        let pages = async |filter: InstanceFilter| -> Vec<Instance> {
            let mut all = Vec::new();
            let mut filter = filter;
            loop {
                let page = store.list(&filter).await.unwrap();
                let Some(last) = page.last() else { return all };
                filter.after = Some(key(&last.instance));
                all.extend(page.into_iter().map(|seen| seen.instance));
            }
        };
        let live = InstanceFilter {
            limit: 5,
            ..InstanceFilter::default()
        };
        assert_eq!(pages(live.clone()).await, expected);
        let some = InstanceFilter {
            projects: Some(vec![ProjectName::trusted("tools"), bots()]),
            region: Some(Region::trusted("B")),
            ..live.clone()
        };
        let wanted: Vec<_> = expected
            .iter()
            .filter(|i| i.region.as_str() == "B" && i.project.as_str() != "Tools")
            .cloned()
            .collect();
        assert_eq!(pages(some).await, wanted);
        let all = InstanceFilter {
            deleted: true,
            ..live.clone()
        };
        assert_eq!(pages(all).await.len(), expected.len() + 1);
        let called = InstanceFilter {
            name: Some("web".to_owned()),
            ..live.clone()
        };
        let wanted: Vec<_> = expected
            .iter()
            .filter(|i| i.name == "web")
            .cloned()
            .collect();
        assert_eq!(pages(called).await, wanted);
        let none = InstanceFilter {
            projects: Some(Vec::new()),
            ..live
        };
        assert!(pages(none).await.is_empty());
    })
    .await;
}
