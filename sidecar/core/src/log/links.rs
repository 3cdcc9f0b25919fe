//! What in a message is shown as a link: ids of changes, hashes, tasks, as the community's configuration says.

use crate::pages::encode;
use regex::Regex;
use std::ops::Range;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// What is a link, and whereto.
#[derive(Clone, Debug, Default)]
pub struct Linker(Vec<(Regex, String)>);

impl Linker {
    /// Patterns, each with an address in which `$0` stands for what was found; or what is wrong with one.
    pub fn new<'a>(rules: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut all = Vec::new();
        for (pattern, address) in rules {
            let regex = Regex::new(pattern)
                .map_err(|_| format!("{pattern} is no regular expression that can be used"))?;
            if regex.is_match("") {
                return Err(format!("{pattern} also finds nothing at all"));
            }
            let example = address.replace("$0", "1");
            let good = Url::parse(&example).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
                && address.contains("$0")
                && !address.contains(|c: char| c.is_whitespace() || "[]<>\"'{}|".contains(c));
            if !good {
                return Err(format!(
                    "{address} must be a whole http(s) address in which $0 stands for what was found"
                ));
            }
            all.push((regex, address.to_owned()));
        }
        Ok(Self(all))
    }

    /// The message as wikitext: shows as it was typed.
    pub fn wikitext(&self, message: &str) -> String {
        encode::linked(message, |text| self.find(text))
    }

    /// From the left, the first rule first.
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((range, address)) = self.next(text, at) {
            at = range.end;
            let id: String =
                byte_serialize(text.get(range.clone()).unwrap_or_default().as_bytes()).collect();
            found.push((range, address.replace("$0", &id)));
        }
        found
    }

    fn next(&self, text: &str, at: usize) -> Option<(Range<usize>, &str)> {
        let matches = self.0.iter().filter_map(|(regex, address)| {
            let found = regex.find_at(text, at)?;
            (!found.is_empty()).then(|| (found.range(), address.as_str()))
        });
        // Of those that begin at the same place the first rule's.
        matches.min_by_key(|(range, _)| range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linker() -> Linker {
        Linker::new([
            (r"\bT[1-9][0-9]*\b", "https://phab.example/$0"),
            (r"\bI[0-9a-f]{40}\b", "https://gerrit.example/r/q/$0"),
            (
                r"\b[0-9a-f]{7,40}\b",
                "https://gerrit.example/g/commit/?id=$0",
            ),
        ])
        .unwrap()
    }

    #[test]
    fn ids_are_links() {
        let change = format!("I{}", "0a".repeat(20));
        for (message, wanted) in [
            ("see T123 and T4", "see [https://phab.example/T123 T123] and [https://phab.example/T4 T4]".to_owned()),
            ("T1", "[https://phab.example/T1 T1]".to_owned()),
            ("ST1 T0 deadbee", "ST1 T0 [https://gerrit.example/g/commit/?id=deadbee deadbee]".to_owned()),
            (&change, format!("[https://gerrit.example/r/q/{change} {change}]")),
            ("[[T1]] {{T2}}", "&#91;&#91;[https://phab.example/T1 T1]&#93;&#93; &#123;&#123;[https://phab.example/T2 T2]&#125;&#125;".to_owned()),
            ("https://x.example/T5", "https&#58;//x.example/[https://phab.example/T5 T5]".to_owned()),
        ] {
            assert_eq!(linker().wikitext(message), wanted);
        }
        let any = Linker::new([(r"#\S+", "https://x.example/?q=$0")]).unwrap();
        assert_eq!(
            any.wikitext("#a]b c"),
            "[https://x.example/?q=%23a%5Db &#35;a&#93;b] c"
        );
        assert_eq!(Linker::default().wikitext(" a  <b> "), "a &#60;b&#62;");
    }

    #[test]
    fn rules_that_cannot_be() {
        for (pattern, address) in [
            ("(", "https://x.example/$0"),
            ("a*", "https://x.example/$0"),
            ("a", "javascript:$0"),
            ("a", "https://x.example/"),
            ("a", "https://x.example/$0 b"),
            ("a", "//x.example/$0"),
        ] {
            assert!(
                Linker::new([(pattern, address)]).is_err(),
                "{pattern} {address}"
            );
        }
    }
}
