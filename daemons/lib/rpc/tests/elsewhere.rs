//! Calls between machines: who may, who may not and what is said, several replicas, certificates that change.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::routing::{get, post};
use bulkhead_daemon_kit::{Lifetime, Listener, Peer, PeerPolicy, ServeOptions, serve};
use bulkhead_mtls::{Files, Identity, Role};
use bulkhead_rpc::{Address, RpcClient, RpcError};
use bulkhead_test_kit::TestAuthority;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

fn identity([certificate, key, ca]: [std::path::PathBuf; 3], role: &str) -> Arc<Identity> {
    Identity::load(Files { certificate, key, ca }, role.parse().expect("a role")).expect("an identity")
}

/// One replica of db-connector. Ends with this value.
struct Replica {
    port: u16,
    requests: Arc<AtomicUsize>,
    /// A machine of its own: what it serves ends with it.
    machine: Option<tokio::runtime::Runtime>,
}

impl Replica {
    fn start(identity: Arc<Identity>) -> Self {
        Self::at(identity, TcpListener::bind("127.0.0.1:0").expect("binds"))
    }

    fn at(identity: Arc<Identity>, listener: TcpListener) -> Self {
        let port = listener.local_addr().expect("bound").port();
        let requests = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&requests);
        let count = move |request: axum::extract::Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(request)
        };
        let router = Router::new()
            .route(
                "/whose",
                get(async |Extension(peer): Extension<Peer>| json!([peer.user, peer.is_local()]).to_string()),
            )
            .route("/echo", post(async |body: Bytes| body))
            .route(
                "/slow",
                get(async || {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    "null"
                }),
            )
            .route("/stream", get(async || Body::from_stream(tokio_stream_of(1000))))
            .layer(axum::middleware::map_request(count));
        let (_, reload) = tokio::sync::watch::channel(0);
        let lifetime = Lifetime { shutdown: CancellationToken::new(), drain_timeout: Duration::ZERO, reload };
        let policy = PeerPolicy::callers_of(identity.role()).expect("looked up");
        let mut machine = tokio::runtime::Builder::new_multi_thread();
        let machine = machine.worker_threads(1).enable_all().build().expect("a runtime");
        machine.spawn(async move {
            let options = ServeOptions::mutual(policy, identity);
            serve(Listener::Tcp(listener), router, options, &lifetime).await.expect("serves");
        });
        Self { port, requests, machine: Some(machine) }
    }

    fn address(&self) -> Address {
        address(&[self.port])
    }

    /// As a process that is killed: its connections are torn down, and nobody listens any more.
    async fn die(mut self) -> u16 {
        self.machine.take().expect("it runs").shutdown_background();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.port
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(machine) = self.machine.take() {
            machine.shutdown_background();
        }
    }
}

fn tokio_stream_of(parts: usize) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    futures_util::stream::iter((0..parts).map(|part| Ok(Bytes::from(vec![(part % 251) as u8; 4096]))))
}

fn address(ports: &[u16]) -> Address {
    let replicas: Vec<String> = ports.iter().map(|port| format!("localhost:{port}")).collect();
    format!("https://{}", replicas.join(",")).parse().expect("an address")
}

fn client(address: &Address, identity: &Arc<Identity>) -> RpcClient {
    RpcClient::at("bulkhead-db-connector", address, Some(identity)).expect("a client")
}

/// The whole of an error, as the journal has it.
fn said(error: &RpcError) -> String {
    error.to_string()
}

async fn whose(client: &RpcClient) -> Result<Value, RpcError> {
    client.get("/whose").await
}

#[tokio::test]
async fn a_caller_of_the_table_is_answered_and_its_bodies_pass_whole() {
    let authority = TestAuthority::default();
    let server = Replica::start(identity(authority.issue("db-connector"), "db-connector"));
    let client = client(&server.address(), &identity(authority.issue("workflows-backend"), "workflows-backend"));
    assert_eq!(whose(&client).await.expect("answered"), json!(["bulkhead-workflows-backend", false]));
    let large = json!("x".repeat(1 << 20));
    let back: Value = client.call(Method::POST, "/echo", &json!(["é"])).await.expect("answered");
    assert_eq!(back, json!(["é"]));
    let back: Value = client.call(Method::POST, "/echo", &large).await.expect("answered");
    assert_eq!(back, large);
    let mut body = client.stream(Method::GET, "/stream", &()).await.expect("answered").into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.expect("whole").data_ref().map_or(0, Bytes::len);
    }
    assert_eq!(bytes, 1000 * 4096);
}

