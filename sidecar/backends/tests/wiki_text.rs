//! The encoders against MediaWiki's own parser: whatever a value holds shows as text, and `#set` gets it.
//!
//! Needs the lab as `wiki.rs` does, with the templates pushed, and its recorder of `#set` (a lab without Semantic
//! MediaWiki has it).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use osm_backends::wiki::{Wiki, WikiConfig};
use osm_core::pages::encode;
use osm_core::ports::{Edit, EditAs, Edited, WikiRead, WikiWrite};
use osm_core::signing::Keys;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use url::Url;
use uuid::Uuid;

const NASTY: [&str; 44] = [
    "{{",
    "}}",
    "{{{",
    "}}}",
    "[[",
    "]]",
    "|",
    "=",
    "''",
    "'''",
    "~~~",
    "~~~~",
    "<",
    ">",
    "&",
    "&#44;",
    "&amp;",
    "<nowiki>",
    "</nowiki>",
    "<!--",
    "-->",
    "-{",
    "}-",
    "__NOTOC__",
    "[[Category:Pwned]]",
    "{{Delete}}",
    "{{subst:x}}",
    "<script>",
    "https://evil.example/x",
    "[https://evil.example x]",
    "ISBN 0306406152",
    "RFC 9421",
    "PMID 1",
    "*",
    "#",
    ":",
    ";",
    "::",
    "{|",
    "|}",
    "ä漢🙂",
    "\"",
    " ",
    "<noinclude>",
];

/// The same strings in each run: a linear congruential generator.
fn strings(count: usize) -> Vec<String> {
    let mut state: u64 = 20_261_123;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..count)
        .map(|_| {
            let length = 1 + next(7);
            let text: String = (0..length).map(|_| NASTY[next(NASTY.len())]).collect();
            format!("x{text}")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .chain(NASTY.iter().map(|n| n.trim().to_owned()))
        .filter(|text| !text.is_empty())
        .collect()
}

async fn parse(text: &str) -> Value {
    let form = [
        ("action", "parse"),
        ("format", "json"),
        ("formatversion", "2"),
        (
            "prop",
            "text|categories|templates|externallinks|links|properties",
        ),
        ("contentmodel", "wikitext"),
        ("title", "Nova Resource:Text"),
        ("pst", "1"),
        ("text", text),
    ];
    let reply = post(&form).await;
    assert!(reply.get("parse").is_some(), "{reply}");
    reply["parse"].clone()
}

fn api_url() -> Url {
    let wiki = std::env::var("LAB_WIKI_URL").expect("LAB_WIKI_URL=http://host:port/");
    Url::parse(&wiki).unwrap().join("api.php").unwrap()
}

async fn post(form: &[(&str, &str)]) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.post(api_url()).form(form).send().await.unwrap();
    response.json().await.unwrap()
}

/// As Semantic MediaWiki decodes what it stores, and a browser what it shows.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, tail) = after.split_once(';').expect(text);
        let c = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "#160" => ' ',
            _ => char::from_u32(name.strip_prefix('#').expect(text).parse().expect(text)).unwrap(),
        };
        out.push(c);
        rest = tail;
    }
    out + rest
}

