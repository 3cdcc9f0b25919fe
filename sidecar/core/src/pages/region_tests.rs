//! Whatever people do to a page: their words stay, once; there is one region; a second merge changes nothing.
//!
//! A hundred thousand pages are composed; `COMPOSITIONS=1000000 cargo test -p osm-core region` for more of it.

use super::region::{BEGIN, END, is_sound, merge, new_page, remove};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

fn machine(version: u32) -> String {
    let name = if version.is_multiple_of(2) {
        "web"
    } else {
        "x]<!---->]{<!---->{Delete}<!---->}"
    };
    let mut text = format!(
        "{{{{Nova Resource\n|Resource Type=instance\n|Instance Name={name}\n|RAM Size={version}"
    );
    if version.is_multiple_of(3) {
        text.push_str("\n|Instance List=\n* [[Nova Resource:I-3f9a2c1e|web]] (RegionOne)");
    }
    if version.is_multiple_of(2) {
        text.push_str(
            "\n|Project List=\n<tr class=\"nova-row\"><td>[[Nova Resource:Bots|bots]]</td><td>a &#61; b</td></tr>",
        );
    }
    if version.is_multiple_of(5) {
        let hash = "0f".repeat(32);
        text.push_str(&format!("\n|Anchor List=\n* 2026-11-24 {version} {hash}"));
    }
    text.push_str("\n}}");
    text
}

/// What people write; `@` becomes a word of its own.
const FRAGMENTS: [&str; 15] = [
    "@",
    "@ and\n\n@",
    "== @ ==",
    "* @\n* [[Nova Resource:I-11111111|@]] is ours",
    "<table>\n<tr><td>[[Nova Resource:Bots|@]]</td></tr></table>",
    "{| class=wikitable\n! @\n|-\n| @ || @\n|}",
    "{{Infobox\n| name = @\n| note = {{@}}\n}}",
    "{{Nova Resource|Project=@}}",
    "<nowiki>@</nowiki>",
    "<pre>\n|project=@\n}}\n</pre>",
    "@ <!-- @ --> @",
    "<syntaxhighlight lang=\"python\">\n@ = 1 < 2\n</syntaxhighlight>",
    "{{@}}",
    "@ ist grün – 漢字 🙂",
    "|@",
];

/// What people leave behind by mistake.
const LITTER: [&str; 16] = [
    BEGIN,
    END,
    "<!-- OpenStackManager: begin -->",
    "<!-- OpenStackManager: end",
    "<nowiki>",
    "</nowiki>",
    "<pre>",
    "<includeonly>",
    "</includeonly>",
    "<!--",
    "-->",
    "{{",
    "}}",
    "{{Nova Resource",
    "|Project=bots\n",
    "<nowi",
];

#[derive(Clone, Debug)]
enum Deed {
    /// Writes a fragment between two lines.
    Write(usize, u16),
    /// Leaves litter in the middle of anything.
    Litter(usize, u16),
    /// Takes out a line.
    Cut(u16),
    /// Copies lines elsewhere.
    Copy(u16, u16, u16),
    /// Moves lines elsewhere.
    Move(u16, u16, u16),
    /// Puts lines between two tags.
    Wrap(u16, u16, usize),
    /// Takes out a mark.
    Unmark(bool),
}

const TAGS: [(&str, &str); 5] = [
    ("<nowiki>", "</nowiki>"),
    ("<gallery>", "</gallery>"),
    ("<pre>", "</pre>"),
    ("<!--", "-->"),
    ("{{Box|\n", "\n}}"),
];

fn deed() -> impl Strategy<Value = Deed> {
    let n = any::<u16>;
    prop_oneof![
        6 => (0..FRAGMENTS.len(), n()).prop_map(|(f, at)| Deed::Write(f, at)),
        3 => (0..LITTER.len(), n()).prop_map(|(l, at)| Deed::Litter(l, at)),
        2 => n().prop_map(Deed::Cut),
        2 => (n(), n(), n()).prop_map(|(a, b, to)| Deed::Copy(a, b, to)),
        3 => (n(), n(), n()).prop_map(|(a, b, to)| Deed::Move(a, b, to)),
        2 => (n(), n(), 0..TAGS.len()).prop_map(|(a, b, t)| Deed::Wrap(a, b, t)),
        2 => any::<bool>().prop_map(Deed::Unmark),
    ]
}

/// A word is counted whole.
fn within_word(page: &str, at: usize) -> bool {
    let (before, after) = page.split_at(at);
    let letter = |c: char| c.is_ascii_alphanumeric();
    before.ends_with(letter) && after.starts_with(letter)
}

