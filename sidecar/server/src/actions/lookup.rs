//! Finding out who asks and what they ask about.

use super::{Caller, Context};
use crate::telemetry::metrics;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Target, is_cloudadmin};
use osm_core::ids::{InstanceId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::message::Msg;
use osm_core::ports::{Pin, PortError, Seen};
use osm_core::project::{ManagedProject, Project};
use osm_core::refusal::{Refusal, RefusalKind};
use tracing::warn;

impl Context {
    /// The actor behind a caller. Where LDAP does not answer nobody has any right.
    pub(super) async fn actor(&self, caller: &Caller) -> Result<Actor, Refusal> {
        if caller.user.wiki_user_id == 0 {
            return Err(Refusal::new(
                RefusalKind::Forbidden,
                Msg::new("mustbeloggedin"),
            ));
        }
        let linked = self
            .links
            .link_of(caller.user.wiki_user_id)
            .await
            .map_err(refuse)?;
        let person = match linked {
            Some(entry) => self.directory.person(&entry).await.map_err(refuse)?,
            None if self.settings.wiki_login_is_ldap => self.same_login(caller).await?,
            None => None,
        };
        Ok(Actor {
            user: caller.user.clone(),
            person,
        })
    }

    /// Where the wiki's login is checked against this LDAP, the octet-exact name is the person.
    async fn same_login(&self, caller: &Caller) -> Result<Option<Person>, Refusal> {
        let name = caller.user.name.as_str();
        let Some(person) = self.directory.person_by_cn(name).await.map_err(refuse)? else {
            return Ok(None);
        };
        let linked = self
            .links
            .link(caller.user.wiki_user_id, &person.entry, "login", name)
            .await
            .map_err(refuse)?;
        Ok(linked.then_some(person))
    }

    /// A project by name, its pair of ids checked against the pair pinned at first sight.
    pub(super) async fn managed(&self, name: &ProjectName) -> Result<ManagedProject, Refusal> {
        let unknown = || Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field(
                "project",
                Msg::new("nonexistentproject").with(name.as_str()),
            )
        };
        let project = self
            .directory
            .project(name)
            .await
            .map_err(refuse)?
            .filter(|p| p.name == *name)
            .ok_or_else(unknown)?;
        let known = self.identity.our_projects().await.map_err(refuse)?;
        let here = known
            .iter()
            .find(|k| k.name == name.as_str())
            .ok_or_else(|| {
                Refusal::new(
                    RefusalKind::Unavailable,
                    Msg::new("projectnotincloud").with(name.as_str()),
                )
            })?;
        self.pinned(project, &here.id).await
    }

    async fn pinned(
        &self,
        project: Project,
        id: &osm_core::ids::ProjectId,
    ) -> Result<ManagedProject, Refusal> {
        let wanted = Pin {
            name: project.name.clone(),
            entry: project.entry.clone(),
            project_id: id.clone(),
        };
        let held = self.pins.pin(&wanted).await.map_err(refuse)?;
        if held != wanted {
            warn!(project = %project.name, ?held, ?wanted, "the project's pair of ids is not the one pinned");
            return Err(mismatch(&project.name));
        }
        Ok(ManagedProject {
            project,
            project_id: id.clone(),
        })
    }

    /// The projects a person sees: their own, or all with `listall`.
    pub(super) async fn visible_projects(
        &self,
        actor: &Actor,
    ) -> Result<Vec<ProjectName>, Refusal> {
        if actor.has_right("listall") || is_cloudadmin(actor) {
            let mut all: Vec<ProjectName> = self
                .directory
                .projects()
                .await
                .map_err(refuse)?
                .into_iter()
                .map(|p| p.name)
                .collect();
            all.sort();
            return Ok(all);
        }
        let own = actor.person.iter().flat_map(|p| p.projects.keys().cloned());
        Ok(own.collect())
    }

    /// The instance a request names. Its own project and region count, whatever else the request says.
    pub(super) async fn instance(
        &self,
        id: &str,
        region: Option<&str>,
    ) -> Result<(Seen, Target), Refusal> {
        let id = InstanceId::parse(id)?;
        for region in self.regions_asked(region)? {
            if let Some(seen) = self.index.seen(&region, id).await.map_err(refuse)? {
                let target = Target::Project(region, seen.instance.project.clone());
                return Ok((seen, target));
            }
        }
        Err(Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field(
                "instanceid",
                Msg::new("nonexistenthost").with(id.to_string()),
            )
        })
    }

    fn regions_asked(&self, region: Option<&str>) -> Result<Vec<Region>, Refusal> {
        let known = self.settings.region_names();
        match region {
            None => Ok(known),
            some => Region::choose(some, &known).map(|r| vec![r]),
        }
    }

    /// Nova's present word on an instance that a permit was given for.
    pub(super) async fn fresh(&self, seen: &Seen) -> Result<Instance, Refusal> {
        let old = &seen.instance;
        let now = self
            .compute
            .server(&old.region, &old.project_id, old.id)
            .await
            .map_err(refuse)?;
        now.map(|instance| Instance {
            project: old.project.clone(),
            ..instance
        })
        .ok_or_else(|| {
            Refusal::new(
                RefusalKind::NotFound,
                Msg::new("instancegone").with(old.name.as_str()),
            )
        })
    }
}

/// A project that is not the one known by its name.
pub(super) fn mismatch(project: &ProjectName) -> Refusal {
    let why = Msg::new("projectmismatch").with(project.as_str());
    Refusal::new(RefusalKind::Conflict, why)
}

/// A neighbour's failure as a person is told it; the log has the rest.
pub(super) fn refuse(error: PortError) -> Refusal {
    warn!(%error, kind = ?error.kind, request = ?error.request_id, "a neighbour failed");
    metrics::backend_error(&error);
    error.refusal()
}
