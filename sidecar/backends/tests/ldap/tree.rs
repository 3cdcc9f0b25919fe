//! The lab's slapd, and trees of our own in it.

use ldap3::{Ldap as Handle, LdapConnAsync, Scope, SearchEntry, dn_escape};
use osm_backends::ldap::{Ldap, LdapConfig, Newcomers};
use osm_backends::secret::Secret;
use std::collections::HashSet;
use std::path::PathBuf;
use uuid::Uuid;

pub const BASE: &str = "dc=cloud,dc=example";
pub const MANAGER: &str = "cn=openstackmanager,ou=services,dc=cloud,dc=example";

pub fn url() -> String {
    std::env::var("LAB_LDAP_URL").expect("LAB_LDAP_URL, from `tests/lab/lab env`")
}

pub fn secret(name: &str) -> Secret {
    let lab = std::env::var("LAB_DIR").expect("LAB_DIR, from `tests/lab/lab env`");
    let file = PathBuf::from(lab).join("secrets").join(name);
    Secret::new(std::fs::read_to_string(file).expect("the lab's secret"))
}

/// The tree below a DN.
pub fn config(base: &str) -> LdapConfig {
    LdapConfig {
        url: url(),
        bind_dn: MANAGER.to_owned(),
        password: secret("ldap-openstackmanager"),
        people_base: format!("ou=people,{base}"),
        projects_base: format!("ou=projects,{base}"),
        groups_base: format!("ou=groups,{base}"),
        hosts_base: Some(format!("ou=hosts,{base}")),
        newcomers: Some(Newcomers {
            gid: 500,
            home: "/home/%u".to_owned(),
            shell: "/bin/bash".to_owned(),
        }),
        hidden_vars: ["instancecreator_email".to_owned()].into(),
        starttls: false,
    }
}

pub fn demo() -> Ldap {
    Ldap::new(config(BASE)).unwrap()
}

/// A tree of our own beside the demo's, made and taken away as the directory's admin.
pub struct Tree {
    pub admin: Handle,
    pub base: String,
}

/// Names that mean something to a DN or a filter.
pub const ODD: [&str; 8] = [
    r#"*()\,+"<>;#=x"#,
    "#lead",
    "under_score",
    "Ümläut Ñame",
    "two  spaces",
    "a=b,ou=projects",
    "line\nbreak",
    "é🐢",
];

/// A connection of an account's.
pub async fn bound(dn: &str, password: &Secret) -> Handle {
    let (connection, mut handle) = LdapConnAsync::new(&url()).await.unwrap();
    tokio::spawn(connection.drive());
    let bound = handle.simple_bind(dn, password.expose()).await;
    bound.unwrap().success().unwrap();
    handle
}

pub async fn admin() -> Handle {
    bound(&format!("cn=admin,{BASE}"), &secret("ldap-admin")).await
}

impl Tree {
    pub async fn new() -> Self {
        let base = format!("ou=test-{},{BASE}", Uuid::new_v4().simple());
        let admin = admin().await;
        let mut tree = Self { admin, base };
        tree.add("", "organizationalUnit", &[]).await;
        for ou in ["people", "projects", "groups", "hosts"] {
            tree.add(&format!("ou={ou},"), "organizationalUnit", &[])
                .await;
        }
        tree
    }

    pub fn directory(&self) -> Ldap {
        Ldap::new(config(&self.base)).unwrap()
    }

    /// The entry's own attribute is left to the server, which takes it from the DN.
    pub async fn add(&mut self, rdns: &str, classes: &str, attributes: &[(&str, Vec<&str>)]) {
        let dn = format!("{rdns}{}", self.base);
        let mut all = vec![("objectClass", HashSet::from_iter(classes.split(' ')))];
        for (kind, values) in attributes.iter().filter(|(_, values)| !values.is_empty()) {
            all.push((kind, values.iter().copied().collect()));
        }
        let added = self.admin.add(&dn, all).await.unwrap();
        added.success().unwrap_or_else(|why| panic!("{dn}: {why}"));
    }

    /// Gives back the person's DN.
    pub async fn person(&mut self, uid: &str, cn: &str) -> String {
        let rdns = format!("uid={},ou=people,", dn_escape(uid));
        let password = format!("password of {uid}");
        let attributes = [
            ("uid", vec![uid]),
            ("cn", vec![cn]),
            ("sn", vec![cn]),
            ("userPassword", vec![password.as_str()]),
        ];
        self.add(&rdns, "person inetOrgPerson", &attributes).await;
        format!("{rdns}{}", self.base)
    }

    pub async fn project(&mut self, name: &str, members: &[&str]) {
        let rdns = format!("cn={},ou=projects,", dn_escape(name));
        let mut all = vec![MANAGER];
        all.extend(members);
        let attributes = [("cn", vec![name]), ("member", all)];
        self.add(&rdns, "groupOfNames", &attributes).await;
    }

    pub async fn role(&mut self, project: &str, role: &str, occupants: &[&str]) {
        let rdns = format!("cn={role},cn={project},ou=projects,");
        let attributes = [("cn", vec![role]), ("roleOccupant", occupants.to_vec())];
        self.add(&rdns, "organizationalRole", &attributes).await;
    }

    /// The posix group of a project.
    pub async fn group(&mut self, project: &str, members: &[&str]) {
        let name = format!("project-{project}");
        let mut all = vec![MANAGER];
        all.extend(members);
        let attributes = [
            ("cn", vec![name.as_str()]),
            ("gidNumber", vec!["4001"]),
            ("member", all),
        ];
        let rdns = format!("cn={name},ou=groups,");
        self.add(&rdns, "posixGroup groupOfNames", &attributes)
            .await;
    }

    async fn remove(mut self) {
        let control = ldap3::adapters::PagedResults::new(500);
        let mut stream = self
            .admin
            .streaming_search_with(
                control,
                &self.base,
                Scope::Subtree,
                "(objectClass=*)",
                vec!["1.1"],
            )
            .await
            .unwrap();
        let mut dns = Vec::new();
        while let Some(entry) = stream.next().await.unwrap() {
            dns.push(SearchEntry::construct(entry).dn);
        }
        stream.finish().await.success().unwrap();
        // Children come after their parents.
        for dn in dns.iter().rev() {
            self.admin.delete(dn).await.unwrap().success().unwrap();
        }
    }
}

/// Runs a test in a tree of its own, which is taken away even where the test fails.
pub async fn with_tree<F>(fill: impl AsyncFnOnce(&mut Tree), test: impl FnOnce(Ldap) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    below(fill, |directory, _| test(directory)).await;
}

/// The same for tests that ask where the tree is.
pub async fn below<F>(fill: impl AsyncFnOnce(&mut Tree), test: impl FnOnce(Ldap, String) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tree = Tree::new().await;
    fill(&mut tree).await;
    let outcome = tokio::spawn(test(tree.directory(), tree.base.clone())).await;
    tree.remove().await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}