fn without_tags(html: &str) -> String {
    let mut out = String::new();
    for part in html.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    decoded(&out)
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn arguments_are_text_and_reach_set_letter_by_letter() {
    for some in strings(400).chunks(40) {
        let calls: Vec<String> = some
            .iter()
            .map(|s| {
                let value = encode::argument(s);
                format!("{{{{Nova Resource\n|Resource Type=project\n|Description={value}\n}}}}")
            })
            .collect();
        let page = parse(&calls.join("\n\n")).await;
        let html = page["text"].as_str().unwrap();
        let shown: Vec<String> = html
            .split("Description</th>")
            .skip(1)
            .map(|row| without_tags(row.split_once("</td>").unwrap().0))
            .collect();
        assert_eq!(shown, some);

        if let Some(record) = page["properties"]["setrecorder"].as_str() {
            let record: Vec<(String, String)> = serde_json::from_str(record).unwrap();
            let set: Vec<String> = record
                .into_iter()
                .filter(|(name, _)| name == "Description")
                .map(|(_, value)| decoded(&value))
                .collect();
            assert_eq!(set, some);
        }
        let names = |list: &str, name: &str| -> Vec<String> {
            let list = page[list].as_array().unwrap();
            list.iter()
                .map(|l| l[name].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names("categories", "category"), ["Projects"]);
        assert!(
            names("templates", "title")
                .iter()
                .all(|t| t.starts_with("Template:Nova Resource"))
        );
        assert_eq!(
            page["externallinks"].as_array().unwrap().len(),
            0,
            "{}",
            page["externallinks"]
        );
        assert_eq!(
            page["links"].as_array().unwrap().len(),
            0,
            "{}",
            page["links"]
        );
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn labels_and_plain_text_are_text() {
    let strings = strings(300);
    let lines: Vec<String> = strings
        .iter()
        .map(|s| {
            format!(
                "<div>{}</div><div>[[Nova Resource:Text2|{}]]</div>",
                encode::plain(s),
                encode::label(s)
            )
        })
        .collect();
    let page = parse(&lines.join("\n\n")).await;
    let html = page["text"].as_str().unwrap();
    let shown: Vec<String> = html
        .split("<div>")
        .skip(1)
        .map(|part| {
            without_tags(part.split_once("</div>").unwrap().0)
                .trim()
                .to_owned()
        })
        .collect();
    let wanted: Vec<String> = strings
        .iter()
        .flat_map(|s| [s.clone(), s.clone()])
        .collect();
    assert_eq!(shown, wanted);
    assert_eq!(page["categories"].as_array().unwrap().len(), 0);
    assert_eq!(page["templates"].as_array().unwrap().len(), 0);
    assert_eq!(page["externallinks"].as_array().unwrap().len(), 0);
    assert_eq!(page["links"].as_array().unwrap().len(), 1);
}

/// What Semantic MediaWiki says of a page, once it says it of this revision.
async fn asked(title: &str, wanted: &Value) -> Value {
    let query = format!(
        "[[{title}]]|?Resource Type|?Instance Name|?Security Group|?Fault|?RAM Size|?Deletion Time#ISO"
    );
    let form = [
        ("action", "ask"),
        ("format", "json"),
        ("query", query.as_str()),
    ];
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let reply = post(&form).await;
        let found = &reply["query"]["results"][title]["printouts"];
        if found["Resource Type"] == *wanted || Instant::now() > until {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs the lab, with Semantic MediaWiki"]
async fn semantic_mediawiki_stores_the_very_text() {
    let lab = std::env::var("LAB_DIR").expect("LAB_DIR: the lab's state");
    let keys = std::fs::read_to_string(Path::new(&lab).join("secrets/wiki.keys")).unwrap();
    let wiki = Wiki::new(WikiConfig {
        api_url: api_url(),
        keys: Keys::parse(&keys).unwrap(),
        timeout: Wiki::CALL_TIMEOUT,
    })
    .unwrap();
    if !wiki.info().await.unwrap().smw {
        eprintln!("skipped: this wiki has no Semantic MediaWiki");
        return;
    }
    let title = format!("Nova Resource:Test {}", Uuid::new_v4().simple());
    let save = async |page: &str, parent| {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
        let edit = Edit {
            title: title.clone(),
            text: std::fs::read_to_string(golden.join(page)).unwrap(),
            summary: "test".to_owned(),
            by: EditAs::System { bot: true },
            parent,
        };
        match wiki.edit(&edit).await.unwrap() {
            Edited::Saved { revision, .. } => revision,
            other => panic!("{other:?}"),
        }
    };
    let first = save("instance-hostile.wikitext", 0).await;
    let found = asked(&title, &json!(["instance"])).await;
    assert_eq!(found["Resource Type"], json!(["instance"]));
    assert_eq!(found["Instance Name"], json!(["x]]{{Delete}}<script>"]));
    assert_eq!(
        found["Security Group"],
        json!(["a, b", "c&#44; d", "e;f|g"])
    );
    assert_eq!(found["RAM Size"], json!([2048]));
    let fault = "a|b=c ~~~~ [[Category:Pwned]] {{subst:x}} '''b''' __NOTOC__ &amp; </nowiki> == h == \
                 https://e.org ISBN 0306406152";
    assert_eq!(found["Fault"], json!([fault]));

    save("instance-deleted.wikitext", first).await;
    let found = asked(&title, &json!(["deleted instance"])).await;
    assert_eq!(found["Resource Type"], json!(["deleted instance"]));
    assert_eq!(found["Fault"], json!([]));
    assert_eq!(
        found["Deletion Time"].as_array().unwrap().len(),
        1,
        "{found}"
    );
}
