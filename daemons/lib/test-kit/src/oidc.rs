//! A provider of OAuth 2 and OpenID Connect: oidc-provider from npm, with a person who agrees to everything.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::{TestServer, provided};

/// The secret of its clients `bulkhead` and `in-form`; `public` has none.
pub const CLIENT_SECRET: &str = "s3cret-of-the-client";

/// A provider. It forgets all, its keys too, when it starts again.
#[derive(Debug)]
pub struct OidcServer {
    /// The process.
    pub server: TestServer,
}

/// What a browser is told.
#[derive(Debug)]
struct Told {
    status: u16,
    location: Option<String>,
    cookies: Vec<(String, String)>,
    body: String,
}

impl OidcServer {
    /// Starts one that sends people back to this address.
    pub fn start(redirect_uri: &str) -> Self {
        let folder = provided("BULKHEAD_TEST_OIDC");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc/server.mjs");
        let server = TestServer::start("node", |port, _| {
            vec![script.to_owned(), port.to_string(), folder, redirect_uri.to_owned()]
        });
        Self { server }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port())
    }

    /// Sets what `oidc/server.mjs` lists as settings: a JSON object.
    pub fn set(&self, settings: &str) {
        self.ask("POST", "/test/settings", settings, &BTreeMap::new());
    }

    /// Takes back all that people have agreed to.
    pub fn revoke(&self) {
        self.ask("POST", "/test/revoke", "", &BTreeMap::new());
    }

    /// How often something happened: `authorization_code`, `refresh_token`, `api`, `discovery`, `keys`.
    pub fn count(&self, what: &str) -> u64 {
        let told = self.ask("POST", "/test/counts", "", &BTreeMap::new()).body;
        let number = told.split_once(&format!("\"{what}\":")).expect("counted").1;
        number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
    }

    /// Visits a page as a browser does, and gives the address that it is sent back to: the first that is not the server's.
    pub fn visit(&self, url: &str) -> String {
        let mut cookies = BTreeMap::new();
        let mut url = url.to_owned();
        for _ in 0..10 {
            let path = url.strip_prefix(&self.url("")).unwrap_or(&url).to_owned();
            if !path.starts_with('/') {
                return url;
            }
            let told = self.ask("GET", &path, "", &cookies);
            cookies.extend(told.cookies);
            url = told
                .location
                .unwrap_or_else(|| panic!("{path} answers {}: {}\n{}", told.status, told.body, self.server.log()));
        }
        panic!("sent on without end: {url}");
    }

    fn ask(&self, method: &str, path: &str, body: &str, cookies: &BTreeMap<String, String>) -> Told {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).expect("connects");
        let cookies = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let (port, length) = (self.server.port(), body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncookie: {cookies}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status").parse().expect("a number");
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let named = |name: &str| -> Vec<&str> {
            headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
        };
        let pair = |text: &str| {
            text.split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        Told {
            status,
            location: named("location").first().map(|value| (*value).to_owned()),
            cookies: named("set-cookie").into_iter().filter_map(pair).collect(),
            body: body.to_owned(),
        }
    }
}
