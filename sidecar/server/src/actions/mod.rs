//! One function an action; the catalogue of them all. HTTP and the command line both come in here.
//!
//! Reading order: [`catalogue`] (everything there is) → [`Context`] (what an action may reach: read
//! ports and `submit`) → `instances` (the pages of Special:NovaInstance) → `api` (the same for bots).

mod accounts;
mod api;
pub mod catalogue;
mod create;
mod drift;
mod drift_page;
mod follow;
mod founding;
mod founding_page;
mod held;
mod instances;
mod keys;
mod keys_page;
mod link;
mod log;
mod log_feed;
mod log_tokens;
mod lookup;
mod members;
mod members_api;
mod members_page;
mod operate;
mod outcome;
mod params;
mod planned;
mod projects;
mod quota;
mod quota_page;
mod requests;
mod requests_api;
mod requests_form;
mod requests_page;
mod resources;
mod scripts;
mod submit;
mod sudo;
mod sudo_page;
mod why;

pub use api::ApiReply;
pub use params::Params;

use crate::drift::Latest;
use crate::late::Late;
use crate::log::Book;
use crate::restored::Restored;
use chrono::{DateTime, Utc};
use osm_core::accounts::Newcomers;
use osm_core::actor::WikiUser;
use osm_core::authz::Policy;
use osm_core::ids::{ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::message::Msg;
use osm_core::ports::{
    ComputeRead, Directory, Identity, InstanceIndex, Links, Operations, Pages, Pins, Requests,
    WikiRead,
};
use osm_core::refusal::Refusal;
use osm_core::view::{Level, View};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;

/// The clock, given from outside so that tests can turn it.
pub type Clock = fn() -> DateTime<Utc>;

/// What an action may reach. No write port is among it: an action that changes the world submits a plan.
#[derive(Clone)]
pub struct Context {
    /// Nova, Glance, Neutron.
    pub compute: Arc<dyn ComputeRead>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Keystone.
    pub identity: Arc<dyn Identity>,
    /// MediaWiki.
    pub wiki: Arc<dyn WikiRead>,
    /// Wiki user ↔ LDAP entry.
    pub links: Arc<dyn Links>,
    /// LDAP project ↔ Keystone project.
    pub pins: Arc<dyn Pins>,
    /// What people asked for.
    pub requests: Arc<dyn Requests>,
    /// Operations recorded.
    pub operations: Arc<dyn Operations>,
    /// Pages known.
    pub pages: Arc<dyn Pages>,
    /// Our copy of the cloud's servers.
    pub index: Arc<dyn InstanceIndex>,
    /// What an older database, where one was restored, does not account for.
    pub restored: Arc<Restored>,
    /// Who is away, and what lags.
    pub late: Arc<Late>,
    /// Accepts entries of the Server Admin Log.
    pub book: Arc<Book>,
    /// Compares what everybody says.
    pub drift: Arc<Latest>,
    /// The community's choices.
    pub settings: Arc<Settings>,
    /// Rung when an operation was recorded.
    pub work: Arc<Notify>,
    /// Rung when the wiki says that somebody was blocked, or is not any more.
    pub blocks: Arc<Notify>,
    /// The time.
    pub clock: Clock,
    /// Failed proofs of an LDAP password, by wiki user.
    pub attempts: Arc<link::Attempts>,
}

/// The configuration that rules need.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Who may what, and what is switched off.
    pub policy: Policy,
    /// Whom we give a shell account; nobody where it is none.
    pub newcomers: Option<Newcomers>,
    /// The roles that may be given in a project.
    pub roles: Vec<String>,
    /// The regions, in the order shown.
    pub regions: Vec<RegionSettings>,
    /// The wiki's own login is checked against this LDAP: equal names are the same person.
    pub wiki_login_is_ldap: bool,
    /// What members are assigned in Keystone; `None` where we have no account to do it with.
    pub cloud_role: Option<String>,
    /// People's SSH keys are Nova's keypairs as well.
    pub keypairs: bool,
    /// Keystone's name of the domain of LDAP's people.
    pub people_domain: String,
    /// Keystone's projects that are our accounts' own.
    pub own_projects: Vec<String>,
    /// Projects whose instances have one page together.
    pub noisy: BTreeSet<ProjectName>,
}

impl Settings {
    /// The names of the regions.
    pub fn region_names(&self) -> Vec<Region> {
        self.regions.iter().map(|r| r.name.clone()).collect()
    }

    /// An instance's name in the DNS, where its region has a domain.
    pub fn fqdn(&self, instance: &Instance) -> Option<String> {
        let domain = self.domain(instance)?;
        Some(format!("{}.{}.{domain}", instance.name, instance.project))
    }

