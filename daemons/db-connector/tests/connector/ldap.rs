//! LDAP: OpenLDAP's slapd, a real server.

use std::process::Command;

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryResult;
use bulkhead_test_kit::{TestServer, free_port};
use serde_json::{Value, json};

use crate::cluster::write_certificates;
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

const ADMIN: &str = "cn=admin,dc=example,dc=org";
/// Who is no administrator: the server gives them 300 entries at most.
const ANN: &str = "uid=ann,ou=people,dc=example,dc=org";
const SECRET: Option<&str> = Some("s3cret");

/// A server with 1,200 people beside Ann and Jürgen.
struct Slapd {
    server: TestServer,
    /// Where TLS begins with the first byte.
    tls_port: u16,
    authority: String,
}

fn slapd() -> Slapd {
    let (tls_port, mut authority) = (free_port(), String::new());
    let server = TestServer::start("/usr/sbin/slapd", |port, directory| {
        authority = write_certificates(directory);
        let folder = directory.display().to_string();
        std::fs::create_dir(directory.join("data")).expect("made");
        std::fs::write(directory.join("slapd.conf"), configuration(&folder)).expect("written");
        std::fs::write(directory.join("people.ldif"), people()).expect("written");
        let file = |name: &str| format!("{folder}/{name}");
        let added = Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f", &file("slapd.conf"), "-l", &file("people.ldif")])
            .output()
            .expect("`cargo xtask test` installs slapd");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let addresses = format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}");
        ["-d", "0", "-f", &file("slapd.conf"), "-h", &addresses].map(str::to_owned).to_vec()
    });
    Slapd { server, tls_port, authority }
}

fn configuration(folder: &str) -> String {
    format!(
        "include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         sizelimit 300\n\
         TLSCertificateFile {folder}/server.crt\n\
         TLSCertificateKeyFile {folder}/server.key\n\
         database mdb\n\
         suffix \"dc=example,dc=org\"\n\
         rootdn \"{ADMIN}\"\n\
         rootpw s3cret\n\
         maxsize 67108864\n\
         directory {folder}/data\n"
    )
}

fn people() -> String {
    let mut text = "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n\
        dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n\
        dn: ou=many,dc=example,dc=org\nobjectClass: organizationalUnit\nou: many\n\n\
        dn: uid=ann,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann\nsn: A\nuserPassword: s3cret\n\
        mail: ann@example.org\nmail: a@example.org\ndescription: a*b(c)\\d\n\n\
        dn:: dWlkPWrDvHJnZW4sb3U9cGVvcGxlLGRjPWV4YW1wbGUsZGM9b3Jn\nobjectClass: inetOrgPerson\nuid:: asO8cmdlbg==\n\
        cn:: SsO8cmdlbg==\nsn: J\njpegPhoto:: /9j/4AAQ\n\n"
        .to_owned();
    for number in 0..1200 {
        text.push_str(&format!(
            "dn: uid=p{number},ou=many,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: P {number}\nsn: P\n\n"
        ));
    }
    text
}

fn config(port: u16, changes: Value) -> ResourceConfig {
    let mut config = json!({
        "kind": "ldap", "host": "127.0.0.1", "port": port, "tls": "disabled", "bind-dn": ADMIN,
        "base-dn": "dc=example,dc=org",
    });
    config.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(config).expect("a configuration")
}

async fn search(service: &Service, id: ResourceId, mut search: Value, values: Value) -> Result<QueryResult, Problem> {
    search["do"] = json!("ldap-search");
    service.run(&service.operation(id, search, values)).await
}

