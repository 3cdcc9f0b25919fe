//! Sudo rules: what may stand in one, what of one is kept that a form does not show, and how a change is made.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::{EntryUuid, ProjectId, ProjectName, Region};
use osm_core::plan::{Plan, Step, Undo};
use osm_core::project::{ManagedProject, Member, Project};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::sudo::*;

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

fn permit(action: Action) -> Permit {
    let user = WikiUser {
        wiki_user_id: 7,
        rights: ["listall", "manageproject"].map(str::to_owned).into(),
        ..Actor::system().user
    };
    let target = Target::Project(Region::trusted(""), bots());
    let actor = Actor { user, person: None };
    authorise(&Policy::default(), &actor, action, &target).unwrap()
}

/// `attribute=value`, one a line.
fn values(lines: &str) -> Values {
    let mut values = Values::default();
    for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (attribute, value) = line.split_once(": ").unwrap();
        values.put(attribute, Octets::Text(value.to_owned()));
    }
    values
}

fn rule(name: &str, lines: &str) -> Rule {
    let head = format!("objectClass: sudoRole\ncn: {name}\n");
    Rule {
        name: name.to_owned(),
        values: values(&(head + lines)),
    }
}

/// Ann and Bob are members, and somebody whose shell name is everybody's to sudo.
fn facts(rules: &[Rule]) -> SudoFacts {
    let member = |uid: &str| Member {
        entry: EntryUuid::trusted(format!("entry of {uid}")),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        roles: Vec::new(),
    };
    SudoFacts {
        managed: ManagedProject {
            project: Project {
                name: bots(),
                entry: EntryUuid::trusted("entry of bots"),
                description: None,
                members: ["ann", "bob", "ALL", "%wheel", "#0"].map(member).into(),
            },
            project_id: ProjectId::trusted("p1"),
        },
        rules: rules.to_vec(),
    }
}

