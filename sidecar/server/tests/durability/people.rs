//! People of the test's own in the lab's LDAP, their places in the project `bots`, and their keys.

use crate::asked::caller;
use crate::keypairs::with_keypair;
use crate::world::{World, lab};
use ldap3::{LdapConnAsync, Scope, SearchEntry};
use openstackmanager::faults::Points;
use osm_core::accounts::{AccountFacts, Newcomers, plan_create_account};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{PROJECTADMIN, Policy, Target, authorise, authorise_own};
use osm_core::ids::ProjectName;
use osm_core::keys::{Key, KeyFacts, plan_add_key, plan_remove_key};
use osm_core::membership::{Grant, Place};
use osm_core::plan::Plan;
use osm_core::ports::{Directory as _, OperationState};
use osm_core::project::{ManagedProject, Member, Project};
use osm_core::suspension::{plan_reinstate, plan_suspend};
use std::collections::{BTreeMap, HashSet};

pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxIGT0cRUoSYtnk51TnKt/9EzfjLedV2HDBSNJJSFcl test";
/// LDAP's word for an entry that is there already.
const ENTRY_ALREADY_EXISTS: u32 = 68;

/// Of a call that gives somebody a role in `bots` or takes it away.
pub fn role_params<'p>(word: &'p str, uid: &'p str) -> [(&'p str, &'p str); 4] {
    let (project, role) = (("projectname", "bots"), ("rolename", PROJECTADMIN));
    [("subaction", word), project, role, ("members", uid)]
}

/// Of a call that makes a project with one person in it.
pub fn founding<'p>(name: &'p str, uid: &'p str) -> [(&'p str, &'p str); 4] {
    let about = ("description", "Made for a test");
    [
        ("subaction", "create"),
        ("projectname", name),
        about,
        ("member", uid),
    ]
}

impl World {
    /// The name of a project of the test's own.
    pub fn project_name(&self, name: &str) -> String {
        format!("{}-p{name}", self.prefix)
    }

    /// A project of the test's own, which is there.
    pub async fn has_project(&self, name: &str) -> String {
        let (name, uid) = (self.project_name(name), self.person("founder").await);
        let known = ProjectName::trusted(name.as_str());
        if self.directory.project(&known).await.unwrap().is_none() {
            self.done("novaproject", &founding(&name, &uid)).await;
        }
        name
    }

    /// Takes the test's own projects out of the world.
    pub async fn remove_projects(&self) {
        for project in self.directory.projects().await.unwrap() {
            if project.name.as_str().starts_with(&self.prefix) {
                let name = ("projectname", project.name.as_str());
                self.done("novaproject", &[("subaction", "delete"), name])
                    .await;
            }
        }
    }

    /// A person whom nobody else knows: the shell name.
    pub async fn person(&self, name: &str) -> String {
        let uid = format!("{}-{name}", self.prefix);
        let dn = format!("uid={uid},{}", self.config.ldap.people_base);
        let one = |value: &str| HashSet::from([value.to_owned()]);
        let attributes = vec![
            ("objectClass".to_owned(), one("inetOrgPerson")),
            ("uid".to_owned(), one(&uid)),
            ("cn".to_owned(), one(&uid)),
            ("sn".to_owned(), one(&uid)),
        ];
        let mut admin = self.ldap_admin().await;
        let added = admin.add(&dn, attributes).await.unwrap();
        assert!([0, ENTRY_ALREADY_EXISTS].contains(&added.rc), "{added:?}");
        admin.unbind().await.unwrap();
        uid
    }

    /// Whether somebody is in `bots`.
    pub async fn is_member(&self, uid: &str) -> bool {
        let bots = self.bots().await;
        bots.members.iter().any(|m| m.uid == uid)
    }

    /// Has somebody in `bots`, or not.
    pub async fn has_member(&self, uid: &str, wanted: bool) {
        if self.is_member(uid).await == wanted {
            return;
        }
        let (word, field) = match wanted {
            true => ("addmember", "member"),
            false => ("deletemember", "members"),
        };
        let params = [("subaction", word), ("projectname", "bots"), (field, uid)];
        self.done("novaproject", &params).await;
    }

    /// Has a member of `bots` administer it, or not.
    pub async fn has_role(&self, uid: &str, wanted: bool) {
        let bots = self.bots().await;
        let holds = |m: &Member| m.uid == uid && m.holds(PROJECTADMIN);
        if bots.members.iter().any(holds) != wanted {
            let word = if wanted { "addmember" } else { "deletemember" };
            self.done("novarole", &role_params(word, uid)).await;
        }
    }

    /// A plan for somebody who is blocked on the wiki, and administers `bots` before; or who is not any more.
    pub async fn block_plan(&self, action: Action, name: String) -> Plan {
        let uid = self.person(&name).await;
        let blocked = action == Action::PersonSuspend;
        self.has_member(&uid, blocked).await;
        if blocked {
            self.has_role(&uid, true).await;
        }
        let person = self.directory.person_by_uid(&uid).await.unwrap().unwrap();
        let managed = ManagedProject {
            project: self.bots().await,
            project_id: self.project_id.clone(),
        };
        let role = PROJECTADMIN.to_owned();
        let cloud = Place::Cloud {
            role: self.config.keystone.member_role.clone(),
        };
        let places = [Place::Project, Place::Group, cloud, Place::Role { role }];
        let places = places.map(|place| Grant::of(&person, &managed.project, place));
        let target = Target::Person(managed.project.name.clone(), person.entry);
        let permit = authorise_own(&Policy::default(), action, &target).unwrap();
        match blocked {
            true => plan_suspend(&permit, &managed, &places, "Operator").unwrap(),
            false => plan_reinstate(&permit, &managed, &places, "Operator").unwrap(),
        }
    }

