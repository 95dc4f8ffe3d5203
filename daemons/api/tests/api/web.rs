//! Pages, assets, and the headers that every answer carries.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::Instance;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let instance = Instance::start().await;
    let requests = [
        ("GET", "/"),
        ("GET", "/assets/index-abc.js"),
        ("GET", "/assets/none.js"),
        ("GET", "/evaluator"),
        ("GET", "/custom-component"),
        ("GET", "/api/v1/session"),
        ("GET", "/api/v1/none"),
        ("POST", "/api/v1/login"),
        ("POST", "/hooks/a/b"),
        ("PUT", "/"),
        ("OPTIONS", "/api/v1/apps"),
        ("GET", "/%ff"),
    ];
    for (method, path) in requests {
        let answer = instance.send(method, path, &[], "").await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"), "{path}");
        assert_eq!(header("cross-origin-opener-policy").as_deref(), Some("same-origin"), "{path}");
        assert!(header("content-security-policy").expect(path).contains("default-src 'none'"), "{path}");
        assert!(header("x-request-id").is_some(), "{path}");
        assert!(header("cache-control").is_some() && header("cross-origin-resource-policy").is_some(), "{path}");
        assert_eq!(header("access-control-allow-origin"), None, "{path}");
        assert_eq!(header("strict-transport-security"), None, "only TLS promises TLS");
        if path.starts_with("/api") {
            assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_page_has_a_fresh_nonce_in_policy_and_document() {
    let instance = Instance::start().await;
    let mut nonces = Vec::new();
    for path in ["/", "/apps/customers/edit"] {
        let page = instance.send("GET", path, &[], "").await;
        let policy = page.headers["content-security-policy"].to_str().expect("text").to_owned();
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
        let html = String::from_utf8_lossy(&page.body).into_owned();
        assert!(html.contains(&format!("content=\"{nonce}\"")) && !html.contains("__CSP_NONCE__"), "{html}");
        for part in [
            "script-src 'self';",
            "style-src-attr 'none'",
            "require-trusted-types-for 'script'",
            "frame-ancestors 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn only_listed_origins_are_shown_in_frames() {
    let instance =
        Instance::with(json!({ "frame-origins": ["https://wiki.example.org", "https://10.0.0.5:8443"] })).await;
    let page = instance.send("GET", "/", &[], "").await;
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("frame-src 'self' blob: https://wiki.example.org https://10.0.0.5:8443;"), "{policy}");
    let html = String::from_utf8_lossy(&page.body);
    assert!(html.contains(r#"content="https://wiki.example.org https://10.0.0.5:8443""#), "{html}");
    let none = Instance::start().await.send("GET", "/", &[], "").await;
    let policy = none.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("frame-src 'self' blob:;"), "{policy}");
}

#[tokio::test]
async fn assets_are_cached_compressed_and_confined_to_their_root() {
    let instance = Instance::start().await;
    let plain = instance.send("GET", "/assets/index-abc.js", &[], "").await;
    assert_eq!(plain.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(&plain.body[..], b"console.log('plain')");
    let brotli = instance.send("GET", "/assets/index-abc.js", &[("accept-encoding", "gzip, br")], "").await;
    assert_eq!(
        (&brotli.body[..], brotli.headers["content-encoding"].to_str().expect("text")),
        (&b"brotli bytes"[..], "br")
    );
    for path in ["/.secret.js", "/assets/../.secret.js", "/../api.key.js", "/assets/none.js", "/index.html"] {
        assert_eq!(instance.send("GET", path, &[], "").await.status, 404, "{path}");
    }
    let evaluator = instance.send("GET", "/evaluator", &[], "").await;
    let policy = evaluator.headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval' blob:"),
        "{policy}"
    );
    let custom = instance.send("GET", "/custom-component", &[], "").await;
    let policy = custom.headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'none';") && !policy.contains("connect-src"),
        "{policy}"
    );
    let script = instance.send("GET", "/assets/evaluator-frame-abc.js", &[("origin", "null")], "").await;
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
}

#[tokio::test]
async fn the_https_listener_speaks_tls_and_promises_it() {
    let instance = Instance::with(json!({ "base-url": "https://tools.example.org" })).await;
    let pem = std::fs::read(instance.directory.path().join("api.crt")).expect("a certificate");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).expect("PEM")).expect("trusted");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let connector =
        tokio_rustls::TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = tokio::net::TcpStream::connect(instance.https).await.expect("connects");
    let mut stream = connector.connect(ServerName::try_from("localhost").expect("a name"), stream).await.expect("TLS");
    let request = "GET /api/v1/session HTTP/1.1\r\nHost: tools.example.org\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 401") && answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
}
