//! Hosts that are reached through others.

use bulkhead_model::ssh::SshHostConfig;

use crate::kit::{Connector, Host, echo, echoes, host};
use crate::sshd::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_leads_through_two_hosts_and_its_sessions_serve_the_next() {
    let (first, second) = (Sshd::start(""), Sshd::start(""));
    let (connector, target) = (Connector::on_loopback().await, echo().await);
    let jump = connector.add(&host(&first)).await;
    let id = connector.add(&host(&second).behind(jump)).await;
    let mut tunnel = connector.open(id, target).await.expect("opens");
    echoes(&mut tunnel, &vec![42; 3_000_000]).await;
    assert_eq!(connector.log_ins(), 2, "one on each");
    drop(tunnel);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    echoes(&mut connector.open(id, target).await.expect("opens"), b"again").await;
    assert_eq!(connector.log_ins(), 2, "both sessions were kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hosts_stand_in_a_row_and_a_fifth_is_refused() {
    let (sshd, connector, target) = (Sshd::start(""), Connector::on_loopback().await, echo().await);
    let mut ids = vec![connector.add(&host(&sshd)).await];
    for _ in 1..5 {
        let last = *ids.last().expect("one");
        ids.push(connector.add(&host(&sshd).behind(last)).await);
    }
    echoes(&mut connector.open(ids[3], target).await.expect("opens"), b"far away").await;
    let problem = connector.refusal(ids[4], target).await;
    assert_eq!((problem.status, problem.code.as_str()), (422, "ssh-row-too-long"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_each_host_on_the_way_is_checked() {
    let (first, second) = (Sshd::start(""), Sshd::start(""));
    let (connector, target) = (Connector::on_loopback().await, echo().await);
    let jump = connector.add(&host(&first)).await;
    let wrong = |sshd: &Sshd| {
        let config = SshHostConfig { host_key: sshd.stranger().1, ..host(sshd).config };
        Host { config, ..host(sshd) }
    };
    let behind = connector.add(&wrong(&second).behind(jump)).await;
    let problem = connector.refusal(behind, target).await;
    assert_eq!(problem.code, "ssh-host-key");
    assert!(problem.detail.contains(&second.fingerprint("host")), "{}", problem.detail);
    let wrong_jump = connector.add(&wrong(&first)).await;
    let behind = connector.add(&host(&second).behind(wrong_jump)).await;
    let before = connector.log_ins();
    let problem = connector.refusal(behind, target).await;
    assert_eq!((problem.code.as_str(), connector.log_ins()), ("ssh-host-key", before));
    assert!(problem.detail.contains(&first.fingerprint("host")), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_on_the_way_that_does_not_forward_is_named_with_the_next_one() {
    let (first, second) = (Sshd::start("PermitOpen none"), Sshd::start(""));
    let (connector, target) = (Connector::on_loopback().await, echo().await);
    let jump = connector.add(&host(&first)).await;
    let id = connector.add(&host(&second).behind(jump)).await;
    let problem = connector.refusal(id, target).await;
    assert_eq!(problem.code, "ssh-forwarding-refused");
    assert!(problem.detail.contains(&format!("127.0.0.1:{}", second.port)), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_of_the_host_on_the_way_the_next_tunnel_opens() {
    let (mut first, second) = (Sshd::start(""), Sshd::start(""));
    let (connector, target) = (Connector::on_loopback().await, echo().await);
    let jump = connector.add(&host(&first)).await;
    let id = connector.add(&host(&second).behind(jump)).await;
    echoes(&mut connector.open(id, target).await.expect("opens"), b"before").await;
    first.kill();
    assert_eq!(connector.refusal(id, target).await.code, "ssh-host-unreachable");
    first.run();
    echoes(&mut connector.open(id, target).await.expect("opens again"), b"after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_jump_host_counts_from_the_next_tunnel_on() {
    let (first, second) = (Sshd::start(""), Sshd::start(""));
    let (connector, target) = (Connector::on_loopback().await, echo().await);
    let jump = connector.add(&host(&first)).await;
    let id = connector.add(&host(&second).behind(jump)).await;
    echoes(&mut connector.open(id, target).await.expect("opens"), b"before").await;
    connector.set_host_key(jump, &first.stranger().1).await;
    assert_eq!(connector.refusal(id, target).await.code, "ssh-host-key", "no kept session passes by the change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_local_address_is_reached_through_no_host() {
    let (sshd, connector) = (Sshd::start(""), Connector::on_loopback().await);
    let jump = connector.add(&host(&sshd)).await;
    let mut metadata = host(&sshd).behind(jump);
    metadata.config.host = "169.254.169.254".into();
    let id = connector.add(&metadata).await;
    assert_eq!(connector.refusal(id, 5432).await.code, "ssh-target-refused");
}
