//! `doctor`: looks at each neighbour as the serving process will, and says what to mend.

mod notifications;

use crate::app;
use crate::cli::say;
use crate::config::{Config, RegionConfig, Secrets};
use chrono::Utc;
use osm_core::ports::{
    ComputeRead, Directory, Hold, Identity, KeystoneProject, Kind, Notifications, PortError, Since,
    WikiRead,
};
use osm_core::project::Project;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// The neighbours, as the serving process would reach them.
pub struct Patient {
    /// The schema's version there and the one needed, or why the database does not say.
    pub schema: Result<(u32, u32), PortError>,
    /// All writing is held after a restore.
    pub held: Option<Hold>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Keystone.
    pub identity: Arc<dyn Identity>,
    /// Nova, Glance, Neutron.
    pub compute: Arc<dyn ComputeRead>,
    /// MediaWiki.
    pub wiki: Arc<dyn WikiRead>,
    /// RabbitMQ, where it is configured.
    pub notifications: Option<Arc<dyn Notifications>>,
}

/// Checks everything, prints a line for each thing seen.
pub async fn run(config: &Config, secrets: Secrets) -> ExitCode {
    let mut report = Report::default();
    files(config, &mut report);
    match app::patient(config, &secrets).await {
        Ok(patient) => patient.examine(config, &mut report).await,
        Err(error) => report.wrong("config", &error, "correct the configuration"),
    }
    say(format_args!("{}", report.summary()));
    if report.wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Default)]
struct Report {
    wrong: usize,
    warned: usize,
}

impl Report {
    fn fine(&mut self, part: &str, what: &str) {
        say(format_args!("{part:10}ok       {what}"));
    }

    /// It works, but not as it should.
    fn warn(&mut self, part: &str, what: &str, mend: &str) {
        self.warned += 1;
        say(format_args!("{part:10}warning  {what}\n{:19}→ {mend}", ""));
    }

    /// It does not work.
    fn wrong(&mut self, part: &str, what: &dyn std::fmt::Display, mend: &str) {
        self.wrong += 1;
        say(format_args!("{part:10}WRONG    {what}\n{:19}→ {mend}", ""));
    }

    fn summary(&self) -> String {
        match (self.wrong, self.warned) {
            (0, 0) => "All is well.".to_owned(),
            (wrong, warned) => format!("{wrong} wrong, {warned} warnings."),
        }
    }
}

/// Secrets that others on the machine can read are none.
fn files(config: &Config, report: &mut Report) {
    let admin = config.keystone.admin.as_ref();
    let files = [
        &config.database.password_file,
        &config.keystone.password_file,
        &config.ldap.password_file,
        &config.signing.shim_keys_file,
        &config.signing.wiki_keys_file,
    ];
    let rabbitmq = config.rabbitmq.as_ref().map(|r| &r.password_file);
    let files = files
        .into_iter()
        .chain(admin.map(|a| &a.password_file))
        .chain(rabbitmq);
    for file in files.flatten() {
        if let Some(mode) = mode(file).filter(|mode| mode & 0o007 != 0) {
            report.wrong(
                "files",
                &format!(
                    "{} has mode {mode:04o}: everybody can get at it",
                    file.display()
                ),
                &format!("chmod o= {}", file.display()),
            );
        }
    }
    if !config.server.listen.ip().is_loopback() {
        report.warn(
            "server",
            &format!("listens on {}, beyond this machine", config.server.listen),
            "let only the wiki's servers reach it; requests are signed, but not encrypted",
        );
    }
    let ldap = &config.ldap;
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&ldap.url.host_str().unwrap_or(""));
    if ldap.url.scheme() == "ldap" && !ldap.starttls && !local {
        report.warn(
            "ldap",
            "passwords go over the network unencrypted",
            "set ldap.starttls = true, or use an ldaps:// address",
        );
    }
}

