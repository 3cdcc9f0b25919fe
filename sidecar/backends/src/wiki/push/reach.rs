//! How far a push reaches: whoever changes a template has MediaWiki render every page anew that shows it.

use super::Planned;
use crate::wiki::Wiki;
use crate::wiki::read::list_at;
use osm_core::ports::PortError;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a push has MediaWiki do afterwards, by its job queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Pages to be rendered anew.
    pub pages: usize,
    /// Jobs that wait already, as far as MediaWiki knows.
    pub jobs: u64,
}

impl Reach {
    /// Of what is planned: the pages that show a template which is to change, each counted once.
    pub async fn of(wiki: &Wiki, planned: &[Planned]) -> Result<Self, PortError> {
        let mut pages = BTreeSet::new();
        let shown: BTreeSet<&str> = planned
            .iter()
            .filter(|p| p.writes())
            .filter_map(|p| shown_through(&p.page.title))
            .collect();
        for template in shown {
            wiki.pages_that_show(template, &mut pages).await?;
        }
        Ok(Self {
            pages: pages.len(),
            jobs: wiki.jobs().await?,
        })
    }
}

/// The template through which a page of ours gets onto others. Properties are set by it, and where one's declaration
/// changes, Semantic MediaWiki goes over all pages that have it.
fn shown_through(title: &str) -> Option<&str> {
    if title.starts_with("Property:") {
        return Some("Template:Nova Resource");
    }
    title.starts_with("Template:").then_some(title)
}

impl Wiki {
    async fn pages_that_show(
        &self,
        template: &str,
        pages: &mut BTreeSet<u64>,
    ) -> Result<(), PortError> {
        let mut from: Option<String> = None;
        loop {
            let mut parameters = vec![
                ("action", "query"),
                ("list", "embeddedin"),
                ("eititle", template),
                ("eilimit", "max"),
            ];
            if let Some(from) = &from {
                parameters.push(("eicontinue", from));
            }
            let reply = self.query(template, &parameters).await?;
            let shows = list_at(&reply, "/query/embeddedin");
            pages.extend(shows.filter_map(|page| page.get("pageid").and_then(Value::as_u64)));
            match reply
                .pointer("/continue/eicontinue")
                .and_then(Value::as_str)
            {
                Some(next) => from = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }

    async fn jobs(&self) -> Result<u64, PortError> {
        let parameters = [
            ("action", "query"),
            ("meta", "siteinfo"),
            ("siprop", "statistics"),
        ];
        let reply = self.query("the job queue", &parameters).await?;
        let jobs = reply
            .pointer("/query/statistics/jobs")
            .and_then(Value::as_u64);
        Ok(jobs.unwrap_or(0))
    }
}
