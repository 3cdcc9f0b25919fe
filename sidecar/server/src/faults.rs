//! Places where the tests of crashes stop the process: `OSM_HOLD_AT=<point>[,<point>…]` makes it write the
//! point's name into the file `OSM_HOLD_FILE` and go no further there, to be killed. Builds for release
//! have none of it.

/// A place between two effects.
#[cfg(not(debug_assertions))]
pub async fn point(_name: &str) {}

/// A place between two effects.
#[cfg(debug_assertions)]
pub async fn point(name: &str) {
    let wanted = |points: &String| points.split(',').any(|point| point == name);
    if !std::env::var("OSM_HOLD_AT").is_ok_and(|points| wanted(&points)) {
        return;
    }
    if let Ok(file) = std::env::var("OSM_HOLD_FILE")
        && let Err(error) = std::fs::write(&file, name)
    {
        tracing::error!(%error, file, "the point reached cannot be told");
    }
    tracing::warn!(name, "held here, as OSM_HOLD_AT says");
    std::future::pending::<()>().await;
}