fn mode(path: &Path) -> Option<u32> {
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

impl Patient {
    async fn examine(&self, config: &Config, report: &mut Report) {
        self.check_database(report);
        if let Some(hold) = &self.held {
            report.warn(
                "mysql",
                &format!("all writing is held: {}", hold.detail),
                "look at `openstackmanager restored`, which also says how to go on",
            );
        }
        let projects = self.check_directory(report).await;
        if let Some(known) = self.check_identity(config, report).await {
            for region in &config.regions {
                self.check_region(region, &known, report).await;
            }
            compare(&projects, &known, report);
        }
        self.check_wiki(config, report).await;
        notifications::check(self.notifications.as_deref(), config, report).await;
    }

    fn check_database(&self, report: &mut Report) {
        match &self.schema {
            Ok((there, known)) if there < known => report.wrong(
                "mysql",
                &format!("the schema is at version {there}, this program needs {known}"),
                "run `openstackmanager migrate`",
            ),
            Ok((there, known)) if there > known => report.warn(
                "mysql",
                &format!("the schema is at version {there}, this program knows {known}"),
                "update this program: a newer one has been here",
            ),
            Ok((there, _)) => report.fine("mysql", &format!("schema at version {there}")),
            Err(error) if error.kind == Kind::Rejected || error.kind == Kind::NotFound => {
                report.wrong("mysql", error, "run `openstackmanager migrate`")
            }
            Err(error) => report.wrong(
                "mysql",
                error,
                "see that the database runs, that it exists, and that [database] names its account",
            ),
        }
    }

    async fn check_directory(&self, report: &mut Report) -> Vec<Project> {
        if let Err(error) = self.directory.ping().await {
            report.wrong(
                "ldap",
                &error,
                "see that the server runs, and that bind_dn, its password and the bases in [ldap] are right",
            );
            return Vec::new();
        }
        match self.directory.projects().await {
            Ok(projects) if projects.is_empty() => {
                report.warn(
                    "ldap",
                    "there is no project below ldap.projects_base, or our account may not see them",
                    "compare with docs/INSTALL.md what the account must be allowed to read",
                );
                projects
            }
            Ok(projects) => {
                let members: BTreeSet<_> = projects
                    .iter()
                    .flat_map(|p| &p.members)
                    .map(|m| &m.entry)
                    .collect();
                let seen = format!(
                    "{} projects, {} people in them",
                    projects.len(),
                    members.len()
                );
                report.fine("ldap", &seen);
                projects
            }
            Err(error) => {
                report.wrong("ldap", &error, "let our account read the projects' entries");
                Vec::new()
            }
        }
    }

    async fn check_identity(
        &self,
        config: &Config,
        report: &mut Report,
    ) -> Option<Vec<KeystoneProject>> {
        let account = &config.keystone.username;
        let known = match self.identity.our_projects().await {
            Ok(known) => known,
            Err(error) => {
                report.wrong(
                    "keystone",
                    &error,
                    "see that auth_url, username, domains and password in [keystone] are right, \
                     and that the account holds a role in reader_project",
                );
                return None;
            }
        };
        report.fine(
            "keystone",
            &format!("{account} has roles in {} projects", known.len()),
        );
        match self.identity.ping().await {
            Ok(()) => report.fine("keystone", "the catalogue has each region's services"),
            Err(error) => report.wrong(
                "keystone",
                &error,
                "compare [[regions]] and region_interface with `openstack catalog list`",
            ),
        }
        Some(known)
    }

    async fn check_region(
        &self,
        region: &RegionConfig,
        known: &[KeystoneProject],
        report: &mut Report,
    ) {
        let name = region.name.as_str();
        let mend = "see that Nova runs there, and compare the account's roles with docs/INSTALL.md";
        match self
            .compute
            .servers(&region.name, Since::Changed(Utc::now()))
            .await
        {
            Ok(_) => report.fine("nova", &format!("{name}: servers can be listed")),
            Err(error) => return report.wrong("nova", &error, mend),
        }
        // Any project will do in which the account can act.
        let Some(project) = known.iter().find(|project| project.enabled) else {
            return;
        };
        let images = self.compute.images(&region.name, &project.id).await;
        let network = self
            .compute
            .network(&region.name, &project.id, &region.network)
            .await;
        match images {
            Ok(images) => report.fine("glance", &format!("{name}: {} images", images.len())),
            Err(error) => report.wrong("glance", &error, "see that Glance runs in that region"),
        }
        match network {
            Ok(id) => report.fine(
                "neutron",
                &format!("{name}: network {} is {id}", region.network),
            ),
            Err(error) => report.wrong(
                "neutron",
                &error,
                "set regions.network to a network that all projects may use, or to \"auto\"",
            ),
        }
    }

    async fn check_wiki(&self, config: &Config, report: &mut Report) {
        let info = match self.wiki.info().await {
            Ok(info) => info,
            Err(error) => {
                return report.wrong(
                    "wiki",
                    &error,
                    "see that the wiki runs and loads the extension, that wiki.api_url is as it names \
                     itself, that both read the same wiki.keys, that our address is in \
                     $wgOpenStackManagerSidecarPeers, and that the two clocks agree within 30 s",
                );
            }
        };
        report.fine(
            "wiki",
            &format!(
                "{} with OpenStackManager {} answers signed requests",
                info.generator, info.extension_version
            ),
        );
        match self.wiki.user_id(&info.system_user).await {
            Ok(Some(id)) => report.fine(
                "wiki",
                &format!("system user {} (id {id})", info.system_user),
            ),
            Ok(None) => report.wrong(
                "wiki",
                &format!("there is no user {}", info.system_user),
                "run the wiki's maintenance/update.php, which makes it",
            ),
            Err(error) => report.wrong("wiki", &error, "see the wiki's log"),
        }
        if let Some(reason) = info.read_only {
            report.warn(
                "wiki",
                &format!("is read-only: {reason}"),
                "pages are written when it is not any more",
            );
        }
        if !info.smw {
            report.warn(
                "wiki",
                "Semantic MediaWiki is not there: pages read well, but cannot be queried",
                "install it, if that is wanted, and run `openstackmanager wiki push`",
            );
        }
        let template = "Template:Nova Resource".to_owned();
        match self.wiki.pages(std::slice::from_ref(&template)).await {
            Ok(pages) if pages.iter().all(|page| page.page_id.is_some()) => {
                report.fine("wiki", "the templates are there");
            }
            Ok(_) => report.wrong(
                "wiki",
                &format!("there is no {template}"),
                "run `openstackmanager wiki push`",
            ),
            Err(error) => report.wrong("wiki", &error, "see the wiki's log"),
        }
        report.fine(
            "server",
            &format!(
                "the wiki must reach this program at http://{}/",
                config.server.public_authority
            ),
        );
    }
}

/// Each LDAP project has a Keystone project of its name in which our account acts.
fn compare(projects: &[Project], known: &[KeystoneProject], report: &mut Report) {
    let here: BTreeSet<&str> = known
        .iter()
        .filter(|p| p.enabled)
        .map(|p| p.name.as_str())
        .collect();
    let missing: Vec<&str> = projects
        .iter()
        .map(|project| project.name.as_str())
        .filter(|name| !here.contains(name))
        .collect();
    if missing.is_empty() {
        return;
    }
    report.warn(
        "projects",
        &format!(
            "in LDAP, but not among our account's Keystone projects: {}",
            missing.join(", ")
        ),
        "create them in Keystone under the same names, and give our account the role member there",
    );
}
