//! The process's metrics, in the text format that Prometheus reads. One set for the whole process:
//! whoever has something to count calls a function of this module.

use osm_core::action::Action;
use osm_core::ports::{Kind, OperationState, PortError};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    rejections: Family<RejectionLabels, Counter>,
    backend_errors: Family<BackendLabels, Counter>,
    operations_ended: Family<EndedLabels, Counter>,
    operations_open: Family<StateLabels, Gauge>,
    held: Gauge,
    pages_waiting: Gauge,
    pages_oldest: Gauge,
    log_waiting: Gauge,
    log_passed_over: Counter,
    pages_done: Family<PageLabels, Counter>,
    pages_lag: Histogram,
    cloud_age: Family<RegionLabels, Gauge>,
    away: Family<NeighbourLabels, Gauge>,
    notifications: Family<NotificationLabels, Counter>,
    notifications_connected: Gauge,
    notifications_waiting: Gauge,
    notifications_lag: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectionLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabels {
    system: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndedLabels {
    action: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PageLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegionLabels {
    region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NeighbourLabels {
    system: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    content: &'static str,
}

impl Metrics {
    fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("openstackmanager"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| {
                Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
            }),
            rejections: Family::default(),
            backend_errors: Family::default(),
            operations_ended: Family::default(),
            operations_open: Family::default(),
            held: Gauge::default(),
            pages_waiting: Gauge::default(),
            pages_oldest: Gauge::default(),
            log_waiting: Gauge::default(),
            log_passed_over: Counter::default(),
            pages_done: Family::default(),
            pages_lag: Histogram::new([0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]),
            cloud_age: Family::default(),
            away: Family::default(),
            notifications: Family::default(),
            notifications_connected: Gauge::default(),
            notifications_waiting: Gauge::default(),
            notifications_lag: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "requests",
            "Requests of the shim, by special page or module, and HTTP status",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "How long requests of the shim took",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "signature_rejections",
            "Requests refused before anything was done, by reason",
            metrics.rejections.clone(),
        );
        registry.register(
            "backend_errors",
            "Failures of neighbours, by system and kind",
            metrics.backend_errors.clone(),
        );
        registry.register(
            "operations_ended",
            "Operations that came to an end in this process, by action and state",
            metrics.operations_ended.clone(),
        );
        registry.register(
            "operations_open",
            "Operations recorded and not over, by state",
            metrics.operations_open.clone(),
        );
        registry.register(
            "held",
            "1 while nothing is changed, since an older database was restored",
            metrics.held.clone(),
        );
        registry.register(
            "pages_waiting",
            "Wiki pages that wait to be written",
            metrics.pages_waiting.clone(),
        );
        registry.register(
            "log_waiting",
            "Entries of the Server Admin Log that are accepted and not on their pages yet",
            metrics.log_waiting.clone(),
        );
        registry.register(
            "log_passed_over",
            "Entries of the Server Admin Log that the wiki would not have on their pages",
            metrics.log_passed_over.clone(),
        );
        registry.register_with_unit(
            "pages_oldest",
            "How long the oldest of them has been waiting",
            Unit::Seconds,
            metrics.pages_oldest.clone(),
        );
        registry.register(
            "pages_done",
            "What became of wiki pages that were due, in this process",
            metrics.pages_done.clone(),
        );
        metrics.register_lateness();
        metrics.register_notifications();
        metrics
    }
}

impl Metrics {
    fn register_lateness(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "pages_lag",
            "How long after a change was seen or done its page was saved",
            Unit::Seconds,
            self.pages_lag.clone(),
        );
        registry.register_with_unit(
            "cloud_age",
            "How long ago a region was last read",
            Unit::Seconds,
            self.cloud_age.clone(),
        );
        registry.register(
            "neighbour_away",
            "1 while a neighbour does not answer",
            self.away.clone(),
        );
    }

    fn register_notifications(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "notifications",
            "Messages of OpenStack's services heard in this process, by what they hold",
            self.notifications.clone(),
        );
        registry.register(
            "notifications_connected",
            "Whether this process listens to them",
            self.notifications_connected.clone(),
        );
        registry.register(
            "notifications_waiting",
            "Messages that wait in our queue",
            self.notifications_waiting.clone(),
        );
        registry.register_with_unit(
            "notifications_lag",
            "How old the last event was when it was heard",
            Unit::Seconds,
            self.notifications_lag.clone(),
        );
    }
}

