//! Reading and writing the sudo rules of projects.

use crate::leave::May;
use crate::tree::*;
use ldap3::{Mod, Scope, SearchEntry, dn_escape};
use osm_backends::ldap::Ldap;
use osm_core::ids::ProjectName;
use osm_core::ports::{Directory, DirectoryWrite, Kind, RuleSet};
use osm_core::sudo::{Octets, Rule, RuleChange, Values};
use std::collections::{BTreeMap, BTreeSet, HashSet};

const RULE: &str = "sudoRole extensibleObject";

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

async fn fill(tree: &mut Tree) {
    let ann = tree.person("ann", "Ann").await;
    for project in ["bots", "Tools", "empty"] {
        tree.project(project, &[&ann]).await;
    }
    for project in ["bots", "Tools"] {
        let unit = format!("ou=sudoers,cn={project},ou=projects,");
        tree.add(&unit, "organizationalUnit", &[]).await;
    }
    let attributes = [
        (
            "sudoUser",
            vec!["%project-bots", "ann", "+netgroup", "#0", "!bob"],
        ),
        ("sudoHost", vec!["ALL", "!web-1"]),
        ("sudoCommand", vec!["/bin/ls -l *", "!/bin/su"]),
        ("sudoOption", vec!["!authenticate"]),
        ("sudoRunAsGroup", vec!["adm"]),
        ("sudoOrder", vec!["10"]),
        ("sudoNotBefore", vec!["20260101000000Z"]),
        ("description;lang-de", vec!["Für Bots"]),
        ("mail", vec!["a@b", "c@d"]),
    ];
    for name in ODD {
        let rdns = format!("cn={},ou=sudoers,cn=bots,ou=projects,", dn_escape(name));
        tree.add(&rdns, RULE, &attributes).await;
        let dn = format!("{rdns}{}", tree.base);
        // What is no text.
        let photo = Mod::Add(
            b"jpegPhoto".to_vec(),
            HashSet::from([vec![0xff, 0xd8, 0, 0xfe]]),
        );
        tree.admin
            .modify(&dn, vec![photo])
            .await
            .unwrap()
            .success()
            .unwrap();
    }
    let rdns = "cn=web,ou=sudoers,cn=Tools,ou=projects,";
    tree.add(rdns, "sudoRole", &[("sudoUser", vec!["ann"])])
        .await;
    // Elsewhere, and so no rule of a project's.
    tree.add("cn=stray,cn=bots,ou=projects,", "sudoRole", &[])
        .await;
}

async fn rules(directory: &Ldap, of: &str) -> BTreeMap<String, Values> {
    let of = ProjectName::trusted(of);
    let mut found = directory.sudo_rules(Some(&of)).await.unwrap();
    let rules = found.remove(&of).unwrap_or_default();
    assert!(found.is_empty(), "{found:?}");
    rules
        .into_iter()
        .map(|Rule { name, values }| (name, values))
        .collect()
}

/// All attributes of an entry, as the server has them, but those that it writes itself.
async fn raw(dn: &str) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut admin = admin().await;
    let found = admin
        .search(dn, Scope::Base, "(objectClass=*)", vec!["*"])
        .await;
    let Ok((mut entries, _)) = found.unwrap().success() else {
        return BTreeMap::new();
    };
    let entry = SearchEntry::construct(entries.remove(0));
    let texts = entry.attrs.into_iter().map(|(kind, values)| {
        let values = values.into_iter().map(String::into_bytes);
        (kind, values.collect())
    });
    let binary = entry.bin_attrs.into_iter();
    let binary = binary.map(|(kind, values)| (kind, values.into_iter().collect()));
    texts.chain(binary).collect()
}

async fn change(
    directory: &Ldap,
    of: &str,
    rule: &str,
    before: Option<&Values>,
    after: Option<&Values>,
) -> RuleChange {
    let of = ProjectName::trusted(of);
    RuleChange {
        project: directory.project(&of).await.unwrap().unwrap().entry,
        rule: rule.to_owned(),
        before: before.cloned(),
        after: after.cloned(),
    }
}

async fn done(directory: &Ldap, change: &RuleChange) {
    let late = directory.set_rule(change, &May(false)).await;
    assert_eq!(late.unwrap_err().kind, Kind::Conflict);
    for expected in [RuleSet::Done, RuleSet::Already] {
        let said = directory.set_rule(change, &May(true)).await.unwrap();
        assert_eq!(said, expected, "{change:?}");
    }
}

