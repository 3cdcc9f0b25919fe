//! An entry as a search gives it.

use super::dn::Dn;
use ldap3::ResultEntry;
use osm_core::sudo::Octets;
use std::collections::BTreeMap;

/// Number of the search result entry among the protocol's messages.
const SEARCH_RESULT_ENTRY: u64 = 4;

/// An entry. Values that are no UTF-8 are kept apart.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As the server writes it.
    pub(super) dn: String,
    /// To compare with.
    pub(super) name: Dn,
    /// By type in small letters.
    attributes: BTreeMap<String, Vec<String>>,
    /// The same, in order.
    others: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// `None` where the reply makes no sense. (The library's own reading of it would panic then.)
    pub(super) fn of(result: ResultEntry) -> Option<Self> {
        let mut parts = result
            .0
            .match_id(SEARCH_RESULT_ENTRY)?
            .expect_constructed()?
            .into_iter();
        let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
        let (mut attributes, mut others) = (BTreeMap::new(), Vec::new());
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let kind = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
            let kind = kind.to_ascii_lowercase();
            let mut values = Vec::new();
            for value in parts.next()?.expect_constructed()? {
                match String::from_utf8(value.expect_primitive()?) {
                    Ok(text) => values.push(text),
                    Err(other) => others.push((kind.clone(), other.into_bytes())),
                }
            }
            attributes.insert(kind, values);
        }
        Some(Self {
            name: Dn::parse(&dn)?,
            dn,
            attributes,
            others,
        })
    }

    /// All values of an attribute.
    pub(super) fn all(&self, attribute: &str) -> &[String] {
        self.attributes
            .get(&attribute.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// All values of all attributes, text or not.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, Octets)> {
        let texts = self.attributes.iter().flat_map(|(kind, values)| {
            let texts = values.iter();
            texts.map(move |text| (kind.as_str(), Octets::Text(text.clone())))
        });
        let others = self.others.iter();
        texts.chain(others.map(|(kind, value)| (kind.as_str(), Octets::of(value.clone()))))
    }

    /// The first value.
    pub(super) fn first(&self, attribute: &str) -> Option<&str> {
        self.all(attribute).first().map(String::as_str)
    }

    /// Holds this very value: LDAP's own matching knows neither capitals nor spaces apart.
    pub(super) fn holds(&self, attribute: &str, value: &str) -> bool {
        self.all(attribute).iter().any(|held| held == value)
    }
}
