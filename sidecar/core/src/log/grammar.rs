//! What a line of chat asks for.

use super::LONGEST;
use crate::pages::encode::cut;

/// A line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Not for us.
    Other,
    /// How does one log?
    Help,
    /// The speaker's last entry is to be taken back.
    Undo,
    /// `!log` and nothing more.
    Nothing,
    /// One word: a project, or a message without one.
    OneWord(String),
    /// `link CODE`, said to us alone.
    Link(String),
    /// A message for a log. The name is as typed.
    Log {
        /// `project` or `project.tool`.
        name: String,
        /// What is to be logged.
        message: String,
    },
}

/// Reads a line that was said in a channel; `us` is the nick by which we may be addressed.
pub fn read(line: &str, us: &str) -> Line {
    // What begins with this sign is CTCP: a `/me`, a request of a program.
    if line.starts_with('\u{1}') {
        return Line::Other;
    }
    let line = clean(line);
    let (first, rest) = word(&line);
    if !first.eq_ignore_ascii_case("!log") {
        if first.eq_ignore_ascii_case("link") && !rest.is_empty() && !rest.contains(' ') {
            return Line::Link(rest.to_owned());
        }
        return match addressed(first, us) {
            true if rest.is_empty() || rest.eq_ignore_ascii_case("help") => Line::Help,
            _ => Line::Other,
        };
    }
    let (name, message) = word(rest);
    match (name, message) {
        ("", _) => Line::Nothing,
        (name, "") if name.eq_ignore_ascii_case("help") => Line::Help,
        (name, "") if name.eq_ignore_ascii_case("undo") => Line::Undo,
        (name, "") => Line::OneWord(name.to_owned()),
        (name, message) => Line::Log {
            name: name.to_owned(),
            message: cut(message, LONGEST),
        },
    }
}

/// `cloudlog`, `cloudlog:`, `!cloudlog`.
fn addressed(word: &str, us: &str) -> bool {
    let word = word.strip_prefix('!').unwrap_or(word);
    let word = word.strip_suffix([':', ',']).unwrap_or(word);
    !us.is_empty() && word.eq_ignore_ascii_case(us)
}

fn word(text: &str) -> (&str, &str) {
    match text.split_once(' ') {
        Some((word, rest)) => (word, rest),
        None => (text, ""),
    }
}

/// One line of printable characters without the codes for colours and forms, single spaces between words.
pub fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // A colour: up to two digits, and after a comma another two.
            '\u{3}' => {
                let is_digit = |c: char| c.is_ascii_digit();
                colour(&mut rest, 2, is_digit);
            }
            // The same in hex, six digits each.
            '\u{4}' => {
                let is_hex = |c: char| c.is_ascii_hexdigit();
                colour(&mut rest, 6, is_hex);
            }
            // Bold, reset, monospace, reverse, italic, strike-through, underline.
            '\u{2}' | '\u{f}' | '\u{11}' | '\u{16}' | '\u{1d}' | '\u{1e}' | '\u{1f}' => {}
            // Turns the order of what follows, also of what is not the message's.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() || c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn colour(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    most: usize,
    is_digit: impl Fn(char) -> bool,
) {
    let mut digits = 0;
    while digits < most && rest.next_if(|c| is_digit(*c)).is_some() {
        digits += 1;
    }
    if digits == 0 || rest.peek() != Some(&',') {
        return;
    }
    // The comma belongs to the code only where a digit follows.
    let mut ahead = rest.clone();
    ahead.next();
    if ahead.peek().copied().is_some_and(&is_digit) {
        rest.next();
        let mut digits = 0;
        while digits < most && rest.next_if(|c| is_digit(*c)).is_some() {
            digits += 1;
        }
    }
}

/// The text of a line of bytes. Servers cut lines at 512 bytes, in the middle of a character if need be: what is
/// left of it at the end is dropped; what is no UTF-8 elsewhere is shown as replaced.
pub fn decode(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()),
        _ => None,
    };
    let text = String::from_utf8_lossy(whole.unwrap_or(bytes));
    // A cut character behind another broken one.
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log(name: &str, message: &str) -> Line {
        Line::Log {
            name: name.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn lines() {
        let one = |word: &str| Line::OneWord(word.to_owned());
        for (line, wanted) in [
            (
                "!log bots Added cluebot to bots1",
                log("bots", "Added cluebot to bots1"),
            ),
            ("!LOG bots x", log("bots", "x")),
            ("!log   bots \t two  words ", log("bots", "two words")),
            ("!log bots\u{a0}x", log("bots", "x")),
            (
                "!log tools.wikibugs restarted",
                log("tools.wikibugs", "restarted"),
            ),
            ("!log bots help", log("bots", "help")),
            ("!log help me", log("help", "me")),
            ("!log undo that", log("undo", "that")),
            ("!log help", Line::Help),
            ("!log HELP ", Line::Help),
            ("!log undo", Line::Undo),
            ("!log", Line::Nothing),
            ("!log   ", Line::Nothing),
            ("!log bots", one("bots")),
            ("!log bots  ", one("bots")),
            ("!log bots \u{2}\u{3}4,5\u{f}", one("bots")),
            ("!logs bots x", Line::Other),
            ("!logbots x", Line::Other),
            ("so I said !log bots x", Line::Other),
            ("", Line::Other),
            ("cloudlog", Line::Help),
            ("CloudLog: help", Line::Help),
            ("!cloudlog", Line::Help),
            ("cloudlog: thank you", Line::Other),
            ("cloudlogger", Line::Other),
            ("link 7J8K", Line::Link("7J8K".to_owned())),
            ("link two words", Line::Other),
            ("link", Line::Other),
            ("\u{1}ACTION !log bots x\u{1}", Line::Other),
            ("\u{1}VERSION\u{1}", Line::Other),
            (
                "\u{2}!log\u{2} \u{3}04,12bots\u{3} \u{1f}red\u{f} \u{4}ff0000,00ff00hex\u{4} 3",
                log("bots", "red hex 3"),
            ),
            ("\u{3}04!log bots \u{3}1,x", log("bots", ",x")),
            (
                "!log bots a\u{0}b\u{7}c\u{1b}[31md",
                log("bots", "a b c [31md"),
            ),
            (
                "!log bots a\u{202e}b\u{2066}c\u{200f}",
                log("bots", "abc\u{200f}"),
            ),
            ("!log bots {{Delete}} ~~~~", log("bots", "{{Delete}} ~~~~")),
        ] {
            assert_eq!(read(line, "cloudlog"), wanted, "{line:?}");
        }
    }

    #[test]
    fn bytes() {
        assert_eq!(decode("grün".as_bytes()), "grün");
        assert_eq!(decode(b"gr\xc3"), "gr");
        assert_eq!(decode(b"x \xf0\x9f\x98"), "x ");
        assert_eq!(decode(b"gr\xfcn"), "gr\u{fffd}n");
        assert_eq!(decode(b""), "");
    }

    #[test]
    fn long_messages_are_cut() {
        let Line::Log { message, .. } = read(&format!("!log bots {}", "ä".repeat(5000)), "us")
        else {
            panic!("not a message");
        };
        assert_eq!(message.chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn nothing_of_control_gets_through(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let line = clean(&decode(&bytes));
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(clean(&line), line.clone());
            let asked = read(&format!("!log bots {line}"), "us");
            match asked {
                Line::Log { message, .. } => prop_assert_eq!(message, cut(&line, LONGEST)),
                other => prop_assert_eq!((other, line.as_str()), (Line::OneWord("bots".to_owned()), "")),
            }
        }
    }
}