/// Each `@` becomes a word that is nowhere else.
fn said(fragment: &str, words: &mut u32) -> String {
    let mut out = String::new();
    for (index, part) in fragment.split('@').enumerate() {
        if index > 0 {
            *words += 1;
            out.push_str(&format!("word{words}s"));
        }
        out.push_str(part);
    }
    out
}

fn apply(page: &str, deed: &Deed, words: &mut u32) -> String {
    let mut lines: Vec<String> = page.split('\n').map(str::to_owned).collect();
    let line = |n: u16| usize::from(n) % lines.len();
    let span = |a: u16, b: u16| (line(a).min(line(b)), line(a).max(line(b)) + 1);
    match *deed {
        Deed::Write(fragment, at) => {
            let at = usize::from(at) % (lines.len() + 1);
            lines.insert(at, said(FRAGMENTS[fragment], words));
        }
        Deed::Litter(litter, at) => {
            let places: Vec<usize> = (0..=page.len())
                .filter(|i| page.is_char_boundary(*i) && !within_word(page, *i))
                .collect();
            let at = places[usize::from(at) % places.len()];
            return format!("{}{}{}", &page[..at], LITTER[litter], &page[at..]);
        }
        Deed::Cut(at) => {
            lines.remove(line(at));
        }
        Deed::Copy(a, b, to) => {
            // Words are copied as new ones, so that they can be counted.
            let (from, until) = span(a, b);
            let to = line(to);
            let copy: Vec<String> = lines[from..until]
                .iter()
                .map(|l| renamed(l, words))
                .collect();
            lines.splice(to..to, copy);
        }
        Deed::Move(a, b, to) => {
            let (from, until) = span(a, b);
            let moved: Vec<String> = lines.drain(from..until).collect();
            let to = usize::from(to) % (lines.len() + 1);
            lines.splice(to..to, moved);
        }
        Deed::Wrap(a, b, tag) => {
            let (from, until) = span(a, b);
            lines[from].insert_str(0, TAGS[tag].0);
            lines[until - 1].push_str(TAGS[tag].1);
        }
        Deed::Unmark(begin) => return page.replacen(if begin { BEGIN } else { END }, "", 1),
    }
    lines.join("\n")
}

fn renamed(line: &str, words: &mut u32) -> String {
    let mut fragment = line.to_owned();
    for word in words_of(line) {
        fragment = fragment.replace(&word, "@");
    }
    said(&fragment, words)
}

fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| w.starts_with("word") && w.ends_with('s'))
        .map(str::to_owned)
        .collect();
    words.sort();
    words
}

/// How many pages are to be composed after people's edits, where somebody asks for so many.
fn compositions() -> Option<u32> {
    std::env::var("COMPOSITIONS").ok()?.parse().ok()
}

/// Two a case, in the mean.
fn cases() -> u32 {
    compositions().unwrap_or(100_000) / 2
}

/// The same pages each time, so that whoever changed something else need not wonder; others where somebody asks.
fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: match compositions() {
            Some(_) => RngSeed::Random,
            None => RngSeed::Fixed(2011),
        },
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(cases()))]

    #[test]
    fn nothing_that_people_do_loses_their_words(
        first in prop_oneof![Just(None), (0..FRAGMENTS.len()).prop_map(Some)],
        sessions in prop::collection::vec(prop::collection::vec(deed(), 0..6), 1..4),
    ) {
        let mut words = 0;
        let mut page = match first {
            None => new_page(&machine(0)),
            Some(fragment) => merge(&said(FRAGMENTS[fragment], &mut words), &machine(0)),
        };
        for (version, deeds) in (1..).zip(&sessions) {
            for deed in deeds {
                page = apply(&page, deed, &mut words);
            }
            let before = words_of(&page);
            let merged = merge(&page, &machine(version));
            prop_assert_eq!(&words_of(&merged), &before, "words of\n{}\nbecame\n{}", page, merged);
            prop_assert!(is_sound(&merged, &machine(version)), "not sound:\n{}\nfrom\n{}", merged, page);
            prop_assert_eq!(&merge(&merged, &machine(version)), &merged, "from\n{}", page);
            prop_assert_eq!(words_of(&remove(&page)), before, "removed from\n{}", page);
            page = merged;
        }
    }

}

proptest! {
    #![proptest_config(config(cases() / 25))]

    #[test]
    fn outside_every_byte_stays(before in "[a-z=*|{}<>! \n]{0,40}", after in "[a-z=*|{}<>! \n]{0,40}") {
        let page = |version| format!("{before}{BEGIN}\n{}\n{END}{after}", machine(version));
        // A comment or a quote that swallows the marks is another case.
        prop_assume!(is_sound(&page(1), &machine(1)));
        prop_assert_eq!(merge(&page(1), &machine(2)), page(2));
    }
}

