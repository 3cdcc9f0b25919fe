//! `kill -9` of the real process at random instants, with work in flight.

use crate::invariants;
use crate::load::{Load, seed};
use crate::process::Replica;
use crate::world::World;
use std::time::{Duration, Instant};

/// Where `KILLS` says nothing.
const KILLS: usize = 6;
/// The longest life, in milliseconds.
const LIFE: u64 = 4000;

/// `TORTURE_HOURS` has it go on for so long, with the next seed each time.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn killed_at_random_instants() {
    let hours = std::env::var("TORTURE_HOURS").map_or(0.0, |text| text.parse().unwrap());
    let kills = std::env::var("KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let (begun, first) = (Instant::now(), seed());
    for round in 0.. {
        killed(first.wrapping_add(round), kills).await;
        let taken = begun.elapsed().as_secs_f64() / 3600.0;
        let so_far = (round as usize + 1) * kills;
        println!("{so_far} kills in {taken:.2} h, all invariants hold");
        if taken >= hours {
            return;
        }
    }
}

async fn killed(seed: u64, kills: usize) {
    let world = World::new(|config| {
        config.operations.lease_seconds = 6;
        config.observe.poll_seconds = 1;
    })
    .await;
    let mut load = Load::new(&world, seed).await;
    let replica = Replica::new(&world);
    for _ in 0..kills {
        load.top_up().await;
        let instant = Duration::from_millis(load.random.u64(..LIFE));
        replica.start(&[]).await;
        load.keep_up(instant).await;
        replica.kill();
    }
    replica.start(&[]).await;
    world.over().await;
    invariants::hold(&world).await;
    drop(replica);
    world.end().await;
}
