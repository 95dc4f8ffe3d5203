//! SSH hosts: rows of them stay short, what is used stays, and only ssh-connector reads what is sealed.

use bulkhead_model::ssh::{SshAuthentication, SshHostConfig};
use bulkhead_model::{ResourceId, SshHostId};
use bulkhead_store::ssh_hosts::{SshHostChange, SshHostSaved, SshHostUses};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use serde_json::json;

fn behind(jump_host: Option<SshHostId>) -> SshHostConfig {
    SshHostConfig {
        host: "bastion".into(),
        port: 22,
        user: "tunnel".into(),
        host_key: "ssh-ed25519 AAAA".into(),
        jump_host,
    }
}

async fn add(api: &Database, name: &str, jump_host: Option<SshHostId>) -> (SshHostId, SshHostSaved) {
    let (id, secret) = (SshHostId::new(), (SshAuthentication::Key, "bh1.sealed"));
    let saved = api.create_ssh_host(id, name, &behind(jump_host), secret).await.expect("asked");
    (id, saved)
}

async fn four_in_a_row(api: &Database) -> Vec<SshHostId> {
    let mut ids: Vec<SshHostId> = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let (id, saved) = add(api, name, ids.last().copied()).await;
        assert_eq!(saved, SshHostSaved::Yes, "{name}");
        ids.push(id);
    }
    ids
}

#[tokio::test]
async fn four_stand_in_a_row_and_no_fifth_wherever_it_would_stand() {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let ids = four_in_a_row(&api).await;
    assert_eq!(add(&api, "e", ids.last().copied()).await.1, SshHostSaved::RowTooLong);
    let (head, saved) = add(&api, "head", None).await;
    assert_eq!(saved, SshHostSaved::Yes);
    let moved = SshHostChange { config: &behind(Some(head)), secret: None };
    assert_eq!(api.update_ssh_host(ids[0], moved).await.expect("asked"), SshHostSaved::RowTooLong);
    for jump in [ids[0], ids[3]] {
        let closed = SshHostChange { config: &behind(Some(jump)), secret: None };
        assert_eq!(api.update_ssh_host(ids[0], closed).await.expect("asked"), SshHostSaved::RowTooLong, "a circle");
    }
    let nowhere = SshHostChange { config: &behind(Some(SshHostId::new())), secret: None };
    assert_eq!(api.update_ssh_host(ids[0], nowhere).await.expect("asked"), SshHostSaved::NoJumpHost);
    assert_eq!(api.ssh_host("a").await.expect("reads").config, behind(None), "nothing of it was stored");
}

#[tokio::test]
async fn the_way_leads_from_the_first_host_to_the_last() {
    let (test, _) = migrated().await;
    let (api, connector) = (as_role(&test, "bulkhead-api"), as_role(&test, "bulkhead-ssh-connector"));
    let ids = four_in_a_row(&api).await;
    let way = connector.ssh_way(ids[3]).await.expect("reads");
    assert_eq!(way.iter().map(|hop| hop.id).collect::<Vec<_>>(), ids);
    assert_eq!(way[3].sealed_secret, "bh1.sealed");
    assert!(matches!(connector.ssh_way(SshHostId::new()).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(api.ssh_way(ids[0]).await, Err(StoreError::Refused { .. })), "api reads nothing sealed");
}

#[tokio::test]
async fn a_secret_is_replaced_with_its_kind_and_else_stays() {
    let (test, _) = migrated().await;
    let (api, connector) = (as_role(&test, "bulkhead-api"), as_role(&test, "bulkhead-ssh-connector"));
    let (id, _) = add(&api, "bastion", None).await;
    let other = SshHostConfig { port: 2222, ..behind(None) };
    api.update_ssh_host(id, SshHostChange { config: &other, secret: None }).await.expect("stored");
    assert_eq!(connector.ssh_way(id).await.expect("reads")[0].sealed_secret, "bh1.sealed");
    let secret = Some((SshAuthentication::Password, "bh1.other"));
    api.update_ssh_host(id, SshHostChange { config: &other, secret }).await.expect("stored");
    assert_eq!(connector.ssh_way(id).await.expect("reads")[0].sealed_secret, "bh1.other");
    let stored = api.ssh_host("bastion").await.expect("reads");
    assert_eq!((stored.authentication, stored.config.port), (SshAuthentication::Password, 2222));
}

#[tokio::test]
async fn what_something_is_reached_through_is_not_deleted() {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let (first, _) = add(&api, "first", None).await;
    let (second, _) = add(&api, "second", Some(first)).await;
    let config = json!({ "kind": "postgresql", "host": "db", "database": "x", "user": "y", "ssh-host": first });
    let config = serde_json::from_value(config).expect("settings");
    api.create_resource(ResourceId::new(), "crm", &config, None, false).await.expect("adds");
    let uses = SshHostUses { resources: vec!["crm".into()], ssh_hosts: vec!["second".into()] };
    assert_eq!(api.delete_ssh_host(first).await.expect("asked"), uses);
    assert_eq!(api.ssh_host("first").await.expect("is still there").uses, uses);
    assert!(api.delete_ssh_host(second).await.expect("deletes").is_empty());
    assert_eq!(api.ssh_hosts().await.expect("lists").len(), 1);
    assert!(matches!(api.delete_ssh_host(second).await, Err(StoreError::NotFound { .. })));
}
