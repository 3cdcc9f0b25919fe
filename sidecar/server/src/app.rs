//! The composition root: with `app/`, the only place that names concrete backends.

mod blocks;
mod clients;
mod commands;
mod drift;
mod hearing;
mod late;
mod log;
mod restored;
mod settings;

use crate::actions::{ApiReply, ApiRequest, Caller, Context, Settings, SpecialRequest};
use crate::audit::Sealer;
use crate::cli::{Failure, Hand};
use crate::config::{Config, Secrets};
use crate::doctor::Patient;
use crate::documenter::Documenter;
use crate::drift::Latest;
use crate::faults::Points;
use crate::http::{self, Actions, Ask, Backlog, Gate, Health, Http};
use crate::late::Late;
use crate::log::Book;
use crate::observe::Observer;
use crate::operations::{Effects, Founding, Runner};
use crate::telemetry::metrics;
use async_trait::async_trait;
use chrono::Utc;
pub use clients::{assigner, cloud, directory, store, wiki};
use futures_util::FutureExt as _;
pub use log::book;
use osm_backends::ldap::Ldap;
use osm_backends::mysql::Store;
use osm_backends::openstack::{Assigner, OpenStack, with_request_id};
pub use osm_backends::remote::log as log_remotely;
use osm_backends::wiki::Wiki;
use osm_core::log::deeds::Loggers;
use osm_core::ports::{
    Holds as _, LogWriting as _, OperationFilter, OperationWork as _, Operations as _, Pages as _,
    PortError,
};
use osm_core::view::View;
use restored::once_compared;
pub use settings::settings;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};
use ulid::Ulid;

/// How long requests and workers under way may take after we are told to stop.
const GRACE: Duration = Duration::from_secs(25);
/// How long a call to OpenStack may take while a person waits: they are to hear which part hangs.
const WAITING: Duration = Duration::from_secs(7);
/// More open operations than this are not counted one by one.
const COUNTED: u32 = 10_000;

/// The process's neighbours.
pub struct App {
    /// MySQL.
    pub store: Arc<Store>,
    directory: Arc<Ldap>,
    cloud: Arc<OpenStack>,
    /// The same for what a person waits for.
    quick: Arc<OpenStack>,
    assigner: Option<Arc<Assigner>>,
    wiki: Arc<Wiki>,
}

impl App {
    /// Makes a client of each neighbour; only the database must be there.
    pub async fn connect(config: &Config, secrets: &Secrets) -> Result<Self, PortError> {
        Ok(Self {
            directory: Arc::new(directory(config, secrets)?),
            cloud: Arc::new(cloud(config, secrets, OpenStack::CALL_TIMEOUT)?),
            quick: Arc::new(cloud(config, secrets, WAITING)?),
            assigner: assigner(config, secrets)?,
            wiki: Arc::new(wiki(config, secrets)?),
            store: Arc::new(store(config, secrets).await?),
        })
    }

    /// What actions may reach.
    fn context(
        &self,
        config: &Config,
        settings: Arc<Settings>,
        work: Arc<Notify>,
        late: Arc<Late>,
        book: Arc<Book>,
    ) -> Context {
        Context {
            book,
            compute: self.quick.clone(),
            directory: self.directory.clone(),
            identity: self.quick.clone(),
            wiki: self.wiki.clone(),
            links: self.store.clone(),
            pins: self.store.clone(),
            requests: self.store.clone(),
            operations: self.store.clone(),
            pages: self.store.clone(),
            index: self.store.clone(),
            late,
            restored: Arc::new(self.comparing(settings.clone(), self.quick.clone())),
            drift: Latest::new(self.drift(config)),
            settings,
            work,
            clock: Utc::now,
            blocks: Arc::default(),
            attempts: Arc::default(),
        }
    }

    /// For actions from the command line. Who serves looks for what was recorded every second.
    pub fn hand(&self, config: &Config) -> Hand {
        let (settings, late) = (Arc::new(settings(config)), Arc::new(self.late(config)));
        let book = self.book(config);
        Hand {
            context: self.context(config, settings, Arc::default(), late, book),
            wiki: self.wiki.clone(),
        }
    }