/// Cases by hand: what a person did, and what the page is after.
#[test]
fn by_hand() {
    let m = "{{Nova Resource\n|Resource Type=instance\n}}";
    let ours = format!("{BEGIN}\n{m}\n{END}");
    let old = "{{Nova Resource\n|Resource Type=old\n|Gone=1\n}}";
    let stale = format!("{BEGIN}\n{old}\n{END}");
    for (what, page, wanted) in [
        ("new", String::new(), ours.clone()),
        (
            "there without a region",
            "Words".to_owned(),
            format!("{ours}\nWords"),
        ),
        (
            "as we left it",
            format!("A\n{stale}\nB"),
            format!("A\n{ours}\nB"),
        ),
        (
            "in the middle of a line",
            format!("A {stale} B"),
            format!("A {ours} B"),
        ),
        (
            "words between the marks",
            format!("{BEGIN}\n{{{{Nova Resource\nWords\n|Gone=1\n}}}}\nmore\n\nwords\n{END}\nB"),
            format!("{ours}\nWords\nmore\n\nwords\nB"),
        ),
        (
            "words on the call's first line",
            format!(
                "A\n{BEGIN}\n{{{{Nova Resource my words\n|Resource Type=old\n|Gone=1\n}}}}\n{END}\nB"
            ),
            format!("A\n{ours}\nmy words\nB"),
        ),
        (
            "a slash ends no tag's name",
            format!("<pre/x>\n{stale}\n</pre>"),
            format!("<pre/x>\n{ours}\n</pre>"),
        ),
        (
            "somebody's own call between the marks",
            format!("{BEGIN}\n{old}\n{{{{Infobox\n|Project=theirs\n}}}}\n{END}"),
            format!("{ours}\n{{{{Infobox\n|Project=theirs\n}}}}"),
        ),
        (
            "somebody's own call within ours",
            format!(
                "{BEGIN}\n{{{{Nova Resource\n{{{{Infobox\n|Project=theirs\n}}}}\n|Gone=1\n}}}}\n{END}"
            ),
            format!("{ours}\n{{{{Infobox\n|Project=theirs\n}}}}"),
        ),
        (
            "end removed",
            format!("A\n{BEGIN}\n{old}\nB"),
            format!("A\n{ours}\nB"),
        ),
        (
            "begin removed",
            format!("A\n{old}\n{END}\nB"),
            format!("A\n{ours}\nB"),
        ),
        (
            "both removed",
            format!("A\n{old}\nB"),
            format!("A\n{ours}\nB"),
        ),
        (
            "doubled",
            format!("{stale}\nA\n{stale}\nB"),
            format!("{ours}\nA\nB"),
        ),
        (
            "nested",
            format!("{BEGIN}\n{stale}\nA\n{END}\nB"),
            format!("{ours}\nA\nB"),
        ),
        (
            "the wrong way round",
            format!("{END}\n{old}\n{BEGIN}\nB"),
            format!("{ours}\nB"),
        ),
        (
            "end moved below words",
            format!("{BEGIN}\n{old}\nA\n== B ==\nC\n{END}"),
            format!("{ours}\nA\n== B ==\nC"),
        ),
        (
            "head of the call gone",
            format!("A\n|Gone=1\n}}}}\n{END}\nB"),
            format!("A\n{ours}\nB"),
        ),
        (
            "end moved below somebody's own call",
            format!("{{{{Infobox\n|Project=theirs\n}}}}\n{END}"),
            format!("{{{{Infobox\n|Project=theirs\n}}}}\n{ours}"),
        ),
        (
            "quoted",
            format!("<nowiki>{stale}</nowiki>\nA"),
            format!("{ours}\n<nowiki>{stale}</nowiki>\nA"),
        ),
        (
            "quoted, and there",
            format!("<pre>{stale}</pre>\n{stale}\nA"),
            format!("<pre>{stale}</pre>\n{ours}\nA"),
        ),
        (
            "a call of our template by hand",
            "{{Nova Resource|Project=x}}".to_owned(),
            format!("{ours}\n{{{{Nova Resource|Project=x}}}}"),
        ),
    ] {
        let merged = merge(&page, m);
        assert_eq!(merged, wanted, "{what}");
        assert_eq!(merge(&merged, m), merged, "{what}, again");
    }
}

/// Long pages made to be slow: a merge that took the square of their length would not end in a minute.
#[test]
fn long_pages_end() {
    let m = machine(1);
    for piece in [
        "<nowiki>",
        "<pre ",
        "</nowiki",
        "<!--",
        BEGIN,
        END,
        "{{\n",
        "{{Nova Resource\n",
        "<",
    ] {
        let long = piece.repeat(300_000 / piece.len());
        for page in [long.clone(), format!("{BEGIN}\n{long}\n{END}")] {
            assert!(merge(&page, &m).contains(&m));
        }
    }
}
