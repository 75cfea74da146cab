//! The drill: `rotate` and `create` run from beginning to end while valid events of all webhooks
//! arrive without pause. Some tests kill the commands at every possible place.

mod kill;
mod sent;
mod world;

use self::kill::Kill;
use self::world::{OLD, TTL, World};
use crate::support::{all_at_once, millis, seconds};
use serde_json::json;

#[tokio::test]
async fn function_refuses_no_valid_event_during_a_rotation() {
    let world = World::start(2, TTL, millis(0)).await;
    let rotate = world.rotate_with(&["--settle", "3", "--overlap", "2", "--grace", "3"]);
    let (sent, ran) = world.while_sending(rotate.run(&world.jw)).await;
    let new = world.check(&sent).await;
    assert!(sent.late > 0, "{} events, none late", sent.events.len());
    let result = json!({
        "old_webhook_id": OLD, "new_webhook_id": new, "secret_ttl_seconds": TTL.as_secs(),
    });
    assert_eq!(ran.json(), result);
}

#[tokio::test]
async fn rotation_killed_once_is_finished_by_the_next_run() {
    let kills = [
        Kill::at("POST").done(),
        Kill::at("UpdateSecretVersionStage").done(),
        Kill::at("UpdateSecretVersionStage").done().and_then(seconds(1)), // during the settle wait
        Kill::at("PATCH").done(),
        Kill::at("PATCH").done().and_then(millis(600)), // during the overlap wait
        Kill::at("DELETE").done(),
        Kill::at("DELETE").done().and_then(millis(600)), // during the grace wait
    ];
    all_at_once(kills, async |kill| {
        let world = World::start(2, TTL, millis(20)).await;
        let (sent, ran) = world
            .while_sending(async {
                kill.strike(&world, world.rotate()).await;
                world.rotate().run(&world.jw).await
            })
            .await;
        let new = world.check(&sent).await;
        assert_eq!(ran.json()["new_webhook_id"], new.as_str(), "{kill:?}");
    })
    .await;
}

#[tokio::test]
async fn rotation_killed_at_any_call_or_wait_is_finished_by_the_next_runs() {
    let ring = ["PutSecretValue", "UpdateSecretVersionStage"];
    let mut kills = vec![Kill::at("POST"), Kill::at("POST").done()];
    kills.extend([Kill::at("DELETE"), Kill::at("DELETE").done()]); // the webhook of the run before
    kills.extend(ring.iter().flat_map(|call| [Kill::at(call), Kill::at(call).done()]));
    kills.push(Kill::after(millis(1500))); // during the settle wait
    kills.extend([Kill::at("PATCH"), Kill::at("PATCH").done()]);
    kills.push(Kill::after(millis(700))); // during the overlap wait
    kills.extend([Kill::at("DELETE"), Kill::at("DELETE").done()]);
    kills.push(Kill::after(millis(700))); // during the grace wait
    kills.extend(ring.iter().flat_map(|call| [Kill::at(call), Kill::at(call).done()]));

    let world = World::start(1, TTL, millis(20)).await;
    let (sent, ran) = world
        .while_sending(async {
            for kill in &kills {
                kill.strike(&world, world.rotate()).await;
            }
            world.rotate().run(&world.jw).await
        })
        .await;
    world.check(&sent).await;
    let error = ran.error();
    assert!(error.contains("the rotation is finished, or the id is wrong"), "{error}");
}

#[tokio::test]
async fn function_refuses_no_event_of_a_webhook_from_create() {
    let world = World::start(2, TTL, millis(0)).await;
    let create = world.create(&["--settle", "3"]).run(&world.jw);
    let (sent, ran) = world.while_sending(create).await;
    let new = ran.json()["id"].as_str().unwrap().to_owned();
    world.check_created(&sent, &new).await;
}

#[tokio::test]
async fn function_refuses_no_event_if_create_is_killed_and_run_again() {
    let kills = [
        Kill::at("PutSecretValue").done(), // the key is not in use yet: another webhook is created
        Kill::at("UpdateSecretVersionStage").done(),
        Kill::at("UpdateSecretVersionStage").done().and_then(seconds(1)), // during the settle wait
        Kill::at("PATCH"),
    ];
    all_at_once(kills, async |kill| {
        let world = World::start(1, TTL, millis(20)).await;
        let create = || world.create(&["--settle", "3"]);
        let (sent, ran) = world
            .while_sending(async {
                kill.strike(&world, create()).await;
                create().run(&world.jw).await
            })
            .await;
        let new = ran.json()["id"].as_str().unwrap().to_owned();
        world.check_created(&sent, &new).await;
    })
    .await;
}

#[tokio::test]
async fn drill_detects_a_webhook_that_calls_too_early() {
    let world = World::start(1, seconds(300), millis(5)).await;
    let (sent, ran) = world.while_sending(world.create(&["--settle", "0"]).run(&world.jw)).await;
    ran.done();
    assert!(!sent.faults.is_empty());
    for found in &sent.faults {
        assert!(found.ends_with("of new00001: 401 webhook_unknown"), "{found}");
    }
    world.watch_for_secrets();
}

#[tokio::test]
async fn drill_detects_waits_that_are_too_short() {
    let cases = [
        ("--settle", seconds(300), millis(0), "of new00001: 401 webhook_unknown"),
        ("--overlap", TTL, seconds(10), "to nobody"),
    ];
    all_at_once(cases, async |(too_short, ttl, lag, fault)| {
        let waits = ["--settle", "--overlap", "--grace"]
            .map(|wait| [wait, if wait == too_short { "0" } else { "2" }]);
        let waits: Vec<_> = waits.concat();
        let world = World::start(1, ttl, millis(5)).await.with_lag(lag).with_rechecks(5);
        let (sent, ran) = world.while_sending(world.rotate_with(&waits).run(&world.jw)).await;
        ran.done();
        assert!(!sent.faults.is_empty(), "{too_short} 0");
        for found in &sent.faults {
            assert!(found.ends_with(fault), "{too_short} 0: {found}");
        }
        world.watch_for_secrets();
    })
    .await;
}