    /// Serves until told to stop.
    pub async fn serve(self, config: &Config, secrets: Secrets) -> Result<(), Failure> {
        let (there, known) = self.store.schema().await?;
        if there < known {
            return Err(Failure::Refused(format!(
                "the database's schema is at version {there}, this program needs {known}: \
                 run `openstackmanager migrate` first"
            )));
        }
        let address = config.server.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| Failure::System(format!("cannot listen on {address}"), error))?;

        let (stop, stopped) = watch::channel(false);
        let settings = Arc::new(settings(config));
        let (work_bell, page_bell) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        // Claims of two replicas, or of two lives of one, never look the same.
        let owner = Ulid::generate().to_string();
        let runner = Arc::new(Runner {
            work: self.store.clone(),
            index: self.store.clone(),
            compute: self.cloud.clone(),
            directory: self.directory.clone(),
            effects: Effects::new(
                self.cloud.clone(),
                self.directory.clone(),
                self.assigner.clone(),
            ),
            founding: Founding {
                pins: self.store.clone(),
                links: self.store.clone(),
                numbers: self.store.clone(),
                identity: self.cloud.clone(),
                first_gid: config.ldap.first_project_gid,
                first_uid: (config.accounts.as_ref())
                    .map_or(u32::MAX, |accounts| accounts.first_uid),
            },
            work_bell: work_bell.clone(),
            page_bell: page_bell.clone(),
            loggers: Loggers::new(config.log.operations.clone()),
            owner: owner.clone(),
            traced: |id, work| Box::pin(async move { with_request_id(&id, work).await }),
            clock: Utc::now,
            patience: config.operations.patience(),
            points: Points::from_environment(),
        });
        let documenter =
            Arc::new(self.documenter(config, settings.clone(), page_bell.clone(), owner.clone()));
        let sealer = Sealer {
            seals: self.store.clone(),
            page_bell: page_bell.clone(),
            owner: owner.clone(),
            clock: Utc::now,
        };
        let logging = self.logging(config, &secrets, &owner)?;
        let restored = Arc::new(self.restored(config));
        let observer = Arc::new(Observer {
            wiki: self.wiki.clone(),
            restored: restored.clone(),
            compute: self.cloud.clone(),
            directory: self.directory.clone(),
            identity: self.cloud.clone(),
            pins: self.store.clone(),
            index: self.store.clone(),
            operations: self.store.clone(),
            pages: self.store.clone(),
            settings: settings.clone(),
            page_bell,
            work_bell: work_bell.clone(),
            missed: Arc::default(),
            poll: Duration::from_secs(config.observe.poll_seconds),
            compare: Duration::from_secs(60 * config.observe.compare_minutes),
            clock: Utc::now,
        });
        let late = Arc::new(self.late(config));
        let hears = self.hears(config, &secrets, &observer, &late)?;
        let context = self.context(config, settings, work_bell, late.clone(), logging.book);
        let blocks = Arc::new(self.blocks(config, &context));
        let gate = Gate::new(
            secrets.shim_keys,
            config.server.public_authority.clone(),
            self.store.clone(),
        );
        let health = self.health(documenter.clone());
        let scripts = http::scripts::router(Arc::new(context.clone()));
        let router = http::router(Http::new(gate, Arc::new(Traced(context)), health));

        let mut workers = JoinSet::new();
        let (compared, begin) = watch::channel(false);
        let stop_looking = stopped.clone();
        tokio::spawn(async move {
            restored.at_start(stop_looking).await;
            let _ = compared.send(true);
        });
        let waiting = |work| once_compared(begin.clone(), stopped.clone(), work);
        workers.spawn(waiting(runner.run(stopped.clone()).boxed()));
        workers.spawn(waiting(documenter.run(stopped.clone()).boxed()));
        workers.spawn(waiting(observer.run(stopped.clone()).boxed()));
        workers.spawn(waiting(blocks.run(stopped.clone()).boxed()));
        workers.spawn(sealer.run(stopped.clone()));
        workers.spawn(logging.writer.run(stopped.clone()));
        for bot in logging.bots {
            workers.spawn(bot.run(stopped.clone()));
        }
        for poster in logging.posters {
            workers.spawn(poster.run(stopped.clone()));
        }
        workers.spawn(late.run(stopped.clone()));
        if let Some(listener) = hears {
            workers.spawn(listener.run(stopped.clone()));
        }
        info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
        let server = axum::serve(listener, router.merge(scripts))
            .with_graceful_shutdown(told(stopped.clone()))
            .into_future();
        let server = tokio::spawn(server);

