//! Runs as traces, sent to a collector.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::Readiness;
use bulkhead_model::run::RunStatus;
use bulkhead_model::{EnvironmentId, RunId, WorkflowId};
use bulkhead_store::Database;
use bulkhead_store::block_ends::{Conclusion, RunEnd};
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_test_kit::TestDatabase;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::collector::{Collector, attribute};
use crate::otlp::Span;
use crate::{config, context, table};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// workflows-backend that sends traces.
struct World {
    own: TestDatabase,
    api: Database,
    backend: Database,
    client: tokio_postgres::Client,
    workflow: WorkflowId,
    readiness: Readiness,
    stop: CancellationToken,
    directory: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    /// With these keys of `[traces]`.
    async fn start(settings: Value) -> Self {
        let (own, _) = migrated().await;
        let api = as_role(&own, "bulkhead-api");
        let document = json!({
            "format": 1, "title": "Traced", "start": "first",
            "blocks": {
                "first": { "type": "code", "language": "javascript", "source": "return 1" },
                "each": { "type": "loop", "over": "2" }, "work": { "type": "set", "values": { "n": "1" } },
            },
            "edges": [{ "from": "first", "to": "each" }, { "from": "each", "port": "each", "to": "work" }],
            "variables": { "n": 0 },
        });
        let document = serde_json::from_value(document).unwrap();
        let workflow = api.create_workflow("traced", &document, None).await.unwrap();
        api.release_workflow(workflow, 1, None).await.unwrap();
        let (client, backend) = (own.connect().await, as_role(&own, "bulkhead-workflows-backend"));
        let directory = tempfile::tempdir().unwrap();
        let mut world = Self {
            own,
            api,
            backend,
            client,
            workflow,
            readiness: Readiness::default(),
            stop: CancellationToken::new(),
            directory,
        };
        world.start_daemon(settings).await;
        world
    }

    async fn start_daemon(&mut self, mut settings: Value) {
        settings["delay-s"] = json!(1);
        let directory = self.directory.path();
        std::fs::write(directory.join("run-token.key"), [7; 32]).unwrap();
        std::fs::write(directory.join("seal.key"), "missing").unwrap();
        std::fs::write(directory.join("traces-headers"), "Authorization: Bearer canary-key\n\nx-team: tools\n")
            .unwrap();
        let _ = std::fs::remove_file(directory.join("backend.sock"));
        self.stop.cancel();
        self.stop = CancellationToken::new();
        let raw = json!({ "database": table(&self.own), "db-connector-socket": "/nowhere", "traces": settings });
        let mut context = context(directory, "backend.sock", config(raw), &self.stop);
        self.readiness = Readiness::default();
        context.readiness = self.readiness.clone();
        tokio::spawn(async move { bulkhead_workflows_backend::run(context).await.unwrap() });
        // What starts before the first look is not traced.
        self.until("SELECT last_run IS NOT NULL FROM trace_cursor").await;
    }

