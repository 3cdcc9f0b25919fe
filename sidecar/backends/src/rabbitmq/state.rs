//! The status that Nova's API shows for what Nova calls a state and a task.

/// `None` for a state that is not known here: Nova is to be asked.
pub(super) fn status(state: &str, task: Option<&str>) -> Option<&'static str> {
    let task = task.unwrap_or_default();
    let while_at_it = match (state, task) {
        ("active", "rebooting" | "reboot_pending" | "reboot_started") => Some("REBOOT"),
        ("active", "rebooting_hard" | "reboot_pending_hard" | "reboot_started_hard") => {
            Some("HARD_REBOOT")
        }
        ("active", "updating_password") => Some("PASSWORD"),
        ("active" | "paused", "migrating") => Some("MIGRATING"),
        (
            "active" | "stopped" | "error",
            "rebuilding" | "rebuild_block_device_mapping" | "rebuild_spawning",
        ) => Some("REBUILD"),
        (
            "active" | "stopped",
            "resize_prep" | "resize_migrating" | "resize_migrated" | "resize_finish",
        ) => Some("RESIZE"),
        ("resized", "resize_reverting") => Some("REVERT_RESIZE"),
        _ => None,
    };
    while_at_it.or(match state {
        "active" => Some("ACTIVE"),
        "building" => Some("BUILD"),
        "stopped" => Some("SHUTOFF"),
        "resized" => Some("VERIFY_RESIZE"),
        "paused" => Some("PAUSED"),
        "suspended" => Some("SUSPENDED"),
        "rescued" => Some("RESCUE"),
        "error" => Some("ERROR"),
        "deleted" => Some("DELETED"),
        "soft-delete" => Some("SOFT_DELETED"),
        "shelved" => Some("SHELVED"),
        "shelved_offloaded" => Some("SHELVED_OFFLOADED"),
        _ => None,
    })
}
