//! Keys, passphrases, passwords, and what a refusal says.
//!
//! sshd without PAM checks passwords against the accounts of this machine, which a test must not change: passwords meet a server
//! made of russh instead.

use bulkhead_model::ssh::SshSecret;

use crate::kit::{Connector, Host, echo, echoes, host, key};
use crate::password_server::{PASSWORD, PasswordServer, Takes};
use crate::sshd::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_key_opens_by_its_passphrase() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let protected = sshd.protected_client_key("open sesame");
    // As it comes out of a form on Windows.
    let pasted = protected.trim_end().replace('\n', "\r\n");
    let id = connector.add(&Host { secret: key(pasted, Some("open sesame")), ..host(&sshd) }).await;
    echoes(&mut connector.open(id, target).await.expect("opens"), b"hello").await;
    for (passphrase, advice) in [(Some("close sesame"), "enter it again"), (None, "enter that too")] {
        let id = connector.add(&Host { secret: key(protected.clone(), passphrase), ..host(&sshd) }).await;
        let problem = connector.refusal(id, target).await;
        assert_eq!((problem.status, problem.code.as_str()), (422, "ssh-secret"));
        assert!(problem.detail.contains(advice) && !problem.detail.contains("sesame"), "{}", problem.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_or_password_that_the_host_does_not_take_is_a_log_in_fault() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let stranger = Host { secret: key(sshd.stranger().0, None), ..host(&sshd) };
    let password = Host { secret: SshSecret::Password { password: "hunter22".into() }, ..host(&sshd) };
    for (host, reason) in [(stranger, "authorized_keys"), (password, "it takes no password")] {
        let id = connector.add(&host).await;
        let problem = connector.refusal(id, 5432).await;
        assert_eq!((problem.status, problem.code.as_str()), (502, "ssh-log-in"));
        assert!(problem.detail.contains(reason), "{}", problem.detail);
        assert!(problem.detail.contains("it accepts: publickey"), "{}", problem.detail);
        assert!(!problem.detail.contains("hunter22"), "{}", problem.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_wants_two_proofs_says_so() {
    let sshd = Sshd::start("AuthenticationMethods publickey,publickey");
    let connector = Connector::on_loopback().await;
    let id = connector.add(&host(&sshd)).await;
    let problem = connector.refusal(id, 5432).await;
    assert_eq!(problem.code, "ssh-log-in");
    assert!(problem.detail.contains("more than the key"), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_taken_by_itself_or_in_a_dialogue() {
    let connector = Connector::on_loopback().await;
    for takes in [Takes::Password, Takes::Dialogue] {
        let server = PasswordServer::start(takes).await;
        let id = connector.add(&server.host(PASSWORD)).await;
        echoes(&mut connector.open(id, 5432).await.expect("opens"), b"hello").await;
        let id = connector.add(&server.host("another")).await;
        let problem = connector.refusal(id, 5432).await;
        assert_eq!(problem.code, "ssh-log-in");
        assert!(problem.detail.contains("user or password is wrong"), "{}", problem.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_not_answered_with_the_password() {
    let (connector, server) = (Connector::on_loopback().await, PasswordServer::start(Takes::SecondFactor).await);
    let id = connector.add(&server.host(PASSWORD)).await;
    let problem = connector.refusal(id, 5432).await;
    assert_eq!(problem.code, "ssh-log-in");
    assert!(problem.detail.contains("more than the password"), "{}", problem.detail);
    assert_eq!(server.answers(), [PASSWORD]);
}