/// A request of the shim was answered.
pub fn request(route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    METRICS
        .durations
        .get_or_create(&RouteLabels {
            route: route.clone(),
        })
        .observe(took.as_secs_f64());
    METRICS
        .requests
        .get_or_create(&RequestLabels { route, status })
        .inc();
}

/// A request was refused at the gate.
pub fn rejection(reason: &'static str) {
    METRICS
        .rejections
        .get_or_create(&RejectionLabels { reason })
        .inc();
}

/// A neighbour failed.
pub fn backend_error(error: &PortError) {
    let kind = match error.kind {
        Kind::NotFound => "not-found",
        Kind::Conflict => "conflict",
        Kind::Denied => "denied",
        Kind::Quota => "quota",
        Kind::Rejected => "rejected",
        Kind::TooLarge => "too-large",
        Kind::RateLimited(_) => "rate-limited",
        Kind::Unavailable => "unavailable",
        Kind::Timeout => "timeout",
        Kind::Protocol => "protocol",
    };
    METRICS
        .backend_errors
        .get_or_create(&BackendLabels {
            system: error.system,
            kind,
        })
        .inc();
}

/// An operation came to an end.
pub fn operation_ended(action: Action, state: OperationState) {
    METRICS
        .operations_ended
        .get_or_create(&EndedLabels {
            action: action.name(),
            state: state.name(),
        })
        .inc();
}

/// How many operations are in a state.
pub fn operations_open(state: OperationState, count: usize) {
    METRICS
        .operations_open
        .get_or_create(&StateLabels {
            state: state.name(),
        })
        .set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// Whether all writing is held.
pub fn held(held: bool) {
    METRICS.held.set(i64::from(held));
}

/// How many pages wait, and for how many seconds the oldest does.
pub fn pages(waiting: u64, oldest: i64) {
    METRICS
        .pages_waiting
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    METRICS.pages_oldest.set(oldest);
}

/// How many entries of logs wait.
pub fn log_waiting(entries: u64) {
    let entries = i64::try_from(entries).unwrap_or(i64::MAX);
    METRICS.log_waiting.set(entries);
}

/// An entry of a log was passed over.
pub fn log_passed_over() {
    METRICS.log_passed_over.inc();
}

/// A page was saved so long after the first of what it tells was seen.
pub fn pages_lag(lag: chrono::TimeDelta) {
    let lag = lag.to_std().unwrap_or_default();
    METRICS.pages_lag.observe(lag.as_secs_f64());
}

/// How many seconds ago a region was read.
pub fn cloud_age(region: &str, seconds: i64) {
    let region = region.to_owned();
    let labels = RegionLabels { region };
    METRICS.cloud_age.get_or_create(&labels).set(seconds.max(0));
}

/// Whether a neighbour does not answer.
pub fn neighbour_away(system: &'static str, away: bool) {
    let labels = NeighbourLabels { system };
    METRICS.away.get_or_create(&labels).set(away.into());
}

/// How often the documenter, which counts by itself, came to an outcome.
pub fn pages_done(outcome: &'static str, count: u64) {
    METRICS
        .pages_done
        .get_or_create(&PageLabels { outcome })
        .inner()
        .store(count, Ordering::Relaxed);
}

/// A message of OpenStack's services was heard.
pub fn notification(content: &'static str) {
    METRICS
        .notifications
        .get_or_create(&NotificationLabels { content })
        .inc();
}

/// Whether we listen to them.
pub fn notifications_connected(connected: bool) {
    METRICS.notifications_connected.set(connected.into());
}

/// How many of them wait in our queue.
pub fn notifications_waiting(count: u32) {
    METRICS.notifications_waiting.set(count.into());
}

/// How many seconds old the last event was.
pub fn notifications_lag(seconds: i64) {
    METRICS.notifications_lag.set(seconds.max(0));
}

/// All of them as text.
pub fn text() -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, &METRICS.registry);
    text
}
