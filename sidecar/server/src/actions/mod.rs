//! One function an action; the catalogue of them all. HTTP and the command line both come in here.

mod params;
pub use params::Params;
