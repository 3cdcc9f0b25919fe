//! OpenStackManager.
fn main() {}
