//! A log as a feed: Atom, RFC 4287. All that was typed is text there, never markup.

use super::{Entry, LogName};
use crate::pages::encode::cut;
use crate::pages::log::title;
use crate::pages::title::LOGS;
use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use url::Url;

/// So much of a message is an entry's title.
const TITLE: usize = 120;

/// The feed of a log, or of all of them, newest first. `articles` is what stands before a page's title in its
/// address; `of` are the parameters by which the feed is asked for, among them the log's.
pub fn atom(
    articles: &Url,
    log: Option<&LogName>,
    of: &[(&str, &str)],
    entries: &[Entry],
) -> String {
    let wiki = Wiki { articles };
    let name = match log {
        Some(log) => format!("{LOGS} of {log}"),
        None => LOGS.to_owned(),
    };
    let page = log.map_or(LOGS.to_owned(), title);
    let own = wiki.asked(of);
    let latest = entries.first().map(|entry| entry.said.at);
    let mut out = Out(Writer::new(Vec::new()));
    out.put(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)));
    let feed = BytesStart::new("feed");
    let feed = feed.with_attributes([("xmlns", "http://www.w3.org/2005/Atom")]);
    out.put(Event::Start(feed));
    out.text("id", &own);
    out.text("title", &name);
    out.text("updated", &time(latest.unwrap_or_default()));
    out.text("generator", "OpenStackManager");
    out.empty("link", &[("rel", "self"), ("href", &own)]);
    out.empty("link", &[("rel", "alternate"), ("href", &wiki.page(&page))]);
    for entry in entries {
        wiki.entry(&mut out, entry);
    }
    out.end("feed");
    String::from_utf8_lossy(&out.0.into_inner()).into_owned()
}

/// A document in the making.
struct Out(Writer<Vec<u8>>);

impl Out {
    fn put(&mut self, event: Event<'_>) {
        // Into memory: that does not fail.
        let _ = self.0.write_event(event);
    }

    fn start(&mut self, name: &str) {
        self.put(Event::Start(BytesStart::new(name)));
    }

    fn end(&mut self, name: &str) {
        self.put(Event::End(BytesEnd::new(name)));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let element = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.put(Event::Empty(element));
    }

    /// An element of plain text, which is what Atom takes text for where no other type is said.
    fn text(&mut self, name: &str, value: &str) {
        let value: String = value.chars().filter(|c| is_xml(*c)).collect();
        self.start(name);
        self.put(Event::Text(BytesText::new(&value)));
        self.end(name);
    }
}

struct Wiki<'a> {
    articles: &'a Url,
}