fn with(values: &Values, attribute: &str, value: &str) -> Values {
    let mut values = values.clone();
    values.put(attribute, Octets::Text(value.to_owned()));
    values
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn rules_are_read_whole_and_of_whose_project_they_are() {
    with_tree(fill, |directory| async move {
        let bots = rules(&directory, "bots").await;
        let names: BTreeSet<&str> = bots.keys().map(String::as_str).collect();
        assert_eq!(names, ODD.into());
        let photo = Octets::of(vec![0xff, 0xd8, 0, 0xfe]);
        for values in bots.values() {
            assert!(values.has("sudouser", "!bob") && values.has("mail", "c@d"));
            assert!(values.has("description;lang-de", "Für Bots"));
            assert!(values.0["jpegphoto"].contains(&photo));
            let own = ["entryuuid", "entrycsn", "createtimestamp"];
            assert!(!own.iter().any(|kind| values.0.contains_key(*kind)));
        }
        for (project, count) in [("Tools", 1), ("tools", 0), ("empty", 0), ("none", 0)] {
            assert_eq!(rules(&directory, project).await.len(), count, "{project}");
        }
        let all = directory.sudo_rules(None).await.unwrap();
        let counts = all.iter().map(|(name, rules)| (name.as_str(), rules.len()));
        assert_eq!(
            counts.collect::<Vec<_>>(),
            [("Tools", 1), ("bots", ODD.len())]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_is_taken_back_is_as_it_was_to_the_octet() {
    below(fill, |directory, base| async move {
        for name in ODD {
            let dn = format!(
                "cn={},ou=sudoers,cn=bots,ou=projects,{base}",
                dn_escape(name)
            );
            let (before, values) = (
                raw(&dn).await,
                rules(&directory, "bots").await[name].clone(),
            );
            let deleted = change(&directory, "bots", name, Some(&values), None).await;
            done(&directory, &deleted).await;
            assert_eq!(raw(&dn).await, BTreeMap::new(), "{name}");
            done(&directory, &deleted.reversed()).await;
            assert_eq!(raw(&dn).await, before, "{name}");

            let other = with(
                &values.less("sudocommand", "!/bin/su"),
                "sudocommand",
                "ALL",
            );
            let other = other.less("sudoorder", "10");
            let changed = change(&directory, "bots", name, Some(&values), Some(&other)).await;
            done(&directory, &changed).await;
            assert_eq!(rules(&directory, "bots").await[name], other, "{name}");
            done(&directory, &changed.reversed()).await;
            assert_eq!(raw(&dn).await, before, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_somebody_else_writes_meanwhile_is_not_lost() {
    below(fill, |directory, base| async move {
        let seen = rules(&directory, "Tools").await["web"].clone();
        let dn = format!("cn=web,ou=sudoers,cn=Tools,ou=projects,{base}");
        let mut other = admin().await;
        let mut theirs = async |what: Mod<&str>| {
            other
                .modify(&dn, vec![what])
                .await
                .unwrap()
                .success()
                .unwrap();
        };
        let one = |value| HashSet::from([value]);

        theirs(Mod::Add("sudoUser", one("bob"))).await;
        // What is added beside theirs is; a rule that is not as seen is not deleted, nor made.
        let after = with(&seen, "sudoCommand", "/bin/ls");
        let added = change(&directory, "Tools", "web", Some(&seen), Some(&after)).await;
        done(&directory, &added).await;
        let now = with(&after, "sudoUser", "bob");
        assert_eq!(rules(&directory, "Tools").await["web"], now);
        for (before, after) in [(Some(&seen), None), (None, Some(&seen))] {
            let whole = change(&directory, "Tools", "web", before, after).await;
            let said = directory.set_rule(&whole, &May(true)).await.unwrap();
            assert_eq!(said, RuleSet::Otherwise(Some(now.clone())));
        }
        // One thing for another where the one has gone.
        theirs(Mod::Delete("sudoCommand", one("/bin/ls"))).await;
        let now = now.less("sudocommand", "/bin/ls");
        let other_command = with(&seen, "sudoCommand", "/bin/cat");
        let late = change(
            &directory,
            "Tools",
            "web",
            Some(&after),
            Some(&other_command),
        )
        .await;
        let said = directory.set_rule(&late, &May(true)).await.unwrap();
        assert_eq!(said, RuleSet::Otherwise(Some(now.clone())));
        assert_eq!(rules(&directory, "Tools").await["web"], now);
        // The last user goes, and the rule stays.
        let nobody = now.less("sudouser", "ann").less("sudouser", "bob");
        let emptied = change(&directory, "Tools", "web", Some(&now), Some(&nobody)).await;
        done(&directory, &emptied).await;
        assert_eq!(rules(&directory, "Tools").await["web"], nobody);
        done(&directory, &emptied.reversed()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_rule_is_made_where_there_was_no_place_for_any() {
    with_tree(fill, |directory| async move {
        let mut values = Values::default();
        for (kind, value) in [
            ("objectClass", "top"),
            ("objectClass", "sudoRole"),
            ("cn", "web"),
            ("sudoUser", "ann"),
            ("sudoCommand", "ALL"),
        ] {
            values.put(kind, Octets::Text(value.to_owned()));
        }
        for project in ["empty", "bots"] {
            let made = change(&directory, project, "web", None, Some(&values)).await;
            done(&directory, &made).await;
            assert_eq!(rules(&directory, project).await["web"], values);
            done(&directory, &made.reversed()).await;
        }
        // What the schema does not take is said, and nothing is there.
        let bad = with(&values, "sudoCommand", "/bin/lš");
        let made = change(&directory, "bots", "web", None, Some(&bad)).await;
        let no = directory.set_rule(&made, &May(true)).await.unwrap_err();
        assert_eq!(no.kind, Kind::Rejected, "{no}");
        let gone = RuleChange {
            project: osm_core::ids::EntryUuid::trusted("00000000-0000-0000-0000-000000000000"),
            ..made
        };
        let no = directory.set_rule(&gone, &May(true)).await.unwrap_err();
        assert_eq!(no.kind, Kind::NotFound, "{no}");
        assert_eq!(
            directory
                .set_rule(&gone.reversed(), &May(true))
                .await
                .unwrap(),
            RuleSet::Already
        );
        assert!(
            !directory.sudo_rules(Some(&bots())).await.unwrap()[&bots()]
                .iter()
                .any(|r| r.name == "web")
        );
    })
    .await;
}
