//! An entry as a search gives it.

use super::dn::Dn;
use ldap3::ResultEntry;
use std::collections::BTreeMap;

/// Number of the search result entry among the protocol's messages.
const SEARCH_RESULT_ENTRY: u64 = 4;

/// An entry. Values that are no UTF-8 are left out.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As the server writes it.
    pub(super) dn: String,
    /// To compare with.
    pub(super) name: Dn,
    /// By type in small letters.
    attributes: BTreeMap<String, Vec<String>>,
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
        let mut attributes = BTreeMap::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let kind = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
            let values = parts.next()?.expect_constructed()?.into_iter();
            let values: Vec<String> = values
                .filter_map(|value| String::from_utf8(value.expect_primitive()?).ok())
                .collect();
            attributes.insert(kind.to_ascii_lowercase(), values);
        }
        Some(Self {
            name: Dn::parse(&dn)?,
            dn,
            attributes,
        })
    }

    /// All values of an attribute.
    pub(super) fn all(&self, attribute: &str) -> &[String] {
        self.attributes
            .get(&attribute.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
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
