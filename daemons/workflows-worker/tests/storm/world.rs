//! What a storm rages over: two workers and all that they need, each a process of its own, joined by connections that can be disturbed.
//!
//! Bulkhead's own database is a cluster that is killed with the rest. What runs have done is counted where no fault reaches: in a database
//! on the cluster of all tests, and in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{ResourceId, UserId, WorkflowId};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::test_support::ROLES;
use bulkhead_store::{Database, DatabaseConfig};
use bulkhead_test_kit::{Daemon, Network, TestDatabase, TestTemporal};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::block_in_place;
use tokio_postgres::NoTls;

use crate::cluster::{self, Cluster};
use crate::outside::Outside;
use crate::plan::{Disturbance, Island, Link, Process};
use crate::programs::{binary, lenient, zygote_library};
use crate::relay::Relay;
use crate::workflows::{CHILD, Kind, PERSON};

/// What queries write to. A commit takes its time: long enough to be struck in, when it is too late to take it back.
const EFFECTS: &str = "CREATE TABLE effects (effect text NOT NULL);
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()";
/// The name of Bulkhead's own database.
const DATABASE: &str = "bulkhead";

/// An instance without api.
pub(crate) struct World {
    /// As api's role sees it, by a connection that is disturbed too.
    pub(crate) api: Database,
    /// Who answers questions.
    pub(crate) person: UserId,
    pub(crate) workflows: BTreeMap<Kind, WorkflowId>,
    /// One fault at a time for each.
    pub(crate) daemons: BTreeMap<Process, Mutex<Daemon>>,
    pub(crate) temporal: Mutex<TestTemporal>,
    pub(crate) cluster: Mutex<Cluster>,
    pub(crate) links: BTreeMap<Link, Relay>,
    /// What queries have done.
    pub(crate) tables: tokio_postgres::Client,
    pub(crate) tables_database: TestDatabase,
    /// What requests have done.
    pub(crate) outside: Outside,
    /// Where root runs this. Behind all that runs in them, since they go last.
    islands: BTreeMap<Island, Mutex<Network>>,
    /// Sockets and logs; another for what user code may read.
    directories: [tempfile::TempDir; 2],
}

impl World {
    pub(crate) async fn start() -> Arc<Self> {
        let directory = tempfile::Builder::new().prefix("bulkhead-storm-").tempdir().expect("a directory");
        let library = tempfile::tempdir().expect("a directory");
        let island = |island: Island| Network::is_possible().then(|| (island, Network::make()));
        let islands: BTreeMap<Island, Network> =
            [Island::Temporal, Island::Outside].into_iter().filter_map(island).collect();
        let temporal = islands.get(&Island::Temporal).map_or_else(TestTemporal::start, TestTemporal::start_in);
        let cluster = Cluster::start();
        let tables_database = TestDatabase::create().await;
        let tables = tables_database.connect().await;
        tables.batch_execute(EFFECTS).await.expect("created");
        let outside = Outside::start(islands.get(&Island::Outside));
        let (links, ports) = links(directory.path(), &cluster, &temporal, &tables_database, &outside).await;
        let key = SealPrivateKey::generate();
        std::fs::write(directory.path().join("seal.key"), key.to_text().as_bytes()).expect("written");
        std::fs::write(directory.path().join("run-token.key"), [7; 32]).expect("written");
        let owner = migrated(&cluster).await;
        add_resource(&owner, &tables_database, ports.resource, &key).await;
        let person = owner.create_user(PERSON, "Ann", false).await.expect("created");
        let workflows = release_all(&owner, &format!("127.0.0.1:{}", ports.outside)).await;
        let daemons = daemons(directory.path(), &zygote_library(library.path()), &ports);
        let api = DatabaseConfig {
            socket_directory: link_directory(directory.path(), Link::ApiDatabase),
            port: cluster::PORT,
            name: DATABASE.into(),
            ..DatabaseConfig::default()
        };
        Arc::new(Self {
            api: Database::open(&api, "bulkhead-api", |_| Err::<String, _>("it needs none".into())).expect("a socket"),
            person,
            workflows,
            daemons,
            temporal: Mutex::new(temporal),
            cluster: Mutex::new(cluster),
            links,
            tables,
            tables_database,
            outside,
            islands: islands.into_iter().map(|(island, network)| (island, Mutex::new(network))).collect(),
            directories: [directory, library],
        })
    }

