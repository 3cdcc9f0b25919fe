//! Places between two effects, where the tests of crashes look on, stop the work or have it fail. A process
//! has none of them, unless it was built for tests: then `OSM_HOLD_AT=<point>,<point>…` makes it go no
//! further at each of these, with a line for each in the file `OSM_HOLD_FILE`, until it is killed or there is
//! a file of the same name with `.go` behind it.
//!
//! A point's name is `<action>/<number of the step>-<step>.<phase>`, or `<action>/over`.

use osm_core::ports::PortError;
use std::pin::Pin;
use std::sync::Arc;

/// What somebody who looks on makes of a point: an error to happen there, or nothing.
pub type Looked = Pin<Box<dyn Future<Output = Option<PortError>> + Send>>;

type Watcher = dyn Fn(&str) -> Looked + Send + Sync;

/// Who looks on.
#[derive(Clone, Default)]
pub struct Points(Option<Arc<Watcher>>);

impl Points {
    /// Calls somebody at each point.
    pub fn watched(by: impl Fn(&str) -> Looked + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(by)))
    }

    /// A point is reached.
    pub async fn reached(&self, name: impl FnOnce() -> String) -> Option<PortError> {
        match &self.0 {
            Some(by) => by(&name()).await,
            None => None,
        }
    }

    /// As the environment says, in a build for tests; else nobody looks on.
    #[cfg(not(debug_assertions))]
    pub fn from_environment() -> Self {
        Self::default()
    }

    /// As the environment says, in a build for tests; else nobody looks on.
    #[cfg(debug_assertions)]
    pub fn from_environment() -> Self {
        let Ok(points) = std::env::var("OSM_HOLD_AT") else {
            return Self::default();
        };
        let file = std::env::var("OSM_HOLD_FILE").unwrap_or_default();
        let points: Vec<String> = points.split(',').map(str::to_owned).collect();
        Self::watched(move |name| {
            let held = points.iter().any(|point| point == name);
            let (name, file) = (name.to_owned(), file.clone());
            Box::pin(async move {
                if held {
                    tracing::warn!(name, "held here, as OSM_HOLD_AT says");
                    if let Err(error) = add_line(&file, &name) {
                        tracing::error!(%error, file, "the point reached cannot be told");
                    }
                    while !std::fs::exists(format!("{file}.go")).unwrap_or(false) {
                        tokio::time::sleep(LOOK).await;
                    }
                }
                None
            })
        })
    }
}

/// Between two looks whether to go on.
#[cfg(debug_assertions)]
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

#[cfg(debug_assertions)]
fn add_line(file: &str, line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(file)?;
    // In one piece: others are held at the same moment.
    file.write_all(format!("{line}\n").as_bytes())
}
