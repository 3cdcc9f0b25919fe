use super::log::{combined, insert, leads_to, line, struck_out, title};
use super::scan::scan;
use crate::log::links::Linker;
use crate::log::{Entry, LogName, NewEntry};
use chrono::DateTime;
use proptest::prelude::*;

const CATEGORY: &str = "Server admin logs";

pub(super) fn entry(seq: u64, at: &str, nick: &str, message: &str) -> Entry {
    Entry {
        seq,
        said: NewEntry {
            log: LogName::trusted("bots"),
            key: seq.to_string(),
            at: DateTime::parse_from_rfc3339(at).unwrap().to_utc(),
            nick: nick.to_owned(),
            by: None,
            source: "irc:lab/#cloud".to_owned(),
            undoes: None,
            message: message.to_owned(),
        },
        revision: None,
    }
}

fn put(old: &str, entries: &[Entry]) -> String {
    insert(old, entries, &Linker::default(), CATEGORY)
}

#[test]
fn titles() {
    for (name, wanted) in [
        ("bots", "Nova Resource:Bots/SAL"),
        ("tools.wikibugs", "Nova Resource:Tools.wikibugs/SAL"),
        ("deployment-prep", "Nova Resource:Deployment-prep/SAL"),
    ] {
        assert_eq!(title(&LogName::trusted(name)), wanted);
    }
}

#[test]
fn newest_first_a_heading_a_day() {
    let one = entry(1, "2026-11-26T23:59:59Z", "ada", "first");
    let two = entry(2, "2026-11-27T00:00:00+00:00", "ada", "second");
    let three = entry(3, "2026-11-27T12:30:00+02:00", "bob", "third");
    let page = put("", &[one.clone(), two.clone(), three.clone()]);
    assert_eq!(
        page,
        "=== 2026-11-27 ===\n* 10:30 bob: third\n* 00:00 ada: second\n\n=== 2026-11-26 ===\n* 23:59 ada: first\n\
         <noinclude>[[Category:Server admin logs]]</noinclude>"
    );
    // The same one by one.
    let alone = put(&put(&put("", &[one]), &[two]), &[three]);
    assert_eq!(alone, page);
    let late = entry(4, "2026-11-28T08:00:00Z", "ada", "later");
    assert!(
        put(&page, &[late])
            .starts_with("=== 2026-11-28 ===\n* 08:00 ada: later\n\n=== 2026-11-27 ===")
    );
}

#[test]
fn what_people_did_stays() {
    let new = [entry(1, "2026-11-27T10:00:00Z", "ada", "new")];
    for (old, wanted) in [
        // An introduction, and no day yet.
        (
            "Read [[Help:SAL]] first.",
            "Read [[Help:SAL]] first.\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n",
        ),
        (
            "Intro\n<noinclude>[[Category:SAL]]</noinclude>\n",
            "Intro\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n\n<noinclude>[[Category:SAL]]</noinclude>\n",
        ),
        // A heading written otherwise, at the end of the page, with a comment, with prose below.
        ("===2026-11-27===", "===2026-11-27===\n* 10:00 ada: new\n"),
        (
            "=== 2026-11-27 === \n\nSee below\n* 09:00 ada: old",
            "=== 2026-11-27 === \n* 10:00 ada: new\n\nSee below\n* 09:00 ada: old",
        ),
        (
            "=== 2026-11-27 === <!-- a holiday -->\n* 09:00 x: y\n",
            "=== 2026-11-27 === <!-- a holiday -->\n* 10:00 ada: new\n* 09:00 x: y\n",
        ),
        // Days out of order: before the first that is older.
        (
            "=== 2026-11-28 ===\n* a\n=== 2026-11-20 ===\n* b\n=== 2026-11-25 ===\n* c\n",
            "=== 2026-11-28 ===\n* a\n=== 2026-11-27 ===\n* 10:00 ada: new\n\n=== 2026-11-20 ===\n* b\n=== 2026-11-25 ===\n* c\n",
        ),
        // No headings: in hiding, of another level, no day.
        (
            "<nowiki>\n=== 2026-11-27 ===\n</nowiki>",
            "<nowiki>\n=== 2026-11-27 ===\n</nowiki>\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n",
        ),
        (
            "==== 2026-11-27 ====",
            "==== 2026-11-27 ====\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n",
        ),
        (
            "=== 2026-11-31 ===\n",
            "=== 2026-11-31 ===\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n",
        ),
        (
            "=== 2026-11-27 === <!-- never\nclosed -->",
            "=== 2026-11-27 === <!-- never\nclosed -->\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n",
        ),
        // What is not closed would swallow it.
        (
            "Intro\n<!-- to do",
            "Intro\n\n=== 2026-11-27 ===\n* 10:00 ada: new\n\n<!-- to do",
        ),
        (
            "<includeonly>x",
            "=== 2026-11-27 ===\n* 10:00 ada: new\n\n<includeonly>x",
        ),
        (
            "#REDIRECT [[Main Page]]",
            "=== 2026-11-27 ===\n* 10:00 ada: new\n\n#REDIRECT [[Main Page]]",
        ),
    ] {
        assert_eq!(put(old, &new), wanted, "{old:?}");
    }
    // A page that was blanked begins anew, category and all.
    assert_eq!(put(" \n", &new), put("", &new));
}

