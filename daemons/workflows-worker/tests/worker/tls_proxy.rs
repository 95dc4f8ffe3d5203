//! What stands before a Temporal cluster elsewhere: TLS, a demand for a client's certificate, headers that say who asks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The headers `authorization` and `temporal-namespace` of a request.
pub(crate) type Shown = (String, String);

/// A proxy before a server without TLS. Ends with the runtime.
pub(crate) struct TlsProxy {
    files: tempfile::TempDir,
    port: u16,
    seen: Arc<Mutex<BTreeSet<Shown>>>,
}

impl TlsProxy {
    /// Starts one before `server`, which demands a certificate of its own authority or none.
    pub(crate) async fn start(server: String, demands_certificate: bool) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let config = certificates(files.path(), demands_certificate);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::default();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), server, Arc::clone(&seen)));
        Self { files, port, seen }
    }

    /// The address by the name that its certificate has.
    pub(crate) fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// A file: `ca.pem`, `client.pem`, `client.key`, or `stranger.pem` of an authority that has signed nothing here.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// What requests have shown.
    pub(crate) fn seen(&self) -> BTreeSet<Shown> {
        self.seen.lock().expect("no panic").clone()
    }
}

fn certificates(directory: &Path, demands_certificate: bool) -> ServerConfig {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
    };
    let (ours, stranger) = (authority(), authority());
    let signed = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (params.signed_by(&key, &ours).expect("signed"), key)
    };
    let (server, server_key) = signed("localhost");
    let (client, client_key) = signed("worker");
    let write = |name: &str, text: String| std::fs::write(directory.join(name), text).expect("written");
    write("ca.pem", ours.pem());
    write("stranger.pem", stranger.pem());
    write("client.pem", client.pem());
    write("client.key", client_key.serialize_pem());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = if demands_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ours.pem().as_bytes()).expect("PEM")).expect("an authority");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(server_key.serialize_pem().as_bytes()).expect("a key");
    let mut config = builder.with_single_cert(vec![server.der().clone()], key).expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, server: String, seen: Arc<Mutex<BTreeSet<Shown>>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (acceptor, server, seen) = (acceptor.clone(), server.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            // Whoever shows no certificate is told so by TLS, and there is nothing more to say.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let pass = service_fn(move |request| pass_on(request, server.clone(), Arc::clone(&seen)));
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), pass)
                .await;
        });
    }
}

/// Sends a request on, each over a connection of its own: bodies and trailers stream in both directions.
async fn pass_on(
    mut request: Request<Incoming>,
    server: String,
    seen: Arc<Mutex<BTreeSet<Shown>>>,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    seen.lock().expect("no panic").insert((header("authorization"), header("temporal-namespace")));
    let path = request.uri().path().to_owned();
    *request.uri_mut() = Uri::builder().scheme("http").authority(server.as_str()).path_and_query(path).build()?;
    let stream = tokio::net::TcpStream::connect(&server).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
