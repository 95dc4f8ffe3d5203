//! Temporal behind TLS: with the worker's certificate, with an API key, and with settings that do not fit.

use bulkhead_test_kit::TestTemporal;
use serde_json::{Value, json};

use crate::tls_proxy::TlsProxy;
use crate::world::World;

/// A run that Temporal has to drive: it waits.
async fn a_run_that_waits_ends(world: &World) {
    let document = json!({
        "format": 1, "title": "Wait", "start": "pause",
        "blocks": { "pause": { "type": "wait", "for": { "seconds": "1.5" } }, "reply": { "type": "response", "body": "'done'" } },
        "edges": [{ "from": "pause", "to": "reply" }],
    });
    let run = world.run(world.release(document).await, Value::Null).await;
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!("done"));
    assert!(world.temporal.knows(&run.to_string()), "Temporal has driven it");
}

fn line(setting: &str, file: std::path::PathBuf) -> String {
    format!("{setting} = '{}'\n", file.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shows_its_certificate_and_drives_runs() {
    let temporal = TestTemporal::start();
    let proxy = TlsProxy::start(temporal.address(), true).await;
    let settings = format!("address = '{}'\ntls = true\n", proxy.address())
        + &line("ca", proxy.file("ca.pem"))
        + &line("certificate", proxy.file("client.pem"))
        + &line("key", proxy.file("client.key"));
    let world = World::with_settings(temporal, &settings, None).await;
    a_run_that_waits_ends(&world).await;
    assert!(proxy.seen().iter().all(|(authorization, _)| authorization.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_key_arrives_with_each_request_and_so_does_the_namespace() {
    let temporal = TestTemporal::start();
    temporal.create_namespace("tools.a1b2c");
    let proxy = TlsProxy::start(temporal.address(), false).await;
    let settings = format!("address = '{}'\nnamespace = 'tools.a1b2c'\ntls = true\napi-key = true\n", proxy.address())
        + &line("ca", proxy.file("ca.pem"));
    let world = World::with_settings(temporal, &settings, Some("canary-key\n")).await;
    world.worker_says("\"temporal\":{\"state\":\"ready\"}").await;
    let document = json!({ "format": 1, "title": "Wait", "start": "pause", "blocks": { "pause": { "type": "wait", "for": { "seconds": "1.5" } } } });
    let run = world.run(world.release(document).await, Value::Null).await;
    world.succeeded(run).await;
    let seen = proxy.seen();
    assert!(seen.iter().all(|(authorization, _)| authorization == "Bearer canary-key"), "{seen:?}");
    assert!(seen.iter().any(|(_, namespace)| namespace == "tools.a1b2c"), "{seen:?}");
    assert!(seen.iter().all(|(_, namespace)| ["", "tools.a1b2c"].contains(&namespace.as_str())), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_fit_are_named() {
    let temporal = TestTemporal::start();
    let (plain, port) = (temporal.address(), temporal.address());
    let proxy = TlsProxy::start(temporal.address(), true).await;
    let tls = |address: &str| format!("address = '{address}'\ntls = true\n");
    let ca = line("ca", proxy.file("ca.pem"));
    let stranger = line("ca", proxy.file("stranger.pem"));
    let identity = line("certificate", proxy.file("client.pem")) + &line("key", proxy.file("client.key"));
    let by_address = proxy.address().replace("localhost", "127.0.0.1");
    let missing = line("ca", proxy.file("missing.pem"));
    for (settings, words) in [
        (tls(&proxy.address()) + &stranger + &identity, "not signed by the authority in temporal.ca"),
        (tls(&proxy.address()) + &identity, "set temporal.ca"),
        (tls(&proxy.address()) + &ca, "set temporal.certificate and temporal.key"),
        (tls(&by_address) + &ca + &identity, "check temporal.address"),
        (tls(&plain) + &ca, "check temporal.tls"),
        (tls(&proxy.address()) + &missing, "temporal.ca names"),
        (format!("address = '{}'\n", proxy.address()), "set temporal.tls"),
        (format!("address = '{port}'\nnamespace = 'nowhere'\n"), "check temporal.namespace"),
    ] {
        let world = World::with_settings(TestTemporal::stopped(), &settings, None).await;
        world.worker_says(words).await;
    }
}
