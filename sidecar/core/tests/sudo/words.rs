//! What is taken as names, users, commands and options, and what is refused and where.

use crate::*;

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
