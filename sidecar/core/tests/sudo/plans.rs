//! What of a rule is kept that a form does not show, and how a change is made.

use crate::*;

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
