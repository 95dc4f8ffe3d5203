//! SSH hosts: confirmed keys, secrets sealed on the way in and bound to their destination, the real ssh-connector and sshd.

#[path = "../../../ssh-connector/tests/tunnels/sshd.rs"]
#[allow(dead_code, reason = "ssh-connector's own tests use the rest")]
mod sshd;

use bulkhead_seal::{Place, SealPrivateKey};
use serde_json::{Value, json};
use sshd::Sshd;

use crate::kit::{Instance, Person};

const CANARY: &str = "canary-77c1-passphrase";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn config() -> Value {
    json!({ "host": "bastion.example.org", "port": 22, "user": "tunnel", "host-key": KEY })
}

fn password(password: &str) -> Value {
    json!({ "authentication": "password", "password": password })
}

async fn add(instance: &Instance, admin: &Person, name: &str, config: Value) -> Value {
    let body = json!({ "name": name, "config": config, "secret": password("x") });
    instance.call(admin, "POST", "/ssh-hosts", &body).await.ok(201)
}

/// What the newest record of an action says.
async fn detail(instance: &Instance, action: &str) -> Value {
    let records = instance.database.audit_records(None, 100).await.expect("reads");
    records.into_iter().find(|record| record.action == action).expect("recorded").detail
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_confirmed_saved_tried_and_its_new_key_confirmed_again() {
    let instance = Instance::start().await;
    instance.start_ssh_connector();
    let admin = instance.admin().await;
    let (sshd, new) = (Sshd::start(""), Sshd::start(""));
    let place = json!({ "host": "127.0.0.1", "port": sshd.port });
    let shown = instance.call(&admin, "POST", "/ssh-hosts/host-key", &place).await.ok(200);
    assert_eq!(shown["fingerprint"], sshd.fingerprint("host"));

    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("looked up").expect("exists").name;
    let mut config = json!({ "host": "127.0.0.1", "port": sshd.port, "user": user, "host-key": shown["host_key"] });
    let secret =
        json!({ "authentication": "key", "private-key": sshd.protected_client_key(CANARY), "passphrase": CANARY });
    let test = json!({ "config": config, "secret": secret });
    assert_eq!(instance.call(&admin, "POST", "/ssh-hosts/test", &test).await.ok(200), json!({ "forwards": true }));
    let body = json!({ "name": "bastion", "config": config, "secret": secret });
    let created = instance.call(&admin, "POST", "/ssh-hosts", &body).await.ok(201);
    assert_eq!(
        (created["fingerprint"].clone(), created["authentication"].clone()),
        (shown["fingerprint"].clone(), json!("key"))
    );
    assert_eq!(detail(&instance, "ssh-host.create").await["host_key"], sshd.fingerprint("host"));
    let stored = json!({ "name": "bastion", "config": config });
    instance.call(&admin, "POST", "/ssh-hosts/test", &stored).await.ok(200);

    config["host-key"] = json!(new.host_key());
    let stored = json!({ "name": "bastion", "config": config });
    let changed = instance.call(&admin, "POST", "/ssh-hosts/test", &stored).await;
    assert_eq!(changed.problem(), (502, "ssh-host-key".into()));
    let text = changed.json()["detail"].as_str().expect("text").to_owned();
    assert!(text.contains(&sshd.fingerprint("host")) && text.contains(&new.fingerprint("host")), "{text}");
    let saved = instance.call(&admin, "PUT", "/ssh-hosts/bastion", &json!({ "config": config })).await.ok(200);
    assert_eq!(saved["fingerprint"], new.fingerprint("host"));
    let both = json!({ "before": sshd.fingerprint("host"), "confirmed": new.fingerprint("host") });
    assert_eq!(detail(&instance, "ssh-host.update").await["host_key"], both);
}

#[tokio::test]
async fn a_secret_is_sealed_to_the_ssh_connector_and_appears_nowhere_again() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let secret = json!({ "authentication": "key", "private-key": "-----BEGIN CANARY-----", "passphrase": CANARY });
    let body = json!({ "name": "bastion", "config": config(), "secret": secret });
    let created = instance.call(&admin, "POST", "/ssh-hosts", &body).await;
    assert!(!String::from_utf8_lossy(&created.body).contains(CANARY));
    let id = created.ok(201)["id"].as_str().expect("an id").to_owned();
    assert_eq!(instance.call(&admin, "POST", "/ssh-hosts", &body).await.problem(), (409, "exists".into()));
    for path in ["/ssh-hosts", "/ssh-hosts/bastion", "/audit"] {
        let answer = instance.call(&admin, "GET", path, &Value::Null).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let shows = ["CANARY", CANARY, "bh1."].iter().any(|secret| text.contains(secret));
        assert!(answer.status.is_success() && !shows, "{path}");
    }
    let owner = instance.own.connect().await;
    let sealed: String = owner.query_one("select sealed_secret from ssh_hosts", &[]).await.expect("reads").get(0);
    let key = std::fs::read_to_string(instance.directory.path().join("seal.key")).expect("the key");
    let key = SealPrivateKey::from_text(&key).expect("a key");
    let place = Place { table: "ssh_hosts", row: &id, field: "sealed_secret" };
    let opened = key.open(&place, &sealed).expect("opens");
    assert_eq!(serde_json::from_slice::<Value>(&opened).expect("one document"), secret);
}