#[tokio::test]
async fn ldap_conforms() {
    let slapd = slapd();
    conforms(&Subject {
        config: serde_json::to_value(config(slapd.server.port(), json!({}))).expect("JSON"),
        secret: SECRET,
        read: Read::Operation(json!({ "do": "ldap-search", "scope": "base" })),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn entries_are_rows() {
    let (service, slapd) = (Service::start().await, slapd());
    let id = service.add_kind("people", &config(slapd.server.port(), json!({})), SECRET).await;
    let asked = json!({
        "base": "ou={{ unit }},dc=example,dc=org", "scope": "one", "filter": "(objectClass=inetOrgPerson)",
        "attributes": ["UID", "mail", "jpegPhoto", "telephoneNumber"],
    });
    let result = search(&service, id, asked, json!({ "unit": "people" })).await.expect("found");
    let names: Vec<_> = result.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["dn", "UID", "mail", "jpegPhoto", "telephoneNumber"]);
    assert_eq!(
        json!(result.rows),
        json!([
            { "dn": ANN, "UID": "ann", "mail": ["ann@example.org", "a@example.org"], "jpegPhoto": null, "telephoneNumber": null },
            { "dn": "uid=jürgen,ou=people,dc=example,dc=org", "UID": "jürgen", "mail": null,
              "jpegPhoto": { "base64": "/9j/4AAQ" }, "telephoneNumber": null },
        ])
    );
    let whole = json!({ "base": "{{ dn }}", "scope": "base" });
    let result = search(&service, id, whole, json!({ "dn": ANN })).await.expect("found");
    assert_eq!((result.row_count, &result.rows[0]["cn"]), (1, &json!("Ann")));
    let nothing = search(&service, id, json!({ "filter": "(uid=nobody)" }), json!({})).await.expect("asked");
    assert_eq!((nothing.row_count, nothing.data, nothing.end), (0, None, true));
}

#[tokio::test]
async fn a_value_stays_a_value() {
    let (service, slapd) = (Service::start().await, slapd());
    let id = service.add_kind("people", &config(slapd.server.port(), json!({})), SECRET).await;
    let found = async |filter: &str, value: &str| {
        let result = search(&service, id, json!({ "filter": filter }), json!({ "x": value })).await.expect("asked");
        result.row_count
    };
    assert_eq!(found("(description={{ x }})", "a*b(c)\\d").await, 1);
    assert_eq!(found("(description=*{{ x }}*)", "*b(").await, 1);
    for hostile in ["*", "*)(uid=*", "ann)(|(uid=*", "\\2a", "ann\0", "ann)"] {
        assert_eq!(found("(uid={{ x }})", hostile).await, 0, "{hostile}");
    }
    assert_eq!(found("(cn={{ x }})", "Jürgen").await, 1);
    let base = json!({ "base": "ou={{ x }},dc=example,dc=org" });
    let problem = search(&service, id, base, json!({ "x": "people,dc=example,dc=org" })).await.expect_err("no entry");
    assert_eq!(
        (problem.code.as_str(), problem.sqlstate.as_deref()),
        ("query-failed", Some("32")),
        "{}",
        problem.detail
    );
    let whole =
        search(&service, id, json!({ "filter": "{{ x }}" }), json!({ "x": "(uid=*)" })).await.expect_err("refused");
    assert_eq!(whole.code, "value-invalid", "{}", whole.detail);
}

#[tokio::test]
async fn many_entries_come_in_pages_up_to_the_limits() {
    let (service, slapd) = (Service::start().await, slapd());
    let id = service.add_kind("people", &config(slapd.server.port(), json!({})), SECRET).await;
    let all = json!({ "base": "ou=many,dc=example,dc=org", "scope": "one", "attributes": ["uid"] });
    let result = search(&service, id, all.clone(), json!({})).await.expect("found");
    assert_eq!((result.row_count, result.truncated), (1200, false));
    let mut some = all.clone();
    some["size-limit"] = json!(700);
    let result = search(&service, id, some, json!({})).await.expect("found");
    assert_eq!((result.row_count, result.truncated), (700, true));
    let mut operation = all.clone();
    operation["do"] = json!("ldap-search");
    let mut request = service.operation(id, operation, json!({}));
    request.limits.max_rows = 1200;
    let result = service.run(&request).await.expect("found");
    assert_eq!((result.row_count, result.truncated), (1200, false));
    request.limits.max_rows = 10;
    let result = service.run(&request).await.expect("found");
    assert_eq!((result.row_count, result.truncated), (10, true));
    request.limits.max_rows = 10_000;
    request.limits.max_bytes = 10_000;
    assert_eq!(service.run(&request).await.expect_err("too large").code, "result-too-large");

    // A server that gives less than was asked for.
    let id = service.add_kind("ann", &config(slapd.server.port(), json!({ "bind-dn": ANN })), SECRET).await;
    let result = search(&service, id, all, json!({})).await.expect("found");
    assert_eq!((result.row_count, result.truncated), (300, true));
}

#[tokio::test]
async fn encryption_is_verified_and_a_restart_is_not_noticed() {
    let (service, mut slapd) = (Service::start().await, slapd());
    let base = json!({ "scope": "base" });
    for (name, port, starttls) in [("starttls", slapd.server.port(), true), ("tls", slapd.tls_port, false)] {
        let settings = |host: &str| {
            let secure = json!({ "tls": "verify-full", "ca-certificate": slapd.authority, "starttls": starttls });
            let mut settings = secure;
            settings["host"] = json!(host);
            config(port, settings)
        };
        let id = service.add_kind(name, &settings("localhost"), SECRET).await;
        assert_eq!(search(&service, id, base.clone(), json!({})).await.expect("found").row_count, 1, "{name}");
        let id = service.add_kind(&format!("{name}-address"), &settings("127.0.0.1"), SECRET).await;
        let problem = search(&service, id, base.clone(), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "resource-tls", "{}", problem.detail);
    }
    let id = service.add_kind("plain", &config(slapd.server.port(), json!({ "bind-dn": "" })), None).await;
    assert_eq!(search(&service, id, base.clone(), json!({})).await.expect("anonymous").row_count, 1);
    slapd.server.kill();
    slapd.server.run();
    assert_eq!(search(&service, id, base.clone(), json!({})).await.expect("found").row_count, 1);

    // The directory would take a name without a password for nobody's, and let it in.
    for secret in [None, Some("")] {
        let id =
            service.add_kind(&format!("no-secret-{secret:?}"), &config(slapd.server.port(), json!({})), secret).await;
        let problem = search(&service, id, base.clone(), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "resource-secret", "{}", problem.detail);
    }
}
