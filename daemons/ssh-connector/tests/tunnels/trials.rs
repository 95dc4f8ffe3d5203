//! What an administrator asks before a host is saved.

use bulkhead_model::SshHostId;
use bulkhead_model::ssh::SshHostConfig;
use serde_json::json;
use tokio::net::TcpListener;

use crate::kit::{Connector, Host, host, key};
use crate::sshd::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_a_host_shows_is_read_without_a_log_in() {
    let (first, second, connector) = (Sshd::start(""), Sshd::start(""), Connector::on_loopback().await);
    let shown = connector.host_key(first.port, None).await.expect("shown");
    assert!(first.host_key().starts_with(&shown), "{shown}");
    assert_eq!(connector.log_ins(), 0);
    let jump = connector.add(&host(&first)).await;
    let shown = connector.host_key(second.port, Some(jump)).await.expect("shown");
    assert!(second.host_key().starts_with(&shown), "{shown}");
    assert_eq!(connector.log_ins(), 1, "on the way alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_key_obeys_the_network_policy() {
    let connector = Connector::start(json!({})).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    assert_eq!(connector.host_key(port, None).await.expect_err("refused").code, "ssh-host-refused");
    let seen = tokio::time::timeout(std::time::Duration::from_millis(200), listener.accept()).await;
    assert!(seen.is_err(), "nobody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ssh_server_is_said() {
    let (connector, silent) =
        (Connector::on_loopback().await, TcpListener::bind(("127.0.0.1", 0)).await.expect("bound"));
    let port = silent.local_addr().expect("an address").port();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = silent.accept().await.expect("accepted");
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
    });
    let problem = connector.host_key(port, None).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (502, "ssh-host-unreachable"));
    assert!(problem.detail.contains("no SSH server"), "{}", problem.detail);
    answering.await.expect("answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_tried_before_they_are_saved() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let tried = host(&sshd);
    assert_eq!(connector.test(SshHostId::new(), &tried, false).await, Ok(true));
    let with = |config: SshHostConfig| Host { config, ..tried.clone() };
    let code = async |host: &Host| connector.test(SshHostId::new(), host, false).await.expect_err("refused").code;
    let unknown = with(SshHostConfig { host: "no-such-host.invalid".into(), ..tried.config.clone() });
    assert_eq!(code(&unknown).await, "ssh-host-unknown-name");
    let nobody = with(SshHostConfig { port: 1, ..tried.config.clone() });
    assert_eq!(code(&nobody).await, "ssh-host-unreachable");
    let changed = with(SshHostConfig { host_key: sshd.stranger().1, ..tried.config.clone() });
    assert_eq!(code(&changed).await, "ssh-host-key");
    let stranger = Host { secret: key(sshd.stranger().0, None), ..tried.clone() };
    assert_eq!(code(&stranger).await, "ssh-log-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_forward_is_told_apart_from_one_that_does() {
    let connector = Connector::on_loopback().await;
    let closed = Sshd::start("AllowTcpForwarding no");
    assert_eq!(connector.test(SshHostId::new(), &host(&closed), false).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_secret_goes_only_where_it_was_entered_for() {
    let (sshd, other, connector) = (Sshd::start(""), Sshd::start(""), Connector::on_loopback().await);
    let id = connector.add(&host(&sshd)).await;
    assert_eq!(connector.test(id, &host(&sshd), true).await, Ok(true));
    let problem = connector.test(id, &host(&other), true).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (422, "secret-needed"));
    let through_itself = connector.test(id, &host(&sshd).behind(id), false).await.expect_err("refused");
    assert_eq!(through_itself.code, "ssh-row-too-long");
}