impl Wiki<'_> {
    fn entry(&self, out: &mut Out, entry: &Entry) {
        let (said, log) = (&entry.said, entry.said.log.to_string());
        let host = self.articles.host_str().unwrap_or("wiki");
        // Of a form of its own, so that it stays the same where the wiki's addresses change their form.
        let id = format!("tag:{host},2026:novalog/{log}/{}", entry.seq);
        let shown = match entry.revision {
            Some(revision) => self.page(&format!("Special:Diff/{revision}")),
            None => self.page(&title(&said.log)),
        };
        out.start("entry");
        out.text("id", &id);
        out.text("title", &format!("{log}: {}", cut(&said.message, TITLE)));
        out.text("updated", &time(said.at));
        out.start("author");
        out.text("name", &said.nick);
        out.end("author");
        out.empty("category", &[("term", &log)]);
        out.empty("link", &[("rel", "alternate"), ("href", &shown)]);
        out.text("content", &said.message);
        out.end("entry");
    }

    fn page(&self, title: &str) -> String {
        let mut url = self.articles.clone();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
        let name: String = title
            .bytes()
            .map(|byte| match byte {
                b' ' => "_".to_owned(),
                byte if plain(byte) => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        // Where titles stand in the query it goes there.
        match url.query().map(|query| format!("{query}{name}")) {
            Some(query) => url.set_query(Some(&query)),
            None => {
                let path = format!("{}{name}", url.path());
                url.set_path(&path);
            }
        }
        url.into()
    }

    /// The feed's own address.
    fn asked(&self, of: &[(&str, &str)]) -> String {
        let page = self.page("Special:NovaLog");
        let Ok(mut url) = Url::parse(&page) else {
            return page;
        };
        let mut query = url.query_pairs_mut();
        query.append_pair("feed", "atom");
        query.extend_pairs(of);
        drop(query);
        url.into()
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What may stand in XML 1.0 at all.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::NewEntry;
    use proptest::prelude::*;
    use quick_xml::Reader;

    fn entry(seq: u64, nick: &str, message: &str) -> Entry {
        Entry {
            seq,
            said: NewEntry {
                log: LogName::trusted("tools.x"),
                key: format!("k{seq}"),
                at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
                nick: nick.to_owned(),
                by: None,
                source: "wiki".to_owned(),
                undoes: None,
                message: message.to_owned(),
            },
            revision: (seq == 1).then_some(77),
        }
    }

    fn articles() -> Url {
        Url::parse("http://wiki.example/wiki/").unwrap()
    }

    #[test]
    fn a_feed() {
        let log = LogName::trusted("tools.x");
        let entries = [entry(2, "ben", "a <b> & \"c\""), entry(1, "ada", "x")];
        let feed = atom(&articles(), Some(&log), &[("project", "tools.x")], &entries);
        for wanted in [
            r#"<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">"#,
            "<id>http://wiki.example/wiki/Special:NovaLog?feed=atom&amp;project=tools.x</id>",
            "<title>Server Admin Log of tools.x</title><updated>2026-11-18T11:06:40Z</updated>",
            r#"<link rel="alternate" href="http://wiki.example/wiki/Nova_Resource:Tools.x/SAL"/>"#,
            "<entry><id>tag:wiki.example,2026:novalog/tools.x/2</id>",
            "<title>tools.x: a &lt;b&gt; &amp; ",
            "<author><name>ada</name></author>",
            r#"<link rel="alternate" href="http://wiki.example/wiki/Special:Diff/77"/>"#,
        ] {
            assert!(feed.contains(wanted), "{wanted}\n{feed}");
        }
        let none = atom(&articles(), None, &[], &[]);
        assert!(none.contains("<updated>1970-01-01T00:00:00Z</updated>"));
    }

    #[test]
    fn titles_in_the_query() {
        let articles = Url::parse("http://wiki.example/index.php?title=").unwrap();
        let feed = atom(&articles, None, &[("nick", "a b&c")], &[]);
        for wanted in [
            "http://wiki.example/index.php?title=Server_Admin_Log\"",
            "index.php?title=Special:NovaLog&amp;feed=atom&amp;nick=a+b%26c<",
        ] {
            assert!(feed.contains(wanted), "{feed}");
        }
    }

    proptest! {
        #[test]
        fn what_was_typed_is_text(nick in "[^\\p{Cc}]{0,20}", message in any::<String>()) {
            let feed = atom(&articles(), None, &[("text", &message)], &[entry(1, &nick, &message)]);
            let mut reader = Reader::from_str(&feed);
            let (mut elements, mut content, mut within) = (0, String::new(), false);
            loop {
                match reader.read_event().unwrap() {
                    Event::Eof => break,
                    Event::Start(it) => {
                        elements += 1;
                        within = it.name().as_ref() == "content";
                    }
                    Event::Empty(_) => elements += 1,
                    Event::End(_) => within = false,
                    Event::Text(it) if within => content.push_str(&it),
                    Event::GeneralRef(it) if within => {
                        content.push_str(match &*it {
                            "lt" => "<", "gt" => ">", "amp" => "&", "quot" => "\"", "apos" => "'",
                            other => panic!("{other}"),
                        });
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(elements, 16);
            let wanted: String = message.chars().filter(|c| is_xml(*c)).collect();
            prop_assert_eq!(content, wanted);
        }
    }
}
