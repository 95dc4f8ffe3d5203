//! The log-in of MySQL 8, whose server cannot run here: a server that speaks its protocol, and some that abuse it.

use aws_lc_rs::digest::{SHA256, digest};
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::conformance::CANARY;
use crate::kit::Service;

const NONCE: [u8; 20] = *b"twenty random bytes!";
const OK: [u8; 7] = [0, 0, 0, 2, 0, 0, 0];
const END: [u8; 5] = [0xFE, 0, 0, 2, 0];

/// How the server behaves.
#[derive(Clone, Copy)]
enum Manner {
    /// It knows the password's hash.
    Remembers,
    /// It wants to see the password, as a server does that has not seen it since it was started.
    AsksToSee,
    /// It wants to see the password as it is.
    AsksForText,
    /// It answers a query by asking for a file.
    AsksForFile,
    /// It says that a result has more columns than there can be.
    Boasts,
}

struct Server {
    stream: TcpStream,
    sequence: u8,
}

impl Server {
    async fn send(&mut self, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
        let mut packet = vec![length[0], length[1], length[2], self.sequence];
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&packet).await.expect("sent");
    }

    /// The client's next packet; nothing when it has hung up.
    async fn packet(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await.ok()?;
        self.sequence = head[3].wrapping_add(1);
        let mut payload = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(payload)
    }

    async fn greet(&mut self) {
        let mut greeting = b"\x0a8.4.3\0\x07\0\0\0".to_vec();
        greeting.extend_from_slice(&NONCE[..8]);
        // All that MySQL can but TLS.
        greeting.extend_from_slice(&[0, 0xFF, 0xF7, 255, 2, 0, 0xFF, 0xDF, 21]);
        greeting.extend_from_slice(&[0; 10]);
        greeting.extend_from_slice(&NONCE[8..]);
        greeting.extend_from_slice(b"\0caching_sha2_password\0");
        self.send(&greeting).await;
    }

    /// Lets the client in, or not.
    async fn log_in(&mut self, manner: Manner) -> Option<()> {
        self.greet().await;
        let answer = self.packet().await?;
        let once = digest(&SHA256, CANARY.as_bytes());
        let mask = digest(&SHA256, &[digest(&SHA256, once.as_ref()).as_ref(), &NONCE].concat());
        let proof: Vec<u8> = once.as_ref().iter().zip(mask.as_ref()).map(|(byte, mask)| byte ^ mask).collect();
        assert!(answer.windows(proof.len()).any(|part| part == proof), "the password is proved");
        assert!(answer.windows(4).any(|part| part == b"app\0") && answer.windows(5).any(|part| part == b"shop\0"));
        // Neither files of its side nor several statements.
        assert_eq!(answer[0] & 0x80, 0);
        assert_eq!(answer[2] & 0x01, 0);
        match manner {
            Manner::AsksToSee => {
                self.send(&[1, 4]).await;
                assert_eq!(self.packet().await, None, "nothing is shown, nor is a key asked for");
                return None;
            }
            Manner::AsksForText => {
                self.send(b"\xfemysql_clear_password\0").await;
                assert_eq!(self.packet().await, None, "nothing is shown");
                return None;
            }
            Manner::Remembers | Manner::AsksForFile | Manner::Boasts => self.send(&[1, 3]).await,
        }
        self.send(&OK).await;
        Some(())
    }

    /// Answers what is asked: one column with one row.
    async fn serve(&mut self, manner: Manner) -> Option<()> {
        self.log_in(manner).await?;
        let column = b"\x03def\0\0\0\x03one\0\x0c\x3f\0\x0b\0\0\0\x08\x81\0\0\0\0";
        loop {
            match (self.packet().await?.first()?, manner) {
                (0x16, _) => {
                    self.send(&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
                    self.send(column).await;
                    self.send(&END).await;
                }
                (0x17, Manner::AsksForFile) => {
                    self.send(b"\xfb/etc/passwd").await;
                    assert_eq!(self.packet().await, None, "no file is sent");
                    return None;
                }
                (0x17, Manner::Boasts) => {
                    self.send(&[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]).await;
                    return None;
                }
                (0x17, _) => {
                    self.send(&[1]).await;
                    self.send(column).await;
                    self.send(&END).await;
                    self.send(&[0, 0, 1, 0, 0, 0, 0, 0, 0x20, 0]).await;
                    self.send(&END).await;
                }
                _ => self.send(&OK).await,
            }
        }
    }
}

/// Asks such a server.
async fn ask(service: &Service, name: &str, manner: Manner) -> Result<QueryResult, Problem> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepted");
        Server { stream, sequence: 0 }.serve(manner).await;
    });
    let config = json!({ "kind": "mysql", "host": "127.0.0.1", "port": port, "database": "shop", "user": "app", "tls": "disabled" });
    let config = serde_json::from_value(config).expect("a configuration");
    let resource = service.add_kind(name, &config, Some(CANARY)).await;
    let outcome = service.run(&QueryRequest { resource, ..service.query("select one") }).await;
    if outcome.is_err() {
        // What it found wrong, it says by a panic.
        server.await.expect("served");
    }
    outcome
}

#[tokio::test]
async fn the_log_in_of_mysql_8_shows_the_password_to_nobody_but_the_server() {
    let service = Service::start().await;
    let result =
        ask(&service, "remembers", Manner::Remembers).await.unwrap_or_else(|problem| panic!("{}", problem.detail));
    assert_eq!(json!(result.rows), json!([{ "one": "9007199254740993" }]));
    for (name, manner, words) in
        [("asks-for-text", Manner::AsksForText, "without TLS"), ("asks-to-see", Manner::AsksToSee, "turn on TLS")]
    {
        let problem = ask(&service, name, manner).await.expect_err(name);
        assert_eq!((problem.status, problem.code.as_str()), (502, "resource-log-in"), "{}", problem.detail);
        assert!(problem.detail.contains(words) && !problem.detail.contains(CANARY), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_files_or_boasts_gets_nothing() {
    let service = Service::start().await;
    for (name, manner) in [("asks-for-file", Manner::AsksForFile), ("boasts", Manner::Boasts)] {
        let problem = ask(&service, name, manner).await.expect_err(name);
        assert_eq!((problem.status, problem.code.as_str()), (502, "resource-lost"), "{}", problem.detail);
    }
}