    /// What an entry of its own in LDAP may be called. The id before the name, which others had before.
    pub fn host_names(&self, instance: &Instance) -> Vec<String> {
        let mut names = vec![instance.id.to_string()];
        if let Some(domain) = self.domain(instance) {
            names.push(format!("{}.{}.{domain}", instance.id, instance.project));
            names.push(format!("{}.{domain}", instance.id));
        }
        names.extend(self.fqdn(instance));
        names
    }

    fn domain(&self, instance: &Instance) -> Option<&str> {
        let mut regions = self.regions.iter();
        let region = regions.find(|r| r.name == instance.region)?;
        region.domain.as_deref()
    }

    /// A project that makes more instances than anybody wants pages of.
    pub fn is_noisy(&self, project: &ProjectName) -> bool {
        self.noisy.contains(project)
    }
}

/// A region's settings.
#[derive(Clone, Debug)]
pub struct RegionSettings {
    /// Keystone's name of it.
    pub name: Region,
    /// Network of new instances: a name, an id, or `auto`.
    pub network: String,
    /// Domain of instances' host names, where DNS has them.
    pub domain: Option<String>,
}

/// Who calls, as the shim vouched for.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The wiki user.
    pub user: WikiUser,
    /// Travels through every log, request and summary.
    pub request_id: String,
    /// The reader's language.
    pub lang: String,
    /// The wiki is read-only, and why.
    pub wiki_read_only: Option<String>,
}

/// A special page asked for.
#[derive(Clone, Debug, Default)]
pub struct SpecialRequest {
    /// Posted, with the wiki's token checked.
    pub post: bool,
    /// Query parameters.
    pub query: Params,
    /// Form fields.
    pub form: Params,
    /// One per rendered form.
    pub idempotency_key: Option<String>,
}

impl SpecialRequest {
    /// A form field, else the query parameter of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.form.get(name).or_else(|| self.query.get(name))
    }

    /// All form fields, and the query's parameters that are none.
    fn merged(&self) -> Params {
        let mut all = self.query.clone();
        all.0.extend(self.form.0.clone());
        all
    }
}

/// An API module called.
#[derive(Clone, Debug, Default)]
pub struct ApiRequest {
    /// Parameters.
    pub params: Params,
    /// Posted, with the wiki's token checked.
    pub post: bool,
    /// The client's own key.
    pub idempotency_key: Option<String>,
}

impl Context {
    /// Answers a special page; `None` where there is no page of that name.
    pub async fn special(
        &self,
        page: &str,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Option<View> {
        let (title, answer) = match page {
            "NovaDrift" => ("novadrift", self.novadrift(caller, request).await),
            "NovaInstance" => ("novainstance", self.novainstance(caller, request).await),
            "NovaKey" => ("novakey", self.novakey(caller, request).await),
            "NovaProject" => ("novaproject", self.novaproject(caller, request).await),
            "NovaResources" => ("novaresources", self.novaresources(caller).await),
            "NovaRole" => ("novarole", self.novarole(caller, request).await),
            "NovaSudoer" => ("novasudoer", self.novasudoer(caller, request).await),
            "NovaOperations" => ("novaoperations", self.novaoperations(caller, request).await),
            "NovaLog" => ("novalog", self.novalog(caller, request).await),
            "NovaRequest" => ("novarequest", self.novarequest(caller, request).await),
            "NovaWhy" => ("novawhy", self.novawhy(caller, request).await),
            "NovaLink" => ("novalink", self.novalink(caller, request).await),
            _ => return None,
        };
        let mut view = answer.unwrap_or_else(|refusal| refused(title, &refusal));
        if view.redirect.is_none() {
            self.banners(caller, &mut view).await;
        }
        Some(view)
    }

    /// What everybody should know on every page.
    async fn banners(&self, caller: &Caller, view: &mut View) {
        // Where the database does not answer, the page says so itself.
        if let Ok(Some(_)) = self.restored.hold().await {
            view.notice(Level::Warning, held::held().message);
        }
        let policy = &self.settings.policy;
        if let Some(reason) = &policy.maintenance {
            view.notice(
                Level::Warning,
                Msg::new("banner-maintenance").with(reason.as_str()),
            );
        }
        for (region, reason) in &policy.read_only_regions {
            view.notice(
                Level::Warning,
                Msg::new("banner-region")
                    .with(region.as_str())
                    .with(reason.as_str()),
            );
        }
        for msg in self.late.told(caller.wiki_read_only.is_some()) {
            view.notice(Level::Warning, msg);
        }
        if let Some(reason) = &caller.wiki_read_only {
            view.notice(
                Level::Warning,
                Msg::new("banner-wikireadonly").with(reason.as_str()),
            );
        }
    }
}

/// A page that says no.
fn refused(title: &str, refusal: &Refusal) -> View {
    let mut view = View::new(Msg::new(title));
    view.status = refusal.status();
    view.notice(Level::Error, refusal.message.clone());
    view
}