    /// Pulls the cable to a network for so long. Where there is none, what leads there is silent instead.
    pub(crate) async fn partition(&self, island: Island, lasts: Duration) {
        if let Some(network) = self.islands.get(&island) {
            let network = network.lock().await;
            block_in_place(|| network.pull());
            tokio::time::sleep(lasts).await;
            return block_in_place(|| network.plug_in());
        }
        let links: &[Link] = match island {
            Island::Temporal => &[Link::FirstTemporal, Link::SecondTemporal],
            Island::Outside => &[Link::Outside],
        };
        let silence = links.iter().map(|link| self.links[link].disturb(Disturbance::Silent, lasts));
        futures_util::future::join_all(silence).await;
    }

    /// A connection to Bulkhead's own database that is not disturbed, for when the storm is over.
    pub(crate) async fn own_database(&self) -> tokio_postgres::Client {
        let config = self.cluster.lock().await.config(DATABASE);
        let (client, connection) = config.connect(NoTls).await.expect("connects");
        tokio::spawn(connection);
        client
    }

    /// Leaves the logs of the daemons where they are, for whoever looks for a cause; says where.
    pub(crate) fn keep_logs(&self) -> String {
        let kept = std::env::temp_dir().join(format!("bulkhead-storm-{}", std::process::id()));
        std::fs::create_dir_all(&kept).expect("made");
        for entry in std::fs::read_dir(self.directories[0].path()).expect("listed").flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                std::fs::copy(entry.path(), kept.join(entry.file_name())).expect("copied");
            }
        }
        kept.display().to_string()
    }
}

/// Where daemons find what is behind a relay.
struct Ports {
    temporal: [u16; 2],
    resource: u16,
    outside: u16,
}

/// The directory in which whoever uses a link finds PostgreSQL's socket.
fn link_directory(directory: &Path, link: Link) -> String {
    directory.join(format!("{link:?}")).display().to_string()
}

async fn links(
    directory: &Path,
    cluster: &Cluster,
    temporal: &TestTemporal,
    tables: &TestDatabase,
    outside: &Outside,
) -> (BTreeMap<Link, Relay>, Ports) {
    let databases =
        [Link::FirstDatabase, Link::SecondDatabase, Link::BackendDatabase, Link::ConnectorDatabase, Link::ApiDatabase];
    let mut links = BTreeMap::new();
    for link in databases {
        let own = link_directory(directory, link);
        std::fs::create_dir(&own).expect("made");
        links.insert(link, Relay::unix(&cluster::socket_in(Path::new(&own)), cluster.socket()));
    }
    let tables_port = tables.config().get_ports().first().copied().unwrap_or(5432);
    let tcp = [
        (Link::FirstTemporal, temporal.address()),
        (Link::SecondTemporal, temporal.address()),
        (Link::Resource, format!("127.0.0.1:{tables_port}")),
        (Link::Outside, outside.address()),
    ];
    let mut ports = Vec::new();
    for (link, to) in tcp {
        let (relay, port) = Relay::tcp(to).await;
        links.insert(link, relay);
        ports.push(port);
    }
    (links, Ports { temporal: [ports[0], ports[1]], resource: ports[2], outside: ports[3] })
}

/// Makes the roles and the schema. Gives the database as its owner sees it.
async fn migrated(cluster: &Cluster) -> Database {
    let (client, connection) = cluster.config("postgres").connect(NoTls).await.expect("connects");
    tokio::spawn(connection);
    for role in ROLES {
        client.batch_execute(&format!("CREATE ROLE \"{role}\" LOGIN")).await.expect("created");
    }
    client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await.expect("created");
    let owner = Database::with_config(cluster.config(DATABASE), 2);
    bulkhead_store::migrate(&owner).await.expect("migrates");
    owner
}