#[tokio::test]
async fn a_secret_follows_no_new_destination() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    add(&instance, &admin, "bastion", config()).await;
    let jump = add(&instance, &admin, "jump", config()).await["id"].clone();
    for (setting, value) in
        [("host", json!("collector.evil.example")), ("port", json!(2222)), ("user", json!("root")), ("jump-host", jump)]
    {
        let mut moved = config();
        moved[setting] = value;
        let update = instance.call(&admin, "PUT", "/ssh-hosts/bastion", &json!({ "config": moved })).await;
        assert_eq!(update.problem(), (422, "secret-needed".into()), "{setting}");
        let test = json!({ "name": "bastion", "config": moved });
        let tried = instance.call(&admin, "POST", "/ssh-hosts/test", &test).await;
        assert_eq!(tried.problem(), (422, "secret-needed".into()), "{setting}");
        let entered = json!({ "config": moved, "secret": password("y") });
        instance.call(&admin, "PUT", "/ssh-hosts/bastion", &entered).await.ok(200);
        let back = json!({ "config": config(), "secret": password("x") });
        instance.call(&admin, "PUT", "/ssh-hosts/bastion", &back).await.ok(200);
    }
    let nothing = json!({ "config": config() });
    assert_eq!(
        instance.call(&admin, "POST", "/ssh-hosts/test", &nothing).await.problem(),
        (422, "secret-needed".into())
    );
}