fn some(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn wanted(users: &[&str], commands: &str) -> Wanted {
    Wanted {
        users: some(users),
        commands: Some(commands.to_owned()),
        ..Wanted::default()
    }
}

fn create(name: &str, wanted: &Wanted) -> Result<Plan, Refusal> {
    plan_create_rule(&permit(Action::SudoCreate), &facts(&[]), name, wanted)
}

fn modify(rule: &Rule, wanted: &Wanted) -> Result<Values, Refusal> {
    let permit = permit(Action::SudoModify);
    let plan = plan_modify_rule(
        &permit,
        &facts(std::slice::from_ref(rule)),
        &rule.name,
        wanted,
    )?;
    Ok(change(&plan).after.unwrap())
}

fn change(plan: &Plan) -> RuleChange {
    let [planned] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    let Step::SetRule { change } = &planned.step else {
        panic!("{plan:?}")
    };
    let step = Box::new(Step::SetRule {
        change: change.clone().reversed(),
    });
    assert_eq!(planned.undo, Undo::Do { step });
    change.clone()
}

fn refused<T: std::fmt::Debug>(said: Result<T, Refusal>) -> (String, String) {
    let no = said.unwrap_err();
    let code = no.code().strip_prefix("openstackmanager-").unwrap();
    (code.to_owned(), no.field.unwrap_or_default())
}

#[test]
fn a_new_rule_says_what_was_asked() {
    let asked = Wanted {
        runas: some(&["ann", "root"]),
        options: Some("env_keep+=LANG\r\n\r\n!lecture\n".to_owned()),
        asks: Some(false),
        ..wanted(
            &["%project-bots", "bob"],
            " /bin/ls -l \n/bin/ls  -l\nALL\n\n",
        )
    };
    let plan = create("web", &asked).unwrap();
    let change = change(&plan);
    assert_eq!(change.before, None);
    let made = rule(
        "web",
        "objectClass: top\nsudoHost: ALL\nsudoUser: %project-bots\nsudoUser: bob\nsudoRunAsUser: ann
         sudoRunAsUser: root\nsudoCommand: /bin/ls -l\nsudoCommand: ALL\nsudoOption: !authenticate
         sudoOption: !lecture\nsudoOption: env_keep+=LANG",
    );
    assert_eq!(change.after, Some(made.values));
    assert_eq!(plan.resource(), "/sudo/bots/web");
    let target = Target::Project(Region::trusted(""), bots());
    assert_eq!((plan.target(), plan.name.as_str()), (target, "web"));
    // Where nothing is said the password is asked for.
    let plan = create("web", &wanted(&["ann"], "ALL")).unwrap();
    let made = self::change(&plan).after.unwrap();
    assert!(made.has(OPTIONS, "authenticate") && made.texts(RUNAS).next().is_none());
}

#[test]
fn what_sudo_would_not_match_is_refused() {
    let long = format!("/bin/{}", "x".repeat(LONGEST));
    let many: Vec<String> = (0..=MOST).map(|n| format!("/bin/{n}")).collect();
    let many = many.join("\n");
    let sha = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let hex = format!("sha224:{}", "0a".repeat(28));
    let digest = format!("{sha} /bin/ls");
    let digests = format!("!{sha}, {hex} /bin/ls -l");
    for (commands, why) in [
        ("/usr/bin/systemctl restart *, x=1:2 \"a b\" \\*", ""),
        ("/usr/bin/", ""),
        ("/bin/ls \"\"", ""),
        ("ALL", ""),
        ("!ALL", ""),
        ("!/bin/su", ""),
        ("sudoedit", ""),
        ("sudoedit /etc/motd", ""),
        ("!sudoedit /etc/shadow", ""),
        ("/opt/a\\ b c\\\\", ""),
        (&digest, ""),
        (&digests, ""),
        ("ls", "sudo-badcommand"),
        ("bin/ls", "sudo-badcommand"),
        ("./ls", "sudo-badcommand"),
        ("~/x", "sudo-badcommand"),
        ("^/bin/.*$", "sudo-badcommand"),
        ("all", "sudo-badcommand"),
        ("ALL x", "sudo-badcommand"),
        ("!!/bin/ls", "sudo-badcommand"),
        ("! /bin/ls", "sudo-badcommand"),
        ("!", "sudo-badcommand"),
        ("NOPASSWD: /bin/ls", "sudo-badcommand"),
        ("/bin/ls\nls", "sudo-badcommand"),
        ("sudoeditor", "sudo-badcommand"),
        ("/bin/ls \\", "sudo-backslash"),
        ("/bin/ls\\\\\\", "sudo-backslash"),
        ("sha256:abc /bin/ls", "sudo-baddigest"),
        (
            "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709 /bin/ls",
            "sudo-baddigest",
        ),
        (sha, "sudo-baddigest"),
        ("sha", "sudo-baddigest"),
        ("/bin/ls\0", "sudo-signs"),
        ("/bin/ls\ta", "sudo-signs"),
        ("/bin/\u{202e}sl", "sudo-signs"),
        ("/bin/ls \u{a0}x", "sudo-signs"),
        ("/bin/lš", "sudo-signs"),
        (&long, "sudo-long"),
        (&many, "sudo-toomany"),
        (&"x".repeat(65536), "sudo-long"),
        ("", "sudo-nocommands"),
        (" \r\n ", "sudo-nocommands"),
    ] {
        let said = create("web", &wanted(&["ann"], commands));
        match why {
            "" => assert!(said.is_ok(), "{commands}: {said:?}"),
            why => {
                let shown = format!("{said:?}");
                assert!(!shown.contains('\u{202e}'), "{commands:?}");
                let no = (why.to_owned(), "commands".to_owned());
                assert_eq!(refused(said), no, "{commands:?}");
            }
        }
    }
}

#[test]
fn names_users_and_options() {
    let good = wanted(&["ann"], "ALL");
    let long = "x".repeat(LONGEST_NAME + 1);
    for (name, why) in [
        ("web", ""),
        ("  web ", ""),
        ("A.b-c_9", ""),
        ("default", ""),
        ("", "sudo-badname"),
        ("-x", "sudo-badname"),
        ("a b", "sudo-badname"),
        ("a,ou=people", "sudo-badname"),
        ("*)(cn=*", "sudo-badname"),
        ("a+cn=b", "sudo-badname"),
        ("a\\2c", "sudo-badname"),
        ("ä", "sudo-badname"),
        ("a\0", "sudo-badname"),
        ("\u{202e}a", "sudo-badname"),
        ("[[x]]", "sudo-badname"),
        (&long, "sudo-badname"),
        ("defaults", "sudo-settingsname"),
        ("DEFAULTS", "sudo-settingsname"),
    ] {
        match why {
            "" => assert_eq!(create(name, &good).unwrap().name, name.trim()),
            why => assert_eq!(refused(create(name, &good)).0, why, "{name:?}"),
        }
    }
    let taken = facts(&[rule("Web", "sudoCommand: ALL")]);
    let said = plan_create_rule(&permit(Action::SudoCreate), &taken, "web", &good).unwrap_err();
    assert_eq!((said.kind, said.status()), (RefusalKind::Conflict, 409));

    for (users, runas, at) in [
        (&["carl"][..], &[][..], "users"),
        (&["ALL"], &[], "users"),
        (&["%wheel"], &[], "users"),
        (&["#0"], &[], "users"),
        (&["root"], &[], "users"),
        (&["%project-tools"], &[], "users"),
        (&["ann", "bob\nbin"], &[], "users"),
        (&["ann"], &["carl"], "runas"),
        (&["ann"], &["#0"], "runas"),
        (&["ann"], &["!root"], "runas"),
    ] {
        let asked = Wanted {
            runas: some(runas),
            ..wanted(users, "ALL")
        };
        let no = ("sudo-notmember".to_owned(), at.to_owned());
        assert_eq!(refused(create("web", &asked)), no, "{users:?} {runas:?}");
    }
    assert_eq!(
        refused(create("web", &wanted(&[], "ALL"))).0,
        "sudo-nousers"
    );

    for (options, why) in [
        (
            "!lecture\nenv_keep-=\"A B\"\ntimestamp_timeout=0\nuse_pty",
            "",
        ),
        ("authenticate", "sudo-askoption"),
        ("!authenticate", "sudo-askoption"),
        ("Lecture", "sudo-badoption"),
        ("=x", "sudo-badoption"),
        ("a=", "sudo-badoption"),
        ("!a=b", "sudo-badoption"),
        ("a b", "sudo-badoption"),
        ("a\u{200b}", "sudo-signs"),
    ] {
        let asked = Wanted {
            options: Some(options.to_owned()),
            ..good.clone()
        };
        match why {
            "" => assert!(create("web", &asked).is_ok(), "{options}"),
            why => {
                let no = (why.to_owned(), "options".to_owned());
                assert_eq!(refused(create("web", &asked)), no, "{options}");
            }
        }
    }
}

/// A rule with all that a form does not show.
const ODD: &str = "objectClass: extensibleObject
    description: by hand
    sudoUser: ann
    sudoUser: carl
    sudoUser: %tools.x
    sudoUser: +netgroup
    sudoUser: #1001
    sudoUser: %#27
    sudoUser: ALL
    sudoUser: !bob
    sudoHost: !web-1
    sudoHost: ALL
    sudoRunAsUser: root
    sudoRunAsUser: #0
    sudoRunAsGroup: adm
    sudoCommand: ls relative
    sudoCommand: /bin/ls
    sudoOption: odd Option
    sudoOption: authenticate
    sudoOrder: 10
    sudoNotBefore: 20260101000000Z
    sudoNotAfter: 20270101000000Z";

#[test]
fn what_a_form_does_not_show_stays() {
    let mut odd = rule("odd", ODD);
    odd.values
        .put("jpegPhoto", Octets::of(vec![0xff, 0xd8, 0x00, 0xfe]));
    odd.values
        .put(COMMANDS, Octets::Text("/bin/two\nlines".to_owned()));
    let all = facts(std::slice::from_ref(&odd));
    assert_eq!(all.shown(&odd, USERS), ["ann"]);
    assert_eq!(all.shown(&odd, RUNAS), ["root"]);
    assert_eq!(all.shown(&odd, COMMANDS), ["/bin/ls", "ls relative"]);
    assert_eq!(all.hidden(&odd, RUNAS), ["#0"]);

    // Sent as it was shown: nothing to do, though not all of it could be written today.
    let same = Wanted {
        runas: some(&["root"]),
        options: Some("odd Option".to_owned()),
        asks: Some(true),
        ..wanted(&["ann"], "ls relative\n/bin/ls")
    };
    assert_eq!(refused(modify(&odd, &same)).0, "sudo-same");

    let other = Wanted {
        runas: some(&["ALL"]),
        options: Some(String::new()),
        asks: Some(false),
        ..wanted(&["%project-bots"], "/bin/cat\nls relative")
    };
    let after = modify(&odd, &other).unwrap();
    let out = values(
        "sudoUser: ann\nsudoRunAsUser: root\nsudoCommand: /bin/ls\nsudoOption: odd Option\nsudoOption: authenticate",
    );
    let new = values(
        "sudoUser: %project-bots\nsudoRunAsUser: ALL\nsudoCommand: /bin/cat\nsudoOption: !authenticate",
    );
    assert_eq!(odd.values.without(&after), out);
    assert_eq!(after.without(&odd.values), new);
    // What is not said at all stays as well; nobody shown is chosen, and others remain.
    let nobody = Wanted {
        users: some(&[]),
        ..Wanted::default()
    };
    let after = modify(&odd, &nobody).unwrap();
    assert_eq!(odd.values.without(&after), values("sudoUser: ann"));
    // Sudo's own default is left unsaid where nobody changes it.
    let plain = rule("plain", "sudoUser: ann\nsudoCommand: ALL");
    let asked = Wanted {
        asks: Some(true),
        ..wanted(&["bob"], "ALL")
    };
    assert!(
        modify(&plain, &asked)
            .unwrap()
            .texts(OPTIONS)
            .next()
            .is_none()
    );
    // Emptied it is not, unless it was empty.
    assert_eq!(refused(modify(&plain, &nobody)).0, "sudo-nousers");
    assert_eq!(
        refused(modify(&plain, &wanted(&["ann"], ""))).0,
        "sudo-nocommands"
    );
    let empty = rule("empty", "sudoCommand: ALL");
    assert!(modify(&empty, &wanted(&[], "/bin/ls")).is_ok());
}

#[test]
fn a_rule_that_has_changed_is_told_by_what_it_is_now() {
    let then = facts(&[rule("web", "sudoUser: ann\nsudoCommand: ALL")]);
    let now = facts(&[rule(
        "web",
        "sudoUser: ann\nsudoUser: bob\nsudoCommand: ALL",
    )]);
    let seen = then.noted(then.rule("web").unwrap());
    let permit = permit(Action::SudoDelete);
    let plan = plan_delete_rule(&permit, &now, "web").unwrap();
    let no = plan.facts.refuse_unless(&seen).unwrap_err();
    assert!(
        format!("{no:?}").contains("sudoUser of web: ann → ann, bob"),
        "{no:?}"
    );
    let plan = plan_delete_rule(&permit, &then, "web").unwrap();
    assert!(plan.facts.refuse_unless(&seen).is_ok());
    for gone in ["", "*", "Web", "x"] {
        let no = plan_delete_rule(&permit, &then, gone).unwrap_err();
        assert_eq!(no.status(), 404, "{gone}");
    }
}

#[test]
fn a_change_meets_what_it_expects_or_is_not_made() {
    let stands = |lines: &str| Some(values(lines));
    let made = |before: Option<Values>, after: Option<Values>| RuleChange {
        project: EntryUuid::trusted("e"),
        rule: "web".to_owned(),
        before,
        after,
    };
    use Judged::{Ahead, Done, Otherwise};
    let (ab, b) = ("sudoUser: a\nsudoUser: b", "sudoUser: b");
    for (before, after, now, judged) in [
        (None, stands(b), None, Ahead),
        (None, stands(b), stands(b), Done),
        (None, stands(b), stands(ab), Otherwise),
        (stands(b), None, stands(b), Ahead),
        (stands(b), None, None, Done),
        (stands(b), None, stands(ab), Otherwise),
        // Taking out: whatever else stands there, and also where all of it is gone.
        (stands(ab), stands(b), stands(ab), Ahead),
        (
            stands(ab),
            stands(b),
            stands("sudoUser: a\nsudoUser: x"),
            Ahead,
        ),
        (stands(ab), stands(b), stands(b), Done),
        (stands(ab), stands(b), None, Done),
        // Putting back where the rule is gone would be half a rule.
        (stands(b), stands(ab), None, Otherwise),
        (stands(b), stands(ab), stands("sudoUser: x"), Ahead),
        // One thing for another: only where the one is there and the other is not.
        (
            stands("sudoUser: a"),
            stands(b),
            stands("sudoUser: a\nsudoHost: h"),
            Ahead,
        ),
        (
            stands("sudoUser: a"),
            stands(b),
            stands("sudoUser: b\nsudoHost: h"),
            Done,
        ),
        (stands("sudoUser: a"), stands(b), stands(ab), Otherwise),
        (
            stands("sudoUser: a"),
            stands(b),
            stands("sudoUser: x"),
            Otherwise,
        ),
        (stands("sudoUser: a"), stands(b), None, Otherwise),
    ] {
        let change = made(before, after);
        assert_eq!(change.judge(now.as_ref()), judged, "{change:?} {now:?}");
        // What is made is made, and can be taken back.
        if judged == Ahead && change.before.is_some() == now.is_some() {
            assert_eq!(change.judge(change.after.as_ref()), Done);
            assert_eq!(
                change.clone().reversed().judge(change.after.as_ref()),
                Ahead
            );
        }
    }
    let long = RuleChange {
        rule: "Ä".repeat(3000),
        ..made(None, None)
    };
    assert!(long.resource(&bots()).len() < 1024);
}