#[tokio::test]
async fn a_role_that_may_not_call_is_told_so() {
    let authority = TestAuthority::default();
    let server = Replica::start(identity(authority.issue("db-connector"), "db-connector"));
    for role in ["workflows-worker", "code-executor", "db-connector"] {
        let client = client(&server.address(), &identity(authority.issue(role), role));
        let error = whose(&client).await.expect_err("refused");
        let RpcError::Problem(problem) = error else { panic!("{error:?}") };
        assert_eq!((problem.status, problem.code.as_str()), (403, "caller-refused"));
        let words = format!("shows the role {role}, which may not call db-connector; api, workflows-backend may");
        assert!(problem.detail.contains(&words), "{}", problem.detail);
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 0, "no route has seen any of it");
}

#[tokio::test]
async fn a_server_of_another_role_gets_no_request() {
    let authority = TestAuthority::default();
    // What was stolen is a certificate of a worker, which listens where db-connector should.
    let server = Replica::start(identity(authority.issue("workflows-worker"), "workflows-worker"));
    let client = client(&server.address(), &identity(authority.issue("api"), "api"));
    let error = whose(&client).await.expect_err("refused");
    assert!(
        said(&error).contains("the server shows the role workflows-worker, and db-connector was to be called"),
        "{error}"
    );
    assert!(error.is_unsent());
    assert_eq!(server.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_is_refused_reads_why() {
    let (authority, stranger) = (TestAuthority::default(), TestAuthority::default());
    let server = Replica::start(identity(authority.issue("db-connector"), "db-connector"));
    let ask = async |files: [std::path::PathBuf; 3]| {
        let error = whose(&client(&server.address(), &identity(files, "api"))).await.expect_err("refused");
        said(&error)
    };
    let (now, hour) = (OffsetDateTime::now_utc(), time::Duration::hours(1));
    let names = ["localhost"];

    let ended = ask(authority.issue_for("api", &names, (now - hour * 3, now - hour * 2))).await;
    assert!(ended.contains("has ended or does not hold yet"), "{ended}");
    let early = ask(authority.issue_for("api", &names, (now + hour, now + hour * 2))).await;
    assert!(early.contains("the clocks of the two machines may differ"), "{early}");
    // Trusts the server, and is of another authority itself.
    let [certificate, key, _] = stranger.issue("api");
    let foreign = ask([certificate, key, authority.path().join("ca.crt")]).await;
    assert!(foreign.contains("both machines need certificates of the same one"), "{foreign}");
    // The other way round: it does not trust the server.
    let [certificate, key, _] = authority.issue("api");
    let foreign = ask([certificate, key, stranger.path().join("ca.crt")]).await;
    assert!(foreign.contains("it is not of the authority in internal-tls.ca"), "{foreign}");
    assert_eq!(server.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_server_whose_certificate_does_not_hold_is_refused_with_the_reason() {
    let authority = TestAuthority::default();
    let own = identity(authority.issue("api"), "api");
    let (now, hour) = (OffsetDateTime::now_utc(), time::Duration::hours(1));
    for (names, holds, words) in [
        (["localhost"], (now - hour * 3, now - hour * 2), "it has ended"),
        (["localhost"], (now + hour, now + hour * 2), "the clocks of the two machines may differ"),
        (["db9.example.org"], (now - hour, now + hour), "it is for other names"),
    ] {
        let server = Replica::start(identity(authority.issue_for("db-connector", &names, holds), "db-connector"));
        let error = whose(&client(&server.address(), &own)).await.expect_err("refused");
        assert!(said(&error).contains(words), "{error}");
    }
}

#[tokio::test]
async fn without_a_certificate_there_is_no_client_and_no_answer() {
    let authority = TestAuthority::default();
    let server = Replica::start(identity(authority.issue("db-connector"), "db-connector"));
    let error = RpcClient::at("db-connector", &server.address(), None).expect_err("refused").to_string();
    assert!(error.contains("this daemon needs [internal-tls]"), "{error}");
    // Who speaks no TLS at all.
    let mut plain = tokio::net::TcpStream::connect(("localhost", server.port)).await.expect("connected");
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET /whose HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    // An alert, or a reset.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(server.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let authority = TestAuthority::default();
    let files = authority.issue("db-connector");
    let own = identity(files, "db-connector");
    let server = Replica::start(Arc::clone(&own));
    let caller = identity(authority.issue("api"), "api");
    whose(&client(&server.address(), &caller)).await.expect("answered");

    let before = own.shown().serial;
    assert!(!own.has_changed());
    tokio::time::sleep(Duration::from_millis(20)).await;
    authority.issue("db-connector");
    assert!(own.has_changed());
    own.reload().expect("read anew");
    assert_ne!(own.shown().serial, before);
    whose(&client(&server.address(), &caller)).await.expect("answered");

    // One that cannot be used changes nothing.
    std::fs::write(authority.path().join("db-connector.crt"), "no certificate").expect("written");
    assert!(own.reload().is_err());
    whose(&client(&server.address(), &caller)).await.expect("answered");
}

#[tokio::test]
async fn connections_are_shared_out_among_replicas() {
    let authority = TestAuthority::default();
    let own = identity(authority.issue("db-connector"), "db-connector");
    let (one, two) = (Replica::start(Arc::clone(&own)), Replica::start(own));
    let client = client(&address(&[one.port, two.port]), &identity(authority.issue("api"), "api"));
    let calls = (0..16).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { whose(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("joined").expect("answered");
    }
    let counts = [&one, &two].map(|replica| replica.requests.load(Ordering::Relaxed));
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[tokio::test]
async fn of_workflows_backends_the_first_answers_while_it_can() {
    let authority = TestAuthority::default();
    let own = identity(authority.issue("workflows-backend"), "workflows-backend");
    let (one, two) = (Replica::start(Arc::clone(&own)), Replica::start(own));
    let caller = identity(authority.issue("workflows-worker"), "workflows-worker");
    let client = RpcClient::at("workflows-backend", &address(&[one.port, two.port]), Some(&caller)).expect("a client");
    let ask = async || {
        let calls = (0..8).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { whose(&client).await.expect("answered") })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("joined");
        }
    };
    ask().await;
    assert_eq!((one.requests.load(Ordering::Relaxed), two.requests.load(Ordering::Relaxed)), (8, 0));
    one.die().await;
    // Until the end of its connections has arrived, a request may still be sent on one of them, and fails as one that was cut off.
    tokio::time::sleep(Duration::from_millis(300)).await;
    ask().await;
    assert_eq!(two.requests.load(Ordering::Relaxed), 8);
}

#[tokio::test]
async fn a_replica_that_dies_costs_what_it_was_answering_and_no_more() {
    let authority = TestAuthority::default();
    let own = identity(authority.issue("db-connector"), "db-connector");
    let (one, two) = (Replica::start(Arc::clone(&own)), Replica::start(Arc::clone(&own)));
    let client = client(&address(&[one.port, two.port]), &identity(authority.issue("api"), "api"));
    // The first connection goes to the first replica, and stays with a request that is sent.
    let slow = {
        let client = client.clone();
        tokio::spawn(async move { client.get::<Value>("/slow").await })
    };
    while one.requests.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seen = one.requests.clone();
    let port = one.die().await;
    let error = slow.await.expect("joined").expect_err("cut off");
    assert!(!error.is_unsent(), "it was sent, so nobody may repeat it blindly: {error}");
    assert_eq!((seen.load(Ordering::Relaxed), two.requests.load(Ordering::Relaxed)), (1, 0), "and nobody has");

    let begun = Instant::now();
    for _ in 0..50 {
        whose(&client).await.expect("the other one answers");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    // It comes back, and is found again without anybody's waiting.
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("binds");
    let again = Replica::at(own, listener);
    let (end, mut wide) = (Instant::now() + Duration::from_secs(20), 8);
    while again.requests.load(Ordering::Relaxed) == 0 {
        assert!(Instant::now() < end, "it is not asked again");
        // Connections that are open go on where they are: only more of them lead to new ones.
        wide += 4;
        let calls = (0..wide).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { whose(&client).await.expect("answered") })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("joined");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn where_no_replica_is_the_addresses_are_named() {
    let authority = TestAuthority::default();
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("bound").port();
    let nowhere = address(&[free(), free()]);
    let client = client(&nowhere, &identity(authority.issue("api"), "api"));
    let error = whose(&client).await.expect_err("nobody there");
    assert!(error.is_unsent());
    assert!(said(&error).contains(&nowhere.to_string()) && said(&error).contains("-tls.socket"), "{error}");
}

#[test]
fn every_caller_of_the_table_is_a_role() {
    assert!(Role::ALL.iter().all(|role| role.callers().iter().all(|caller| caller.calls())));
}