#[tokio::test]
async fn what_is_used_is_not_deleted_and_says_by_what() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let id = add(&instance, &admin, "bastion", config()).await["id"].clone();
    let mut behind = config();
    behind["jump-host"] = id.clone();
    add(&instance, &admin, "inner", behind).await;
    let mut resource = instance.tables_config();
    resource["ssh-host"] = id;
    let body = json!({ "name": "crm", "config": resource, "secret": "x" });
    instance.call(&admin, "POST", "/resources", &body).await.ok(201);
    let refused = instance.call(&admin, "DELETE", "/ssh-hosts/bastion", &json!({})).await;
    assert_eq!(refused.problem(), (409, "in-use".into()));
    let text = refused.json()["detail"].as_str().expect("text").to_owned();
    assert!(text.contains("resources `crm` and SSH hosts `inner`"), "{text}");
    assert_eq!(detail(&instance, "ssh-host.delete").await["failed"], "in-use");
    let shown = instance.call(&admin, "GET", "/ssh-hosts/bastion", &Value::Null).await.ok(200);
    assert_eq!((&shown["resources"], &shown["ssh_hosts"]), (&json!(["crm"]), &json!(["inner"])));
    instance.call(&admin, "DELETE", "/resources/crm", &json!({})).await.ok(204);
    for name in ["inner", "bastion"] {
        instance.call(&admin, "DELETE", &format!("/ssh-hosts/{name}"), &json!({})).await.ok(204);
    }
    assert_eq!(instance.call(&admin, "GET", "/ssh-hosts", &Value::Null).await.ok(200)["ssh_hosts"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let first = add(&instance, &admin, "first", config()).await["id"].clone();
    let mut through_first = config();
    through_first["jump-host"] = first.clone();
    let second = add(&instance, &admin, "second", through_first).await["id"].clone();
    let fault = async |method: &str, path: &str, setting: &str, value: Value| {
        let mut config = config();
        config[setting] = value;
        let body = json!({ "name": "new", "config": config, "secret": password("x") });
        let update = json!({ "config": config, "secret": password("x") });
        let body = if method == "POST" { body } else { update };
        let answer = instance.call(&admin, method, path, &body).await;
        assert_eq!(answer.problem(), (422, "document-invalid".into()), "{setting}");
        answer.json()["faults"][0]["path"].as_str().expect("a place").to_owned()
    };
    for (setting, value) in [
        ("host", json!("ssh://bastion")),
        ("port", json!(0)),
        ("user", json!("")),
        ("host-key", json!("ssh-ed25519 AAAA")),
        ("host-key", json!("")),
        ("jump-host", json!("019f0000-0000-7000-8000-000000000000")),
    ] {
        assert_eq!(fault("POST", "/ssh-hosts", setting, value).await, format!("config.{setting}"));
    }
    for jump in [first, second] {
        assert_eq!(fault("PUT", "/ssh-hosts/first", "jump-host", jump).await, "config.jump-host", "a circle");
    }
    let unknown = json!({ "name": "new", "config": config(), "secret": { "authentication": "agent" } });
    assert_eq!(instance.call(&admin, "POST", "/ssh-hosts", &unknown).await.problem().0, 422);
}

#[tokio::test]
async fn ssh_hosts_are_for_administrators_alone() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let id = add(&instance, &admin, "bastion", config()).await["id"].clone();
    let place = json!({ "host": "127.0.0.1", "port": 22 });
    for (method, path, body) in [
        ("GET", "/ssh-hosts", Value::Null),
        ("POST", "/ssh-hosts", json!({ "name": "x", "config": config(), "secret": password("x") })),
        ("GET", "/ssh-hosts/bastion", Value::Null),
        ("PUT", "/ssh-hosts/bastion", json!({ "config": config() })),
        ("DELETE", "/ssh-hosts/bastion", json!({})),
        ("POST", "/ssh-hosts/test", json!({ "name": "bastion", "config": config() })),
        ("POST", "/ssh-hosts/host-key", place),
    ] {
        let answer = instance.call(&ada, method, path, &body).await;
        assert_eq!(answer.problem(), (403, "administrators-only".into()), "{method} {path}");
    }

    // Who may change a resource may not choose the network that it is in.
    let direct = instance.tables_config();
    let mut through = direct.clone();
    through["ssh-host"] = id;
    let body = json!({ "name": "crm", "config": direct, "secret": "x" });
    instance.call(&admin, "POST", "/resources", &body).await.ok(201);
    instance.grant(&admin, "/resources/crm", &ada, "admin").await;
    let update = json!({ "config": through, "secret": "x" });
    let refused = instance.call(&ada, "PUT", "/resources/crm", &update).await;
    assert_eq!(refused.problem(), (403, "administrators-only".into()));
    let test = json!({ "name": "crm", "config": through, "secret": "x" });
    let refused = instance.call(&ada, "POST", "/resources/test", &test).await;
    assert_eq!(refused.problem(), (403, "administrators-only".into()));
    instance.call(&admin, "PUT", "/resources/crm", &update).await.ok(200);
    through["user"] = json!("another");
    instance.call(&ada, "PUT", "/resources/crm", &json!({ "config": through })).await.ok(200);
    through["ssh-host"] = json!("019f0000-0000-7000-8000-000000000000");
    let unknown = instance.call(&admin, "PUT", "/resources/crm", &json!({ "config": through, "secret": "x" })).await;
    assert_eq!(unknown.problem(), (422, "document-invalid".into()));
    assert_eq!(unknown.json()["faults"][0]["path"], "config.ssh-host");
}

#[tokio::test]
async fn an_ssh_connector_that_does_not_answer_is_said() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let place = json!({ "host": "127.0.0.1", "port": 22 });
    let answer = instance.call(&admin, "POST", "/ssh-hosts/host-key", &place).await;
    assert_eq!(answer.problem(), (503, "service-unavailable".into()));
    let text = answer.json()["detail"].as_str().expect("text").to_owned();
    assert!(text.contains("systemctl status bulkhead-ssh-connector"), "{text}");
}