    async fn until(&self, sql: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(Instant::now() < end, "{sql}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until its readiness says this.
    async fn says(&self, words: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        while !format!("{:?}", self.readiness).contains(words) {
            assert!(Instant::now() < end, "{words}: {:?}", self.readiness);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn begin(&self, trace_parent: Option<&str>) -> RunId {
        // A look that begins before this one is stored must not be past it.
        let trigger = json!({ "kind": "webhook", "body": "canary-body" });
        let new = NewRun {
            workflow: self.workflow,
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger: &trigger,
            started_by: None,
            idempotency_key: None,
            begins_at: None,
            trace_parent: trace_parent.map(|text| text.parse().unwrap()),
            record: &record(),
        };
        self.api.start_run(&new).await.unwrap().0
    }

    async fn end(&self, run: RunId, status: RunStatus) {
        let error = bulkhead_model::run::RunError::new("thrown", "canary-message");
        let error = (status == RunStatus::Failed).then_some(&error);
        let conclusion = Conclusion { end: Some(RunEnd { status, error, result: None }), ..Conclusion::default() };
        self.backend.end_blocks(run, &[], conclusion).await.unwrap();
    }

    async fn ended(&self, trace_parent: Option<&str>) -> RunId {
        let run = self.begin(trace_parent).await;
        self.end(run, RunStatus::Succeeded).await;
        run
    }

    /// A block's row: block, iteration, attempt, status, cover.
    async fn row(&self, run: RunId, row: (&str, Vec<i32>, i32, &str), cover: Option<(&str, i16)>, at_ms: f64) {
        let (block, iteration, attempt, status) = row;
        let (cover_block, cover_depth) = cover.unzip();
        let error = (status == "failed").then(|| json!({ "kind": "thrown", "message": "canary-message" }));
        let sql = "INSERT INTO block_runs (run_id, block, iteration, attempt, status, input_json, result_json, error, started_at, finished_at,
                cover_block, cover_depth)
            SELECT $1, $2, $3, $4, $5, '\"canary-input\"', '\"canary-result\"', $6, created_at + make_interval(secs => $7::float8 / 1000),
                created_at + make_interval(secs => $7::float8 / 1000 + 0.010), $8, $9 FROM runs WHERE id = $1";
        self.client
            .execute(sql, &[&run.0, &block, &iteration, &attempt, &status, &error, &at_ms, &cover_block, &cover_depth])
            .await
            .unwrap();
    }
}

fn at(address: std::net::SocketAddr) -> Value {
    json!({ "endpoint": format!("http://{address}") })
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_a_trace_with_a_span_for_each_block_and_round() {
    let collector = Collector::start().await;
    let world = World::start(at(collector.address)).await;
    let run = world.begin(Some(PARENT)).await;
    world.row(run, ("first", vec![], 1, "failed"), None, 1.0).await;
    world.row(run, ("first", vec![], 2, "succeeded"), None, 20.0).await;
    world.row(run, ("each", vec![], 1, "succeeded"), None, 30.0).await;
    for round in 0..2 {
        let at = 40.0 + f64::from(round);
        world.row(run, ("each", vec![round], 1, "succeeded"), Some(("each", 0)), at).await;
        world.row(run, ("work", vec![round], 1, "succeeded"), Some(("each", 1)), at).await;
    }
    world.end(run, RunStatus::Failed).await;
    let spans = collector.traces(1).await;
    assert_eq!(spans.len(), 1 + 2 + 4);
    assert!(!format!("{spans:?}").contains("canary"), "data of the run is in its trace: {spans:#?}");
    let root = named(&spans, "workflow traced")[0];
    assert_eq!(root.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());
    assert_eq!(root.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!((attribute(root, "bulkhead.run.id"), attribute(root, "error.type")), (run.to_string(), "thrown".into()));
    assert_eq!((root.status.as_ref().unwrap().code, root.kind), (2, 2));
    assert!(root.end_time_unix_nano >= root.start_time_unix_nano && root.start_time_unix_nano > 0);
    let first = named(&spans, "first")[0];
    assert_eq!(
        (attribute(first, "bulkhead.block.kind"), attribute(first, "bulkhead.block.attempts")),
        ("code".into(), "2".into())
    );
    assert_eq!((first.events.len(), first.status.as_ref().unwrap().code), (2, 1));
    assert_eq!(first.end_time_unix_nano - first.start_time_unix_nano, 29_000_000, "from its first attempt to its last");
    let parent_of = |span: &Span| spans.iter().find(|one| one.span_id == span.parent_span_id).unwrap();
    assert_eq!(parent_of(first), root);
    let rounds = named(&spans, "work");
    assert_eq!(rounds.iter().map(|span| attribute(span, "bulkhead.block.iteration")).collect::<Vec<_>>(), ["0", "1"]);
    for work in rounds {
        let round = parent_of(work);
        assert_eq!(
            (round.name.as_str(), attribute(round, "bulkhead.block.iteration")),
            ("each", attribute(work, "bulkhead.block.iteration"))
        );
        assert_eq!(attribute(parent_of(round), "bulkhead.block.iteration"), "");
        assert_eq!(parent_of(parent_of(round)), root);
    }
    world.until("SELECT NOT EXISTS (SELECT FROM run_traces)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_run_has_its_id_and_what_is_too_much_is_counted() {
    let collector = Collector::start().await;
    let mut settings = at(collector.address);
    settings["max-spans"] = json!(3);
    let world = World::start(settings).await;
    let run = world.begin(None).await;
    world.row(run, ("each", vec![], 1, "succeeded"), None, 1.0).await;
    for round in 0..10 {
        world.row(run, ("work", vec![round], 1, "succeeded"), Some(("each", 0)), 2.0 + f64::from(round)).await;
    }
    world.end(run, RunStatus::Cancelled).await;
    let spans = collector.traces(1).await;
    assert_eq!(spans.len(), 3);
    let root = named(&spans, "workflow traced")[0];
    assert_eq!(root.trace_id, run.0.as_bytes());
    assert_eq!(attribute(root, "bulkhead.spans.dropped"), "9");
    assert_eq!((root.status.as_ref(), attribute(root, "bulkhead.run.status")), (None, "cancelled".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_was_down_gets_all_of_them_later() {
    // Its port, at which nobody listens.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut world = World::start(at(address)).await;
    for _ in 0..40 {
        world.ended(None).await;
    }
    let goes_on = world.begin(None).await;
    world.until("SELECT count(*) = 41 FROM run_traces").await;
    world.says("cannot be reached").await;
    assert!(world.readiness.is_ready(), "runs are not held up");
    // It comes back with trouble, while this daemon is started anew.
    let asked = AtomicUsize::new(0);
    let listener = TcpListener::bind(address).await.unwrap();
    let collector = Collector::on(listener, None, move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => StatusCode::SERVICE_UNAVAILABLE,
        1 => StatusCode::UNAUTHORIZED,
        _ => StatusCode::OK,
    });
    world.client.execute("UPDATE run_traces SET claimed_until = '-infinity'", &[]).await.unwrap();
    world.start_daemon(at(address)).await;
    collector.traces(40).await;
    world.until("SELECT count(*) = 1 FROM run_traces").await;
    world.end(goes_on, RunStatus::Succeeded).await;
    assert!(collector.traces(41).await.len() >= 41);
    world.says("\"traces\": Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_is_refused_holds_up_no_other() {
    let refuses = |spans: &[Span]| {
        let is_bad = spans.iter().any(|span| span.name == "bad");
        if is_bad { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    };
    let collector = Collector::with(refuses).await;
    let world = World::start(at(collector.address)).await;
    let runs = [world.begin(None).await, world.begin(None).await, world.begin(None).await];
    world.row(runs[1], ("bad", vec![], 1, "succeeded"), None, 1.0).await;
    for run in runs {
        world.end(run, RunStatus::Succeeded).await;
    }
    let spans = collector.traces(2).await;
    assert!(spans.iter().all(|span| span.trace_id != runs[1].0.as_bytes()));
    world.until("SELECT NOT EXISTS (SELECT FROM run_traces)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_decide_about_their_traces_and_chance_about_the_others() {
    let collector = Collector::start().await;
    let mut settings = at(collector.address);
    settings["sample"] = json!(0.0);
    let world = World::start(settings).await;
    world.ended(None).await;
    world.ended(Some(&PARENT.replace("-01", "-00"))).await;
    let sampled = world.ended(Some(PARENT)).await;
    let spans = collector.traces(1).await;
    assert_eq!(spans.len(), 1);
    assert_eq!(attribute(&spans[0], "bulkhead.run.id"), sampled.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_collector_took_in_time_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut settings = at(address);
    settings["max-age-h"] = json!(1);
    let world = World::start(settings).await;
    let run = world.ended(None).await;
    world.until("SELECT count(*) = 1 FROM run_traces").await;
    let sql = "UPDATE runs SET finished_at = now() - interval '61 minutes' WHERE id = $1";
    world.client.execute(sql, &[&run.0]).await.unwrap();
    world.until("SELECT NOT EXISTS (SELECT FROM run_traces)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_credential_go_to_a_collector_that_shows_its_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let collector = Collector::on(listener, Some(tls), |_| StatusCode::OK);
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let endpoint = format!("https://localhost:{}", collector.address.port());
    let world = World::start(json!({ "endpoint": endpoint, "headers": true, "ca": ca })).await;
    world.ended(None).await;
    collector.traces(1).await;
    let headers = collector.headers();
    assert_eq!(
        (&headers["authorization"], &headers["x-team"]),
        (&"Bearer canary-key".parse().unwrap(), &"tools".parse().unwrap())
    );
    // One that it does not know is shown nothing.
    let endpoint = format!("https://127.0.0.1:{}", collector.address.port());
    let world = World::start(json!({ "endpoint": endpoint, "headers": true, "ca": ca })).await;
    world.ended(None).await;
    world.says("traces.ca").await;
}
