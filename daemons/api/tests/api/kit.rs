//! A running instance: api and db-connector in this process, on sockets of their own.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::{Context, Credentials, DaemonConfig, Lifetime, Listener, MetricsRegistry, Readiness};
use bulkhead_rpc::RpcClient;
use bulkhead_seal::SealPrivateKey;
use bulkhead_store::Database;
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_test_kit::TestDatabase;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running instance. Ends when dropped.
pub(crate) struct Instance {
    /// Bulkhead's own database, seen as the cluster's superuser.
    pub(crate) database: Database,
    /// The same, to connect to directly.
    pub(crate) own: TestDatabase,
    /// What the built-in resource `tables` points at.
    pub(crate) tables: TestDatabase,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    /// `api.sock`, as root uses it.
    pub(crate) root: RpcClient,
    pub(crate) directory: tempfile::TempDir,
    client: Client<HttpConnector, Full<Bytes>>,
    shutdown: CancellationToken,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body, after a look at the status.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The status and code of a problem document.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().expect("text"), "{problem}");
        (self.status.as_u16(), problem["code"].as_str().expect("a code").to_owned())
    }
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) cookie: String,
}

impl Instance {
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// With these keys of api.toml on top.
    pub(crate) async fn with(config: Value) -> Self {
        let (own, database) = migrated().await;
        let tables = TestDatabase::create().await;
        let directory = tempfile::tempdir().expect("a directory");
        let shutdown = CancellationToken::new();
        write_keys(directory.path());
        write_ui(&directory.path().join("web"));
        start_connector(directory.path(), &own, &shutdown);
        let (http, https) = start_api(directory.path(), &own, &config, &shutdown, "api.sock");
        let root = RpcClient::new("api", directory.path().join("api.sock"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let instance = Self { database, own, tables, http, https, root, directory, client, shutdown };
        instance.wait_until_up().await;
        instance
    }

    /// Starts another api on the same database and waits until it answers.
    pub(crate) async fn replica(&self) -> SocketAddr {
        let replica = self.start_replica();
        for _ in 0..200 {
            if self.send_to(replica, "GET", "/readyz", &[], "").await.status == 200 {
                return replica;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the replica did not come up");
    }

    /// Starts another api on the same database; where it listens.
    pub(crate) fn start_replica(&self) -> SocketAddr {
        start_api(self.directory.path(), &self.own, &json!({}), &self.shutdown, "replica.sock").0
    }

    /// Starts workflows-backend, for tests that need what only it does.
    pub(crate) fn start_backend(&self) {
        let directory = self.directory.path();
        std::fs::write(directory.join("run-token.key"), [7; 32]).expect("written");
        let raw = json!({ "database": database_table(&self.own), "db-connector-socket": directory.join("db-connector.sock") });
        let raw = serde_json::from_value(raw).expect("a shape");
        let config = bulkhead_workflows_backend::Config::from_raw(raw).expect("sound");
        let sockets = vec![("rpc".to_owned(), unix(&directory.join("workflows-backend.sock")))];
        let context = context(directory, config, sockets, &self.shutdown);
        tokio::spawn(async move { bulkhead_workflows_backend::run(context).await.expect("workflows-backend serves") });
    }

    /// Starts ssh-connector, for tests that reach an SSH host.
    pub(crate) fn start_ssh_connector(&self) {
        let directory = self.directory.path();
        let raw = json!({ "database": database_table(&self.own), "allow-networks": ["127.0.0.0/8"] });
        let raw = serde_json::from_value(raw).expect("a shape");
        let config = bulkhead_ssh_connector::Config::from_raw(raw).expect("sound");
        let sockets = vec![("rpc".to_owned(), unix(&directory.join("ssh-connector.sock")))];
        let context = context(directory, config, sockets, &self.shutdown);
        tokio::spawn(async move { bulkhead_ssh_connector::run(context).await.expect("ssh-connector serves") });
    }

    async fn wait_until_up(&self) {
        for _ in 0..200 {
            if self.root.get::<Value>("/api/v1/users").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("api did not come up");
    }

    /// The same database under db-connector's, a worker's or a backend's role.
    pub(crate) fn as_role(&self, role: &str) -> Database {
        as_role(&self.own, role)
    }

    /// A request with these headers and this body, on the loopback listener.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send_to(self.http, method, path, headers, body).await
    }

    /// [`Self::send`] to one of several listeners.
    pub(crate) async fn send_to(
        &self,
        to: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let (parts, body) = self.answer(to, method, path, headers, body.into()).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn answer(
        &self,
        to: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Response<Incoming> {
        let mut request = http::Request::builder().method(method).uri(format!("http://{to}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        self.client.request(request).await.expect("an answer")
    }

    /// A JSON request of somebody who is not logged in.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// A request of the API as the UI makes it.
    pub(crate) async fn call(&self, person: &Person, method: &str, path: &str, body: &Value) -> Answer {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        self.send(method, &format!("/api/v1{path}"), &headers_of(person), body).await
    }

    /// The beginning of an answer that is read as it comes.
    pub(crate) async fn begin(&self, person: &Person, path: &str, body: &Value) -> Response<Incoming> {
        self.answer(self.http, "POST", &format!("/api/v1{path}"), &headers_of(person), body.to_string().into()).await
    }

    /// The beginning of a stream that somebody follows on one of several listeners.
    pub(crate) async fn follow(&self, to: SocketAddr, person: &Person, path: &str) -> Response<Incoming> {
        self.answer(to, "GET", &format!("/api/v1{path}"), &headers_of(person), Bytes::new()).await
    }

    /// [`Self::call`] to one of several listeners.
    pub(crate) async fn call_at(
        &self,
        to: SocketAddr,
        person: &Person,
        (method, path): (&str, &str),
        body: &Value,
    ) -> Answer {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        self.send_to(to, method, &format!("/api/v1{path}"), &headers_of(person), body).await
    }

    /// Makes a folder; its id.
    pub(crate) async fn folder(&self, person: &Person, name: &str, parent: Option<&str>) -> String {
        let made = self.call(person, "POST", "/folders", &json!({ "name": name, "parent": parent })).await.ok(201);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a group of these people.
    pub(crate) async fn group(&self, admin: &Person, name: &str, members: &[&Person]) {
        self.call(admin, "POST", "/groups", &json!({ "name": name })).await.ok(201);
        for member in members {
            let path = format!("/groups/{name}/members/{}", member.id);
            self.call(admin, "PUT", &path, &json!({})).await.ok(204);
        }
    }

    /// A request of root over `api.sock`.
    pub(crate) async fn as_root(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, bulkhead_rpc::RpcError> {
        self.root.call(method, &format!("/api/v1{path}"), body).await
    }

    /// The token of the first administrator's link.
    pub(crate) async fn admin_token(&self) -> String {
        let answer = self.as_root(Method::POST, "/system/admin-link", &json!({})).await.expect("a link");
        token_of(&answer)
    }

    /// The first administrator, logged in.
    pub(crate) async fn admin(&self) -> Person {
        let token = self.admin_token().await;
        let body = json!({ "token": token, "password": PASSWORD, "email": "root@example.org", "name": "Root" });
        logged_in(self.post("/api/v1/one-time-links/redeem", &body).await)
    }

    /// An invited person, logged in.
    pub(crate) async fn person(&self, admin: &Person, name: &str) -> Person {
        let user = json!({ "email": format!("{name}@example.org"), "name": name });
        let created = self.call(admin, "POST", "/users", &user).await.ok(201);
        let body = json!({ "token": token_of(&created), "password": PASSWORD });
        logged_in(self.post("/api/v1/one-time-links/redeem", &body).await)
    }

    /// Gives `person` a role.
    pub(crate) async fn grant(&self, admin: &Person, object: &str, person: &Person, role: &str) {
        let path = format!("{object}/grants/{}", person.id);
        self.call(admin, "PUT", &path, &json!({ "role": role })).await.ok(204);
    }

    /// The built-in resource `tables`, on a database with some rows.
    pub(crate) async fn with_tables(&self) {
        let client = self.tables.connect().await;
        let sql = "create table people (id int primary key, name text not null);
            insert into people select g, 'person ' || g from generate_series(1, 50) g";
        client.batch_execute(sql).await.expect("filled");
        let body = json!({ "name": "tables", "config": self.tables_config(), "secret": "unused under trust" });
        self.as_root(Method::PUT, "/system/built-in-resource", &body).await.expect("stored");
    }

    /// Settings that reach the tables database.
    pub(crate) fn tables_config(&self) -> Value {
        let (_, port) = cluster(&self.tables);
        json!({ "kind": "postgresql", "host": "127.0.0.1", "port": port, "database": self.tables.name(), "user": "postgres", "tls": "disabled" })
    }

    /// Waits until `count` statements like `pattern` run on the tables database.
    pub(crate) async fn until_running(&self, pattern: &str, count: i64) {
        let client = self.tables.connect().await;
        let sql = "select count(*) from pg_stat_activity where query like $1 and state = 'active' and datname = current_database() \
                   and pid <> pg_backend_pid()";
        let end = Instant::now() + Duration::from_secs(10);
        while client.query_one(sql, &[&pattern]).await.expect("reads").get::<_, i64>(0) != count {
            assert!(Instant::now() < end, "there are not {count} statements like {pattern}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The newest actions of the audit trail.
    pub(crate) async fn audit(&self) -> Vec<(String, String)> {
        let records = self.database.audit_records(None, 100).await.expect("reads");
        records.into_iter().map(|record| (record.actor, record.action)).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What the UI sends with each request.
fn headers_of(person: &Person) -> [(&str, &str); 4] {
    [
        ("content-type", "application/json"),
        ("cookie", person.cookie.as_str()),
        ("x-bulkhead-csrf", "1"),
        ("sec-fetch-site", "same-origin"),
    ]
}

/// The person whose session an answer opened.
#[track_caller]
pub(crate) fn logged_in(answer: Answer) -> Person {
    let cookie = answer.headers.get(header::SET_COOKIE).map(|value| value.to_str().expect("text").to_owned());
    let session = answer.ok(200);
    let cookie = cookie.expect("a cookie");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    Person { id: session["user"]["id"].as_str().expect("an id").to_owned(), cookie }
}

/// The same person in another session.
pub(crate) async fn logged_in_again(instance: &Instance, name: &str) -> Person {
    let login = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
    logged_in(instance.post("/api/v1/login", &login).await)
}

/// A request of a program with a token.
pub(crate) async fn with_token(instance: &Instance, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("authorization", authorization.as_str())];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    instance.send(method, &format!("/api/v1{path}"), &headers, body).await
}

/// What follows `token=` in an answer's link.
pub(crate) fn token_of(answer: &Value) -> String {
    answer["link"].as_str().and_then(|link| link.split_once("token=")).expect("a link").1.to_owned()
}

/// The socket directory (or host) and port of the test cluster.
fn cluster(database: &TestDatabase) -> (String, u16) {
    let config = database.config();
    let directory = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
    };
    (directory, config.get_ports().first().copied().unwrap_or(5432))
}

fn database_table(database: &TestDatabase) -> Value {
    let (directory, port) = cluster(database);
    json!({ "socket-directory": directory, "port": port, "name": database.name() })
}

fn write_keys(directory: &Path) {
    let key = SealPrivateKey::generate();
    std::fs::write(directory.join("seal.key"), key.to_text().as_bytes()).expect("written");
    for daemon in ["db-connector", "jobs-runner", "ssh-connector", "workflows-backend"] {
        std::fs::write(directory.join(format!("{daemon}.pub")), key.public_key().to_text()).expect("written");
    }
    let identity = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(directory.join("api.crt"), identity.cert.pem()).expect("written");
    std::fs::write(directory.join("api.key"), identity.signing_key.serialize_pem()).expect("written");
}

fn write_ui(root: &Path) {
    std::fs::create_dir_all(root.join("assets")).expect("made");
    let index = r#"<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><meta name="frame-origins" content="__FRAME_ORIGINS__"><div id="root"></div>"#;
    for (name, text) in [
        ("index.html", index),
        ("evaluator.html", "<!doctype html><title>evaluator</title>"),
        ("custom-component.html", "<!doctype html><title>custom component</title>"),
        ("assets/index-abc.js", "console.log('plain')"),
        ("assets/index-abc.js.br", "brotli bytes"),
        ("assets/evaluator-frame-abc.js", "self.postMessage(1)"),
        (".secret.js", "never served"),
    ] {
        std::fs::write(root.join(name), text).expect("written");
    }
}

fn start_connector(directory: &Path, own: &TestDatabase, shutdown: &CancellationToken) {
    let raw = json!({ "database": database_table(own), "allow-networks": ["127.0.0.0/8"] });
    let config = bulkhead_db_connector::Config::from_raw(serde_json::from_value(raw).expect("a shape")).expect("sound");
    let sockets = vec![("rpc".to_owned(), unix(&directory.join("db-connector.sock")))];
    let context = context(directory, config, sockets, shutdown);
    tokio::spawn(async move { bulkhead_db_connector::run(context).await.expect("db-connector serves") });
}

fn start_api(
    directory: &Path,
    own: &TestDatabase,
    extra: &Value,
    shutdown: &CancellationToken,
    socket: &str,
) -> (SocketAddr, SocketAddr) {
    let at = |name: &str| directory.join(name);
    let mut raw = json!({
        "database": database_table(own),
        "web-root": at("web"),
        "tls": { "certificate": at("api.crt"), "key": at("api.key") },
        "keys": { "db-connector": at("db-connector.pub"), "jobs-runner": at("jobs-runner.pub"), "ssh-connector": at("ssh-connector.pub"), "workflows-backend": at("workflows-backend.pub") },
        "sockets": {
            "db-connector": at("db-connector.sock"),
            "ssh-connector": at("ssh-connector.sock"),
            "code-executor": at("code-executor.sock"),
            "workflows-backend": at("workflows-backend.sock"),
        },
    });
    for (key, value) in extra.as_object().expect("a table") {
        raw[key] = value.clone();
    }
    let config = bulkhead_api::Config::from_raw(serde_json::from_value(raw).expect("a shape")).expect("sound");
    let tcp = || TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let (http, https) = (tcp(), tcp());
    let addresses = (http.local_addr().expect("an address"), https.local_addr().expect("an address"));
    let sockets = vec![
        ("http".to_owned(), Listener::Tcp(http)),
        ("https".to_owned(), Listener::Tcp(https)),
        ("rpc".to_owned(), unix(&at(socket))),
    ];
    let context = context(directory, config, sockets, shutdown);
    tokio::spawn(async move { bulkhead_api::serve(context).await.expect("api serves") });
    addresses
}

/// A listener at `path`.
pub(crate) fn unix(path: &PathBuf) -> Listener {
    Listener::Unix(UnixListener::bind(path).expect("binds"))
}

fn context<C>(
    directory: &Path,
    config: C,
    sockets: Vec<(String, Listener)>,
    shutdown: &CancellationToken,
) -> Context<C> {
    let (_, reload) = tokio::sync::watch::channel(0);
    Context {
        config,
        listeners: sockets.into_iter().collect(),
        credentials: Credentials::in_directory(Some(directory.to_owned())),
        readiness: Readiness::default(),
        metrics: MetricsRegistry::default(),
        lifetime: Lifetime { shutdown: shutdown.clone(), drain_timeout: Duration::from_secs(2), reload },
        internal_tls: None,
    }
}
