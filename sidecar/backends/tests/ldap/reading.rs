//! Reading people, projects and roles.

use crate::tree::*;
use osm_backends::ldap::{Ldap, LdapConfig};
use osm_backends::secret::Secret;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::ports::{Directory, Kind};
use osm_core::project::Project;
use std::collections::{BTreeMap, BTreeSet};
use tokio::net::{TcpListener, TcpStream};

/// Project → uid → roles.
fn members(projects: &[Project]) -> BTreeMap<&str, BTreeMap<&str, &[String]>> {
    projects
        .iter()
        .map(|project| {
            let people = project.members.iter();
            let people = people.map(|m| (m.uid.as_str(), m.roles.as_slice()));
            (project.name.as_str(), people.collect())
        })
        .collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_demo_as_it_stands() {
    let directory = demo();
    directory.ping().await.unwrap();
    let operator = directory.person_by_uid("operator").await.unwrap().unwrap();
    assert_eq!(
        (operator.uid.as_str(), operator.cn.as_str()),
        ("operator", "Operator")
    );
    let admin = names(&["projectadmin"]);
    let roles: BTreeMap<_, _> = operator
        .projects
        .iter()
        .map(|(p, r)| (p.as_str(), r))
        .collect();
    assert_eq!(roles, BTreeMap::from([("bots", &admin), ("tools", &admin)]));

    let volunteer = directory.person_by_cn("Volunteer").await.unwrap().unwrap();
    let bots = ProjectName::parse("bots").unwrap();
    assert_eq!(
        volunteer.projects,
        BTreeMap::from([(bots.clone(), BTreeSet::new())])
    );
    let again = directory.person(&volunteer.entry).await.unwrap();
    assert_eq!(again, Some(volunteer.clone()));
    let outsider = directory.person_by_uid("outsider").await.unwrap().unwrap();
    assert!(outsider.projects.is_empty());

    let projects = directory.projects().await.unwrap();
    let found = members(&projects);
    assert_eq!(found["bots"]["volunteer"], [] as [String; 0]);
    assert_eq!(found["bots"]["operator"], ["projectadmin"]);
    assert_eq!(found["tools"].keys().collect::<Vec<_>>(), [&"operator"]);
    let one = directory.project(&bots).await.unwrap().unwrap();
    assert!(projects.contains(&one));
    assert_eq!(
        one.description.as_deref(),
        Some("Bots that look after articles")
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn only_the_very_name_is_the_name() {
    let directory = demo();
    for uid in [
        "Volunteer",
        "VOLUNTEER",
        " volunteer",
        "volunteer ",
        "vol*",
        "*",
        "",
        "volunteer)(uid=*",
    ] {
        assert_eq!(directory.person_by_uid(uid).await.unwrap(), None, "{uid:?}");
        assert_eq!(directory.prove(uid, "x").await.unwrap(), None, "{uid:?}");
    }
    for cn in [
        "volunteer",
        "VOLUNTEER",
        "Volunteer_",
        "Völunteer",
        "Volun teer",
        "",
    ] {
        assert_eq!(directory.person_by_cn(cn).await.unwrap(), None, "{cn:?}");
    }
    for id in ["", "*", "no-uuid", "00000000-0000-0000-0000-000000000000"] {
        let id = EntryUuid::trusted(id);
        assert_eq!(directory.person(&id).await.unwrap(), None, "{id}");
    }
    let capital = ProjectName::parse("Bots").unwrap();
    assert_eq!(directory.project(&capital).await.unwrap(), None);
    // The service account is no person, though it is in each project.
    assert_eq!(
        directory.person_by_cn("openstackmanager").await.unwrap(),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_password_is_proven() {
    let directory = demo();
    let volunteer = directory.person_by_uid("volunteer").await.unwrap().unwrap();
    let right = secret("ldap-volunteer");
    let proven = directory.prove("volunteer", right.expose()).await.unwrap();
    assert_eq!(proven, Some(volunteer.entry));
    let of_another = secret("ldap-outsider");
    for wrong in ["", "wrong", "\0", of_another.expose()] {
        assert_eq!(directory.prove("volunteer", wrong).await.unwrap(), None);
    }
    assert_eq!(
        directory.prove("nobody", right.expose()).await.unwrap(),
        None
    );
    // The bind of a person has not become the bind of the service.
    assert_eq!(
        directory.projects().await.unwrap().len(),
        demo().projects().await.unwrap().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn odd_names_are_names() {
    let fill = async |tree: &mut Tree| {
        let mut people = Vec::new();
        for (number, odd) in ODD.iter().enumerate() {
            // Capitals and spaces in a member's DN are the server's business, and ours.
            let dn = tree.person(odd, &format!("{odd} {number}")).await;
            people.push(dn.replace("ou=people,", "OU=People, "));
        }
        let people: Vec<_> = people.iter().map(String::as_str).collect();
        tree.project("odd", &people).await;
        tree.role("odd", "projectadmin", &people[..2]).await;
        // None of these is a project that we can manage.
        for name in ["i-3f9a2c1e", "a.b", "a b", "a/b", "ü", r#"*()\,+"<>;#=x"#] {
            tree.project(name, &people[..1]).await;
        }
        // A group deeper down is no project, and its role none of a project.
        let inner = [("cn", vec!["inner"]), ("member", vec![people[0]])];
        tree.add("cn=inner,cn=odd,ou=projects,", "groupOfNames", &inner)
            .await;
        let role = [("cn", vec!["netadmin"]), ("roleOccupant", vec![people[0]])];
        tree.add(
            "cn=netadmin,cn=inner,cn=odd,ou=projects,",
            "organizationalRole",
            &role,
        )
        .await;
        // A role without membership, a member who is nobody, two people of one name.
        tree.project("other", &[&format!("uid=gone,ou=people,{BASE}")])
            .await;
        tree.role("other", "projectadmin", &people[..1]).await;
        tree.person("twin-a", "Twin").await;
        tree.person("twin-b", "Twin").await;
    };
    with_tree(fill, |directory| async move {
        let projects = directory.projects().await.unwrap();
        let found = members(&projects);
        assert_eq!(found.keys().collect::<Vec<_>>(), [&"odd", &"other"]);
        assert!(found["other"].is_empty());
        let odd = directory
            .project(&ProjectName::parse("odd").unwrap())
            .await
            .unwrap();
        assert_eq!(odd.as_ref(), Some(&projects[0]));
        for (number, uid) in ODD.iter().enumerate() {
            let admin = number < 2;
            let roles = if admin {
                names(&["projectadmin"])
            } else {
                BTreeSet::new()
            };
            let person = directory.person_by_uid(uid).await.unwrap().expect(uid);
            let expected = BTreeMap::from([(ProjectName::parse("odd").unwrap(), roles.clone())]);
            assert_eq!(person.projects, expected, "{uid}");
            assert_eq!(
                directory.person(&person.entry).await.unwrap(),
                Some(person.clone())
            );
            assert_eq!(
                directory.person_by_cn(&person.cn).await.unwrap(),
                Some(person.clone())
            );
            assert_eq!(found["odd"][uid].len(), roles.len(), "{uid}");
            let proven = directory
                .prove(uid, &format!("password of {uid}"))
                .await
                .unwrap();
            assert_eq!(proven, Some(person.entry), "{uid}");
        }
        assert_eq!(directory.person_by_uid("two spaces").await.unwrap(), None);
        assert_eq!(directory.person_by_cn("Twin").await.unwrap(), None);
        assert!(directory.person_by_uid("twin-a").await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn more_than_a_server_gives_at_once() {
    const MANY: usize = 600;
    let fill = async |tree: &mut Tree| {
        let mut people = Vec::new();
        for number in 0..MANY {
            people.push(
                tree.person(&format!("p{number}"), &format!("P {number}"))
                    .await,
            );
        }
        let people: Vec<_> = people.iter().map(String::as_str).collect();
        tree.project("crowd", &people).await;
    };
    with_tree(fill, |directory| async move {
        let crowd = ProjectName::parse("crowd").unwrap();
        let all = directory.projects().await.unwrap();
        assert_eq!(all[0].members.len(), MANY);
        assert_eq!(
            directory.project(&crowd).await.unwrap().as_ref(),
            Some(&all[0])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_lost_connection_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let config = LdapConfig {
        url: format!("ldap://{proxy}"),
        ..config(BASE)
    };
    let directory = Ldap::new(config).unwrap();
    let slapd = url().replace("ldap://", "");
    let serve = async |listener: &TcpListener| {
        let (mut here, _) = listener.accept().await.unwrap();
        let mut there = TcpStream::connect(&slapd).await.unwrap();
        tokio::io::copy_bidirectional(&mut here, &mut there)
            .await
            .ok();
    };
    // Dropping the proxy's side cuts the connection, with nobody saying goodbye.
    for _ in 0..3 {
        tokio::select! {
            () = serve(&listener) => panic!("the directory gave its connection up"),
            alive = directory.ping() => alive.unwrap(),
        }
    }
    drop(listener);
    assert_eq!(directory.ping().await.unwrap_err().kind, Kind::Unavailable);
    let listener = TcpListener::bind(proxy).await.unwrap();
    tokio::select! {
        () = serve(&listener) => panic!("the directory gave its connection up"),
        alive = directory.ping() => alive.unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let directory = Ldap::new(LdapConfig {
        url: format!("ldap://{}", silent.local_addr().unwrap()),
        bind_dn: MANAGER.to_owned(),
        password: Secret::new("password"),
        people_base: BASE.to_owned(),
        projects_base: BASE.to_owned(),
        groups_base: BASE.to_owned(),
        hosts_base: None,
        newcomers: None,
        hidden_vars: BTreeSet::new(),
        starttls: false,
    });
    let refused = directory.unwrap().projects().await.unwrap_err();
    assert_eq!(refused.kind, Kind::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn trouble_says_what_to_do_and_shows_no_password() {
    let kind_and_text = async |config: LdapConfig| {
        let shown = format!("{config:?}");
        let directory = Ldap::new(config).unwrap();
        let error = directory.projects().await.unwrap_err();
        assert_eq!(error.system, "ldap");
        (
            error.kind,
            format!("{error} {error:?} {shown} {directory:?}"),
        )
    };
    let wrong = LdapConfig {
        password: Secret::new("wrong-password"),
        ..config(BASE)
    };
    let (kind, text) = kind_and_text(wrong).await;
    assert_eq!(kind, Kind::Denied);
    assert!(
        text.contains("bind_dn") && !text.contains("wrong-password"),
        "{text}"
    );
    let (kind, _) = kind_and_text(LdapConfig {
        url: "ldap://127.0.0.1:1".to_owned(),
        ..config(BASE)
    })
    .await;
    assert_eq!(kind, Kind::Unavailable);
    let (kind, text) = kind_and_text(config(&format!("ou=nowhere,{BASE}"))).await;
    assert_eq!(
        kind,
        Kind::Rejected,
        "a missing base is not a missing project"
    );
    assert!(text.contains("compare the bases"), "{text}");

    let nobody = LdapConfig {
        password: Secret::new("\n"),
        ..config(BASE)
    };
    assert_eq!(Ldap::new(nobody).unwrap_err().kind, Kind::Rejected);
    let no_base = LdapConfig {
        people_base: "people".to_owned(),
        ..config(BASE)
    };
    assert_eq!(Ldap::new(no_base).unwrap_err().kind, Kind::Rejected);
}