async fn add_resource(owner: &Database, tables: &TestDatabase, port: u16, key: &SealPrivateKey) {
    let id = ResourceId::new();
    let config = json!({
        "kind": "postgresql", "host": "127.0.0.1", "port": port, "database": tables.name(), "user": "postgres", "tls": "disabled",
    });
    let config = serde_json::from_value(config).expect("settings");
    let row = id.to_string();
    let place = Place { table: "resources", row: &row, field: "sealed_secret" };
    let secret = key.public_key().seal(&place, b"unused under trust").expect("sealed");
    owner.create_resource(id, "tables", &config, Some(&secret), true).await.expect("stored");
}

async fn release_all(owner: &Database, outside: &str) -> BTreeMap<Kind, WorkflowId> {
    release(owner, CHILD, crate::workflows::child()).await;
    let mut workflows = BTreeMap::new();
    for kind in Kind::ALL {
        workflows.insert(kind, release(owner, kind.slug(), kind.document(outside)).await);
    }
    workflows
}

async fn release(owner: &Database, slug: &str, document: Value) -> WorkflowId {
    let document: WorkflowDocument = serde_json::from_value(document).expect("a document");
    assert_eq!(document.validate(), [], "{slug}");
    let id = owner.create_workflow(slug, &document, None).await.expect("creates");
    owner.release_workflow(id, 1, None).await.expect("releases");
    id
}

fn daemons(directory: &Path, zygote: &Path, ports: &Ports) -> BTreeMap<Process, Mutex<Daemon>> {
    let socket = |name: &str| directory.join(format!("{name}.sock")).display().to_string();
    let database = |link: Link| {
        let (own, port) = (link_directory(directory, link), cluster::PORT);
        format!("[database]\nsocket-directory = '{own}'\nport = {port}\nname = '{DATABASE}'\n")
    };
    let start = |program: &str, service: &str, name: &str, config: String| {
        let log = directory.join(format!("{name}.log"));
        let socket = format!("{name}.sock");
        let daemon = Daemon::new(directory, &binary(program), (service, &socket), &config);
        Mutex::new(daemon.log_to(&log).start())
    };
    let worker = |name: &str, link: Link, temporal: u16| {
        let (backend, executor) = (socket("workflows-backend"), socket("code-executor"));
        let services = format!("workflows-backend-socket = '{backend}'\ncode-executor-socket = '{executor}'");
        let temporal = format!("[temporal]\naddress = '127.0.0.1:{temporal}'");
        let config = format!("{services}\nreconcile-interval-s = 2\n{}{temporal}\n", database(link));
        start("bulkhead-workflows-worker", "control", name, config)
    };
    let networks = format!("allow-networks = ['127.0.0.0/8']\nallow-fetch = ['http://127.0.0.1:{}']\n", ports.outside);
    let connector = networks + &database(Link::ConnectorDatabase);
    let connector = start("bulkhead-db-connector", "rpc", "db-connector", connector);
    let backend = format!("db-connector-socket = '{}'\n{}", socket("db-connector"), database(Link::BackendDatabase));
    let backend = start("bulkhead-workflows-backend", "rpc", "workflows-backend", backend);
    let executor = format!(
        "{}workflows-backend = '{}'\nzygote-library = '{}'\n",
        lenient(),
        socket("workflows-backend"),
        zygote.display()
    );
    let executor = start("bulkhead-code-executor", "rpc", "code-executor", executor);
    BTreeMap::from([
        (Process::Connector, connector),
        (Process::Backend, backend),
        (Process::Executor, executor),
        (Process::FirstWorker, worker("worker-1", Link::FirstDatabase, ports.temporal[0])),
        (Process::SecondWorker, worker("worker-2", Link::SecondDatabase, ports.temporal[1])),
    ])
}
