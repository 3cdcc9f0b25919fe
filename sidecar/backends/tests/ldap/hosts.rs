//! Entries of hosts: what Puppet does with which instance.

use crate::tree::*;
use chrono::{TimeDelta, Utc};
use osm_core::ports::Directory;
use osm_core::puppet::{Host, Hosts};

async fn host(tree: &mut Tree, name: &str, classes: &str, more: &[(&str, Vec<&str>)]) {
    let rdns = format!("dc={name},ou=hosts,");
    let classes = format!("dNSDomain domainRelatedObject {classes}");
    let mut all = vec![("associatedDomain", vec!["web.bots.example"])];
    all.extend(more.iter().cloned());
    tree.add(&rdns, classes.trim(), &all).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_puppet_does_is_read_in_one_search_and_changes_alone() {
    let fill = async |tree: &mut Tree| {
        // As the extension of old wrote them; more than a search gives without paging.
        let says = [
            ("puppetClass", vec!["role::web", "base"]),
            (
                "puppetVar",
                vec!["storage_server=true", "instancecreator_email=v@example.org"],
            ),
        ];
        host(tree, "3f9a", "puppetClient", &says).await;
        host(tree, "192.0.2.7", "", &[]).await;
        for number in 0..600 {
            let says = [("puppetClass", vec!["base"])];
            host(tree, &format!("many-{number}"), "puppetClient", &says).await;
        }
    };
    with_tree(fill, |directory| async move {
        let all = directory.hosts(None).await.unwrap();
        assert_eq!(all.len(), 601);
        let of = |all: Vec<Host>, name: &str| Hosts::new(all).of(&[name.to_owned()]).cloned();
        let says = of(all, "3F9A").unwrap();
        assert_eq!(
            says.classes,
            ["base", "role::web"].map(str::to_owned).into()
        );
        assert_eq!(says.vars, ["storage_server=true"].map(str::to_owned).into());

        let day = TimeDelta::days(1);
        let lately = directory.hosts(Some(Utc::now() - day)).await.unwrap();
        assert_eq!(lately.len(), 601);
        let later = directory.hosts(Some(Utc::now() + day)).await.unwrap();
        assert_eq!(later, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_base_that_is_not_there_is_an_error_and_none_is_no_word() {
    let mut nowhere = config(BASE);
    nowhere.hosts_base = Some(format!("ou=nowhere,{BASE}"));
    let directory = osm_backends::ldap::Ldap::new(nowhere.clone()).unwrap();
    directory.hosts(None).await.unwrap_err();
    nowhere.hosts_base = None;
    let directory = osm_backends::ldap::Ldap::new(nowhere).unwrap();
    assert_eq!(directory.hosts(None).await.unwrap(), []);
}