        // A worker ends by itself only by a mistake of ours: then it is better to be started anew.
        let whole = tokio::select! {
            () = signal() => { info!("told to stop"); true }
            _ = workers.join_next() => { warn!("a worker has ended; stopping"); false }
        };
        let _ = stop.send(true);
        let finishing = async {
            let _ = server.await;
            while workers.join_next().await.is_some() {}
        };
        if tokio::time::timeout(GRACE, finishing).await.is_err() {
            warn!("what was still under way after {GRACE:?} is cut off; it is taken up again");
        }
        info!("stopped");
        if whole {
            Ok(())
        } else {
            Err(Failure::Refused(
                "a worker has ended; the log says why".to_owned(),
            ))
        }
    }

    fn health(&self, documenter: Arc<Documenter>) -> Health {
        let mut neighbours = self.neighbours();
        let clock = ask(self.store.clone(), |it| async move {
            it.in_time(Utc::now()).await
        });
        neighbours.push(("clock", clock));
        let backlog = ask(self.store.clone(), move |store| {
            let counts = &documenter.counts;
            for (what, count) in [
                ("edited", &counts.edits),
                ("spared", &counts.spared),
                ("conflict", &counts.conflicts),
                ("by-system-user", &counts.by_system),
                ("put-off", &counts.put_off),
            ] {
                metrics::pages_done(what, count.load(Ordering::Relaxed));
            }
            async move {
                let (pages, since) = store.backlog().await?;
                metrics::log_waiting(store.log_backlog().await?.0);
                let filter = OperationFilter {
                    open: true,
                    limit: COUNTED,
                    ..OperationFilter::default()
                };
                let open = store.operations(&filter).await?;
                Ok(Backlog {
                    held: store.hold().await?.is_some(),
                    operations: open.into_iter().map(|operation| operation.state).collect(),
                    pages,
                    since,
                })
            }
        });
        Health::new(neighbours, backlog)
    }
}

/// What `doctor` looks at.
pub async fn patient(config: &Config, secrets: &Secrets) -> Result<Patient, PortError> {
    let cloud = Arc::new(cloud(config, secrets, WAITING)?);
    let (schema, held) = match store(config, secrets).await {
        Ok(store) => (store.schema().await, store.hold().await.unwrap_or(None)),
        Err(error) => (Err(error), None),
    };
    Ok(Patient {
        schema,
        held,
        directory: Arc::new(directory(config, secrets)?),
        identity: cloud.clone(),
        compute: cloud,
        wiki: Arc::new(wiki(config, secrets)?),
        notifications: clients::rabbitmq(config, secrets)?.map(|it| Arc::new(it) as _),
    })
}

/// Actions whose calls to OpenStack carry the wiki's request id.
struct Traced(Context);

#[async_trait]
impl Actions for Traced {
    async fn special(&self, page: &str, caller: &Caller, request: &SpecialRequest) -> Option<View> {
        with_request_id(&caller.request_id, self.0.special(page, caller, request)).await
    }
    async fn api(&self, module: &str, caller: &Caller, request: &ApiRequest) -> Option<ApiReply> {
        with_request_id(&caller.request_id, self.0.api(module, caller, request)).await
    }
}

fn ask<N, T, F>(neighbour: Arc<N>, question: impl Fn(Arc<N>) -> F + Send + Sync + 'static) -> Ask<T>
where
    N: Send + Sync + 'static,
    F: Future<Output = Result<T, PortError>> + Send + 'static,
{
    Box::new(move || question(neighbour.clone()).boxed())
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error says that the sender is gone, and with it the process's main task.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Ends when the process is asked to stop.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(error) => {
                warn!(%error, "SIGTERM cannot be waited for");
                std::future::pending().await
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