    async fn done(&self, module: &str, params: &[(&str, &str)]) {
        let plan = self.planned(module, params).await;
        let id = self.submit(plan).await;
        self.run(Points::default()).await;
        let over = self.operation(&id).await;
        assert_eq!(over.state, OperationState::Done, "{params:?}: {over:?}");
    }

    /// A plan for a key of a person of the test's own, who has it first, or has it not.
    pub async fn key_plan(&self, action: Action, name: String) -> Plan {
        let uid = self.person(&name).await;
        let person = self.directory.person_by_uid(&uid).await.unwrap().unwrap();
        let plan = async |action| {
            let actor = Actor {
                user: caller(1, false).user,
                person: Some(person.clone()),
            };
            let held = self.directory.keys(&person.entry).await.unwrap().unwrap();
            let person = person.clone();
            let there = !held.is_empty();
            let keypairs = self.keypairs(&person).await;
            let facts = KeyFacts {
                person,
                held,
                keypairs,
            };
            let target = Target::Own(facts.person.entry.clone());
            let permit = authorise(&Policy::default(), &actor, action, &target).unwrap();
            let key = Key::pasted(KEY).unwrap();
            match action {
                Action::KeyAdd => (there, plan_add_key(&permit, &facts, &key)),
                _ => (there, plan_remove_key(&permit, &facts, &key.fingerprint)),
            }
        };
        let (there, planned) = plan(action).await;
        if there == (action == Action::KeyRemove) {
            return with_keypair(planned.unwrap().plan);
        }
        let other = match action {
            Action::KeyAdd => Action::KeyRemove,
            _ => Action::KeyAdd,
        };
        let id = self.submit(plan(other).await.1.unwrap().plan).await;
        self.run(Points::default()).await;
        let over = self.operation(&id).await;
        assert_eq!(over.state, OperationState::Done, "{other}: {over:?}");
        with_keypair(plan(action).await.1.unwrap().plan)
    }

    /// A plan for a shell account that nobody has, of a wiki user whom nobody knows.
    pub async fn account_plan(&self, name: String) -> Plan {
        // Short enough for a shell name, and with it a user's id beyond all that the wiki has.
        let hash = (self.prefix.bytes().chain(name.bytes()))
            .fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
        let asked = format!("{}-{hash:x}", self.prefix);
        let mut user = caller(1, false).user;
        user.wiki_user_id = (1 << 40) + u64::from(hash);
        user.name = asked.clone();
        user.rights.insert("loginviashell".to_owned());
        let target = Target::User(user.wiki_user_id);
        let actor = Actor { user, person: None };
        let policy = Policy {
            accounts: true,
            ..Policy::default()
        };
        let permit = authorise(&policy, &actor, Action::AccountCreate, &target).unwrap();
        let facts = AccountFacts {
            asked,
            taken: false,
            namesake: false,
            rule: Newcomers::default(),
            now: chrono::Utc::now(),
        };
        plan_create_account(&permit, &facts).unwrap()
    }

    /// The places of the test's own people.
    pub async fn list_people(&self, listing: &mut BTreeMap<String, String>) {
        let bots = self.bots().await;
        for member in &bots.members {
            if member.uid.starts_with(&self.prefix) {
                let roles = format!("{:?}", member.roles);
                listing.insert(format!("member {}", member.uid), roles);
            }
        }
        for uid in self.people().await {
            let person = self.directory.person_by_uid(&uid).await.unwrap().unwrap();
            let in_group = Grant::of(&person, &bots, Place::Group);
            let in_group = self.directory.holds(&in_group).await.unwrap();
            listing.insert(format!("group {uid}"), format!("{in_group:?}"));
            let keys = self.directory.keys(&person.entry).await.unwrap();
            listing.insert(format!("keys of {uid}"), format!("{keys:?}"));
            let keypairs = self.keypairs(&person).await;
            listing.insert(format!("keypairs of {uid}"), format!("{keypairs:?}"));
        }
    }

    /// Takes the test's own people out of the project, and out of the world.
    pub async fn remove_people(&self) {
        for uid in self.people().await {
            self.has_member(&uid, false).await;
            let mut admin = self.ldap_admin().await;
            let dn = format!("uid={uid},{}", self.config.ldap.people_base);
            admin.delete(&dn).await.unwrap().success().unwrap();
            admin.unbind().await.unwrap();
        }
    }

    /// Shell names of the test's own people.
    pub async fn people(&self) -> Vec<String> {
        let mut admin = self.ldap_admin().await;
        let filter = format!("(uid={}-*)", self.prefix);
        let base = &self.config.ldap.people_base;
        let found = admin
            .search(base, Scope::Subtree, &filter, vec!["uid"])
            .await
            .unwrap();
        let (entries, _) = found.success().unwrap();
        admin.unbind().await.unwrap();
        let entries = entries.into_iter().map(SearchEntry::construct);
        entries.map(|entry| entry.attrs["uid"][0].clone()).collect()
    }

    async fn bots(&self) -> Project {
        let name = ProjectName::trusted("bots");
        self.directory.project(&name).await.unwrap().unwrap()
    }

    async fn ldap_admin(&self) -> ldap3::Ldap {
        let password = std::fs::read_to_string(lab().join("secrets/ldap-admin")).unwrap();
        let url = self.config.ldap.url.as_str();
        let (connection, mut admin) = LdapConnAsync::new(url).await.unwrap();
        tokio::spawn(async move { connection.drive().await });
        let base = self.config.ldap.people_base.split_once(',').unwrap().1;
        let bound = admin
            .simple_bind(&format!("cn=admin,{base}"), password.trim_end())
            .await;
        bound.unwrap().success().unwrap();
        admin
    }
}
