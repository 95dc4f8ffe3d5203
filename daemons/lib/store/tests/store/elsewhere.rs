//! A database on another machine: TLS that is verified in full, a certificate or a password, several servers.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, DatabaseConfig, Notifications};
use bulkhead_test_kit::{TestAuthority, TestDatabase};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

/// Before the test cluster, what a server elsewhere does: the start of TLS as PostgreSQL has it (SSLRequest, `S`), and a demand for a
/// certificate.
struct Server {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(database: &TestDatabase, authority: &TestAuthority, names: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let acceptor = TlsAcceptor::from(Arc::new(settings(authority, names)));
        let config = database.config();
        let (tokio_postgres::config::Host::Unix(directory), port_of) = (&config.get_hosts()[0], config.get_ports()[0])
        else {
            panic!("the test cluster has a socket")
        };
        let socket = directory.join(format!(".s.PGSQL.{port_of}"));
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (acceptor, socket) = (acceptor.clone(), socket.clone());
                tokio::spawn(async move {
                    let mut request = [0; 8];
                    stream.read_exact(&mut request).await.ok()?;
                    assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "nothing is said in the clear");
                    stream.write_all(b"S").await.ok()?;
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let mut server = UnixStream::connect(socket).await.ok()?;
                    tokio::io::copy_bidirectional(&mut stream, &mut server).await.ok()
                });
            }
        });
        Self { port, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn settings(authority: &TestAuthority, names: &[&str]) -> ServerConfig {
    let now = time::OffsetDateTime::now_utc();
    let holds = (now - time::Duration::hours(1), now + time::Duration::hours(1));
    let [certificate, key, ca] = authority.issue_for("database", names, holds);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("PEM")).expect("an authority");
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let clients = clients.allow_unauthenticated().build().expect("a verifier");
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).expect("PEM")],
            PrivateKeyDer::from_pem_file(key).expect("PEM"),
        )
        .expect("a certificate")
}

fn open(database: &TestDatabase, settings: &str) -> Result<Database, String> {
    let text = format!("name = '{}'\nmax-connections = 2\n{settings}", database.name());
    let config: DatabaseConfig = toml::from_str(&text).expect("settings");
    let password = |name: &'static str| Ok::<_, Box<dyn std::error::Error + Send + Sync>>(format!("of {name}\n"));
    Database::open(&config, "bulkhead-api", password).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_certificate_or_a_password_logs_in_over_verified_tls() {
    let (own, _database) = migrated().await;
    let authority = TestAuthority::default();
    let server = Server::start(&own, &authority, &["localhost"]).await;
    let [certificate, key, ca] = authority.issue("api").map(|path| path.display().to_string());
    let place = format!("host = 'localhost'\nport = {}\nca = '{ca}'\n", server.port);
    for log_in in [format!("certificate = '{certificate}'\nkey = '{key}'\n"), "password = true\n".to_owned()] {
        let database = open(&own, &(place.clone() + &log_in)).expect("opened");
        database.ping().await.expect("answers");
        // What is beside the pool goes the same way.
        assert!(database.schema_version().await.expect("answers") > 0);
        let mut heard = Notifications::listen(&database, "test_elsewhere").subscribe();
        let first = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
        assert!(first.is_ok(), "it listens");
    }
}

#[tokio::test]
async fn a_server_that_cannot_show_who_it_is_gets_no_password() {
    let (own, _database) = migrated().await;
    let (authority, stranger) = (TestAuthority::default(), TestAuthority::default());
    let ca = authority.path().join("ca.crt").display().to_string();
    let another = Server::start(&own, &authority, &["db9.example.org"]).await;
    let unknown = Server::start(&own, &stranger, &["localhost"]).await;
    for port in [another.port, unknown.port] {
        let settings = format!("host = 'localhost'\nport = {port}\nca = '{ca}'\npassword = true\n");
        assert!(open(&own, &settings).expect("opened").ping().await.is_err());
    }
    let error = open(&own, "host = 'localhost'\npassword = true\nca = '/nowhere/ca.crt'\n").expect_err("no authority");
    assert!(error.contains("ca in [database]: /nowhere/ca.crt"), "{error}");
}

#[tokio::test]
async fn of_several_servers_one_that_answers_is_found() {
    let (own, _database) = migrated().await;
    let authority = TestAuthority::default();
    let server = Server::start(&own, &authority, &["localhost"]).await;
    let ca = authority.path().join("ca.crt").display().to_string();
    // Nobody listens at the first address.
    let settings = format!("host = '127.0.0.9,localhost'\nport = {}\nca = '{ca}'\npassword = true\n", server.port);
    open(&own, &settings).expect("opened").ping().await.expect("answers");
    as_role(&own, "bulkhead-api").ping().await.expect("the socket does as ever");
}