#[test]
fn redirects_within_the_namespace_are_followed() {
    for (page, wanted) in [
        (
            "#REDIRECT [[Nova Resource:Robots/SAL]]",
            Some("Nova Resource:Robots/SAL"),
        ),
        (
            " #redirect : [[:nova_Resource:robots/SAL#x|y]] z",
            Some("Nova Resource:Robots/SAL"),
        ),
        (
            "#Redirect:[[Nova_Resource:robots/SAL|y]]\nrest",
            Some("Nova Resource:Robots/SAL"),
        ),
        ("#REDIRECT [[Main Page]]", None),
        ("#REDIRECT", None),
        ("x #REDIRECT [[Nova Resource:A]]", None),
        ("", None),
    ] {
        assert_eq!(leads_to(page).as_deref(), wanted, "{page}");
    }
}

#[test]
fn everything_typed_shows_as_text() {
    for message in [
        "{{Delete}}",
        "}} | ]]",
        "[[Category:X]]",
        "[[File:A.png]]",
        "~~~~",
        "~~~~~",
        "<nowiki>",
        "</nowiki>",
        "<includeonly>x</includeonly>",
        "</noinclude>",
        "<onlyinclude>",
        "<!-- x",
        "-->",
        "<script>alert(1)</script>",
        "<b onclick=x>",
        "__NOTOC__",
        "__NOINDEX__",
        "{{{1|}}}",
        "{{subst:x}}",
        "{{CURRENTUSER}}",
        "-{H|a}-",
        "''it''",
        "https://spam.example/",
        "mailto:a@b.example",
        "RFC 1",
        "ISBN 1234567890",
        "PMID 1",
        "&lt;b&gt;",
        "&#123;&#123;",
        "=== 2026-11-27 ===",
        "* x",
        "# x",
        ": x",
        "; x : y",
        "---- x",
        "{| x",
        "|}",
        "|- x",
        "!! x",
        "<ref>x</ref>",
        "[http://x y]",
        "\u{7f}'\"`UNIQ-nowiki-1-QINU`\"'\u{7f}",
        "{{!}}",
        "[[a|b]]",
        "#REDIRECT [[X]]",
    ] {
        let page = put("", &[entry(1, "2026-11-27T10:00:00Z", message, message)]);
        let ours = page.lines().nth(1).unwrap();
        let rest = ours.strip_prefix("* 10:00 ").unwrap();
        let (nick, said) = rest.split_once(": ").unwrap();
        for text in [nick, said] {
            assert!(
                !text.replace("&#", "").contains([
                    '<', '>', '{', '}', '[', ']', '|', '~', '_', '\'', '=', '"', '*', '!', ':',
                    '\u{7f}'
                ]),
                "{message}: {text}"
            );
            assert!(
                !text.contains("RFC 1") && !text.contains("ISBN 1") && !text.contains("PMID 1"),
                "{text}"
            );
            let loose = text.match_indices('&').any(|(at, _)| {
                let rest = &text[at..];
                !rest.starts_with("&#") || rest.find(';').is_none()
            });
            assert!(!loose, "{text}");
        }
        assert_eq!(page.lines().count(), 3, "{page}");
    }
}

#[test]
fn what_is_taken_back_is_struck_out() {
    let old = entry(1, "2026-11-27T10:00:00Z", "ada", "a {{typo}}");
    let page = put("", std::slice::from_ref(&old));
    let struck = struck_out(&page, &old, &Linker::default());
    assert_eq!(
        struck.lines().nth(1),
        Some("* 10:00 <del>ada: a &#123;&#123;typo&#125;&#125;</del>")
    );
    assert_eq!(struck.replace("<del>", "").replace("</del>", ""), page);
    // Changed by people, or hidden, it is left alone; and it is struck out once.
    for other in [
        page.replace("typo", "word"),
        format!("<!--\n{page}"),
        struck,
    ] {
        assert_eq!(struck_out(&other, &old, &Linker::default()), other);
    }
}

