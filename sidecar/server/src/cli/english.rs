//! Messages as who sits at a terminal reads them: in English, from the texts of the wiki's extension.

use super::operations::time;
use osm_core::message::{Msg, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static TEXTS: LazyLock<BTreeMap<String, serde_json::Value>> = LazyLock::new(|| {
    let texts = include_str!("../../../../php-shim/i18n/en.json");
    serde_json::from_str(texts).unwrap_or_default()
});

/// A message's text. One that the extension does not have is shown by its key and parameters.
pub(super) fn text(message: &Msg) -> String {
    let params: Vec<String> = message.params.iter().map(value).collect();
    match TEXTS.get(&message.key).and_then(|text| text.as_str()) {
        Some(text) => filled(text, &params),
        None => format!("{}({})", message.key, params.join(", ")),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Text { v } | Value::Code { v } => v.clone(),
        Value::Msg { v } => text(v),
        Value::Num { v } => v.to_string(),
        Value::Bytes { v } => format!("{v} bytes"),
        Value::Time { v } => time(*v),
        Value::Wiki { title, label } => label.as_ref().unwrap_or(title).clone(),
        Value::Url { href, .. } => href.clone(),
        Value::Special { label, .. } => text(label),
        Value::Progress { state, .. } => text(state),
        Value::List { v } => v.iter().map(self::value).collect::<Vec<_>>().join(", "),
    }
}

/// Puts the parameters in. What a parameter brings along is not looked at again.
fn filled(text: &str, params: &[String]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '{', '[']) {
        let (plain, marked) = rest.split_at(at);
        out.push_str(plain);
        let found = numbered(marked, params)
            .map(|(param, after)| (param.to_owned(), after))
            .or_else(|| plural(marked, params))
            .or_else(|| link(marked));
        let (put, after) = found.unwrap_or_else(|| {
            let (mark, after) = marked.split_at(1);
            (mark.to_owned(), after)
        });
        out.push_str(&put);
        rest = after;
    }
    out + rest
}

/// `$n` at a text's beginning, and what comes after it.
fn numbered<'a>(text: &'a str, params: &'a [String]) -> Option<(&'a str, &'a str)> {
    let digits = text.strip_prefix('$')?;
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let (number, after) = digits.split_at(end.unwrap_or(digits.len()));
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    Some((params.get(index)?, after))
}

/// `{{PLURAL:$n|one|many|0=none}}` likewise.
fn plural<'a>(text: &'a str, params: &[String]) -> Option<(String, &'a str)> {
    let (inner, after) = text.strip_prefix("{{PLURAL:")?.split_once("}}")?;
    let (of, forms) = inner.split_once('|')?;
    let (count, _) = numbered(of, params)?;
    let (named, forms): (Vec<&str>, Vec<&str>) =
        forms.split('|').partition(|form| form.contains('='));
    let named = named.into_iter().filter_map(|form| form.split_once('='));
    let form = match named.into_iter().find(|(of, _)| *of == count) {
        Some((_, form)) => form,
        None if count == "1" => forms.first()?,
        None => forms.last()?,
    };
    Some((filled(form, params), after))
}

/// `[[page|text]]` likewise: the text, and where it leads to.
fn link(text: &str) -> Option<(String, &str)> {
    let (inner, after) = text.strip_prefix("[[")?.split_once("]]")?;
    let put = match inner.split_once('|') {
        Some((page, label)) => format!("{label} ({page})"),
        None => inner.to_owned(),
    };
    Some((put, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_on_the_wiki() {
        let params = [
            "bots".to_owned(),
            "2".to_owned(),
            "1".to_owned(),
            "$1 [[x]]".to_owned(),
        ];
        for (text, read) in [
            ("Project $1 may.", "Project bots may."),
            ("$4 and $9", "$1 [[x]] and $9"),
            ("{{PLURAL:$2|one|$2 more|0=no}} left", "2 more left"),
            ("{{PLURAL:$3|one|$3 more|0=no}} left", "one left"),
            (
                "[[Special:NovaLink|Connect them]], or",
                "Connect them (Special:NovaLink), or",
            ),
            ("a {b [c $", "a {b [c $"),
        ] {
            assert_eq!(filled(text, &params), read);
        }
        let known = Msg::new("noquota-instances").with("bots").with(0_i64);
        assert_eq!(text(&known), "Project bots may have no more instances.");
        let unknown = Msg::new("nothing-like-it").with("a").with(1_i64);
        assert_eq!(text(&unknown), "openstackmanager-nothing-like-it(a, 1)");
    }
}
