//! IRC against real servers, ngIRCd and InspIRCd, each started anew, with an independent client beside the bot.
//!
//! `cargo test -p osm-backends --test irc -- --ignored`; needs Debian's ngircd, inspircd and openssl, and no lab.

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod nicks;
mod person;
mod servers;
mod silent;
mod split;
mod talking;
mod tls;
mod world;
