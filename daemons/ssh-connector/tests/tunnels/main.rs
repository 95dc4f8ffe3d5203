//! Tunnels through a real sshd, asked for over the real socket.

mod chains;
mod kit;
mod log_ins;
mod password_server;
mod sshd;
mod trials;

use std::time::Duration;

use bulkhead_model::SshHostId;
use bulkhead_model::ssh::SshHostConfig;
use bulkhead_rpc::RpcError;
use bulkhead_rpc::ssh::{TunnelRequest, open_tunnel};
use kit::{Connector, Host, echo, echoes, flood, host};
use serde_json::json;
use sshd::Sshd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn bytes_get_through_and_the_session_serves_the_next_tunnel() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut first = connector.open(id, target).await.expect("opens");
    echoes(&mut first, &vec![42; 3_000_000]).await;
    let mut second = connector.open(id, target).await.expect("opens beside the first");
    echoes(&mut second, b"hello").await;
    assert_eq!(connector.log_ins(), 2);
    drop((first, second));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut third = connector.open(id, target).await.expect("opens");
    echoes(&mut third, b"again").await;
    assert_eq!(connector.log_ins(), 2, "a session was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_either_side_closes_the_other() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (tunnel, accepted) = tokio::join!(connector.open(id, port), listener.accept());
    let (mut target, _) = accepted.expect("accepted");
    drop(tunnel.expect("opens"));
    let seen = tokio::time::timeout(Duration::from_secs(5), target.read(&mut [0; 1])).await.expect("soon");
    assert_eq!(seen.expect("read"), 0, "the target sees the end");
    let (tunnel, accepted) = tokio::join!(connector.open(id, port), listener.accept());
    let (mut target, _) = accepted.expect("accepted");
    target.write_all(b"bye").await.expect("written");
    drop(target);
    let mut received = Vec::new();
    let reading = tunnel.expect("opens").read_to_end(&mut received).await;
    assert_eq!((reading.expect("read"), received.as_slice()), (3, b"bye".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_key_is_refused_with_both_fingerprints() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&with_key(&sshd, sshd.stranger().1)).await;
    let problem = connector.refusal(id, 5432).await;
    assert_eq!((problem.status, problem.code.as_str()), (502, "ssh-host-key"));
    let pinned = format!("pinned {}", sshd.fingerprint("stranger"));
    let shown = format!("shown {}", sshd.fingerprint("host"));
    assert!(problem.detail.contains(&pinned) && problem.detail.contains(&shown), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_nobody_serves_or_a_host_that_does_not_forward_is_named() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let problem = connector.refusal(id, 1).await;
    assert_eq!(problem.code, "ssh-target-unreachable");
    assert!(problem.detail.contains("127.0.0.1:1"), "{}", problem.detail);
    for setting in ["AllowTcpForwarding no", "DisableForwarding yes", "PermitOpen 127.0.0.1:9"] {
        let closed = Sshd::start(setting);
        let id = connector.add(&host(&closed)).await;
        let target = echo().await;
        let problem = connector.refusal(id, target).await;
        assert_eq!(problem.code, "ssh-forwarding-refused", "{setting}");
        let names_both = format!("127.0.0.1:{target}");
        let name = setting.split(' ').next().expect("a word");
        assert!(problem.detail.contains(name) && problem.detail.contains(&names_both), "{}", problem.detail);
    }
    let target = echo().await;
    let listed = Sshd::start(&format!("PermitOpen 127.0.0.1:{target}"));
    let id = connector.add(&host(&listed)).await;
    echoes(&mut connector.open(id, target).await.expect("a listed target"), b"hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_default_policy_a_listener_on_loopback_sees_nothing() {
    let connector = Connector::start(json!({})).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let key = Sshd::start("");
    let id = connector.add(&Host { config: SshHostConfig { port, ..host(&key).config }, ..host(&key) }).await;
    assert_eq!(connector.refusal(id, 5432).await.code, "ssh-host-refused");
    let seen = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(seen.is_err(), "nobody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_on_the_metadata_address_is_refused_before_any_log_in() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let request = TunnelRequest { ssh_host: id, host: "169.254.169.254".into(), port: 80 };
    let Err(RpcError::Problem(problem)) = open_tunnel(&connector.client, &request).await else { panic!("refused") };
    assert_eq!((problem.code.as_str(), connector.log_ins()), ("ssh-target-refused", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hosts_and_moved_secrets_are_refused() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let problem = connector.refusal(SshHostId::new(), 5432).await;
    assert_eq!((problem.status, problem.code.as_str()), (404, "ssh-host-unknown"));
    let first = connector.add(&host(&sshd)).await;
    let moved = connector.add_sealed(&host(&sshd), Some(first)).await;
    assert_eq!(connector.refusal(moved, 5432).await.code, "ssh-secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_of_the_host_the_next_tunnel_opens() {
    let (mut sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut tunnel = connector.open(id, target).await.expect("opens");
    echoes(&mut tunnel, b"before").await;
    sshd.kill();
    let ended = tokio::time::timeout(Duration::from_secs(5), tunnel.read(&mut [0; 1])).await.expect("soon");
    assert_eq!(ended.unwrap_or(0), 0, "the open tunnel ends");
    assert_eq!(connector.refusal(id, target).await.code, "ssh-host-unreachable");
    sshd.run();
    let mut tunnel = connector.open(id, target).await.expect("opens again");
    echoes(&mut tunnel, b"after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stalls_nobody_else() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    let stalled = connector.open(id, flood().await).await.expect("opens");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut other = connector.open(id, echo().await).await.expect("opens");
    tokio::time::timeout(Duration::from_secs(5), echoes(&mut other, &vec![9; 500_000])).await.expect("not stalled");
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tunnels_in_use_is_an_answer_of_its_own() {
    let (sshd, target) = (Sshd::start(""), echo().await);
    let connector = Connector::start(json!({"allow-networks": ["127.0.0.0/8"], "max-tunnels": 1})).await;
    let id = connector.add(&host(&sshd)).await;
    let held = connector.open(id, target).await.expect("opens");
    let problem = connector.refusal(id, target).await;
    assert_eq!((problem.status, problem.code.as_str()), (503, "ssh-busy"));
    drop(held);
    tokio::time::sleep(Duration::from_millis(500)).await;
    connector.open(id, target).await.expect("opens now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_quiet_tunnels_and_then_the_daemon() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let id = connector.add(&host(&sshd)).await;
    let mut tunnel = connector.open(id, target).await.expect("opens");
    connector.shutdown.cancel();
    echoes(&mut tunnel, b"a query that still runs").await;
    tokio::time::timeout(Duration::from_secs(5), connector.serving).await.expect("soon").expect("ends");
    assert_eq!(tunnel.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

fn with_key(sshd: &Sshd, host_key: String) -> Host {
    Host { config: SshHostConfig { host_key, ..host(sshd).config }, ..host(sshd) }
}