#[test]
fn the_combined_page_shows_the_latest_first() {
    let logs = [("tools.wikibugs", 300), ("big", 300), ("bots", 100)];
    let logs = logs.map(|(log, length)| (LogName::trusted(log), length * 1000));
    let page = combined("About.\n", &logs);
    let (shown, below) = (
        "{{Nova Resource/log|Nova Resource:Tools.wikibugs/SAL|tools.wikibugs}}\n\
         {{Nova Resource/log|Nova Resource:Bots/SAL|bots}}\n",
        "|Resource Type=server admin logs\n|Long Logs=[[Nova Resource:Big/SAL|big]]\n}}\n",
    );
    assert!(page.contains(&format!("{below}{shown}<!--")), "{page}");
    // As it was written before: within the call.
    let before = page.replace(
        &format!("\n}}}}\n{shown}"),
        &format!("\n|Log List=\n{shown}}}}}\n"),
    );
    assert_ne!(before, page);
    assert_eq!(combined(&before, &logs), page);
    // Fewer, and with words of somebody's between them.
    let words = page.replace("\n{{Nova Resource/log|", "\nWords.\n{{Nova Resource/log|");
    let fewer = combined(&words, &logs[2..]);
    assert!(fewer.contains("Words.\nWords.\n"), "{fewer}");
    assert_eq!(fewer.matches("{{Nova Resource/log|").count(), 1);
    assert!(page.contains("About.\n"));
    assert_eq!(combined(&page, &logs), page);
    // The marks gone: ours is known by its form, and does not come twice.
    let unmarked: String = page
        .lines()
        .filter(|l| !l.starts_with("<!--"))
        .map(|l| format!("{l}\n"))
        .collect();
    for unmarked in [unmarked, before.replace("<!-- O", "<!-- o")] {
        let page = combined(&unmarked, &logs);
        assert_eq!(page.matches("{{Nova Resource/log|").count(), 2, "{page}");
    }
}

#[test]
fn an_entry_of_a_wiki_user() {
    let mut own = entry(1, "2026-11-27T10:00:00Z", "ada", "x");
    own.said.by = Some((7, "Ada Lovelace".to_owned()));
    assert_eq!(
        line(&own, &Linker::default()),
        "* 10:00 [[User:Ada Lovelace|ada]]: x"
    );
    own.said.by = Some((7, "A]]{{x".to_owned()));
    assert_eq!(line(&own, &Linker::default()), "* 10:00 ada: x");
}

/// Pieces of which people's pages are made up, and what breaks them.
fn page() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "=== 2026-11-27 ===",
        "=== 2026-11-26 ===",
        "===2026-11-28===",
        "==== 2026-11-27 ====",
        "== x ==",
        "* 09:00 a: b",
        "\n",
        "\n",
        "\n",
        "\n\n",
        " ",
        "<!--",
        "-->",
        "<nowiki>",
        "</nowiki>",
        "<pre>",
        "</pre>",
        "<includeonly>",
        "</includeonly>",
        "<noinclude>[[Category:X]]</noinclude>",
        "[[category:y]]",
        "#REDIRECT [[A]]",
        "{{",
        "}}",
        "é",
        "<noinclude>",
        "</noinclude>",
        "<syntaxhighlight>",
        "text",
        "<!-- x -->",
        "\r\n",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_byte_stays_and_every_entry_is_seen(old in page(), hour in 0..24_u32, again in any::<bool>()) {
        let at = format!("2026-11-27T{hour:02}:00:00Z");
        let new = [entry(1, &at, "ada", "unique text")];
        let page = put(&old, &new);
        let ours = format!("* {hour:02}:00 ada: unique text");
        let begin = page.find(&ours).unwrap();
        // At a line's beginning and end, and read as wikitext.
        prop_assert!(begin == 0 || page[..begin].ends_with('\n'));
        prop_assert!(page[begin + ours.len()..].starts_with('\n'));
        prop_assert!(!scan(&page).hides(&(begin..begin + ours.len())), "{page:?}");
        // Something was put in at one place, and nothing else was changed.
        let front = old.bytes().zip(page.bytes()).take_while(|(a, b)| a == b).count();
        let back = old.bytes().rev().zip(page.bytes().rev()).take_while(|(a, b)| a == b).count();
        prop_assert!(old.trim().is_empty() || front + back >= old.len(), "{old:?} {page:?}");
        // Below a heading of its day: nothing but what we know stands between.
        let above = page[..begin].lines().last().unwrap_or_default();
        prop_assert!(above.starts_with("=== 2026-11-27 ==="), "{page:?}");
        if again && page.matches("2026-11-27 ===").count() == 1 {
            let twice = put(&page, &[entry(2, &at, "bob", "another")]);
            let next = format!("* {hour:02}:00 bob: another\n{ours}");
            prop_assert!(twice.contains(&next), "{twice:?}");
        }
    }
}
