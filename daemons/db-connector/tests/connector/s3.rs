//! Storage that speaks the protocol of S3: a real server, which checks signatures where it is told to.

use bulkhead_model::ResourceId;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryResult, TestRequest};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_test_kit::{TestServer, provided};
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

/// Requests of [`storage`] before signatures count.
const UNCHECKED: &str = "4";

/// A storage that checks every signature by a library of its own, with bucket `files`, and a key for it.
async fn strict_storage() -> (TestServer, String, &'static str) {
    let server = TestServer::start("/usr/bin/env", |port, _| {
        let set = format!("INITIAL_NO_AUTH_ACTION_COUNT={UNCHECKED}");
        [vec![set], moto(port)].concat()
    });
    let iam = |form: &'static str| say(server.port(), "POST", "/", "iam", form);
    iam("Version=2010-05-08&Action=CreateUser&UserName=u").await;
    let key = iam("Version=2010-05-08&Action=CreateAccessKey&UserName=u").await;
    iam("Version=2010-05-08&Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C\
         %22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D")
    .await;
    say(server.port(), "PUT", "/files", "s3", "").await;
    let between = |name: &str| {
        let (_, after) = key.split_once(&format!("<{name}>")).expect("there");
        after.split_once('<').expect("closed").0.to_owned()
    };
    let (id, secret) = (between("AccessKeyId"), between("SecretAccessKey"));
    (server, id, Box::leak(secret.into_boxed_str()))
}

/// A storage that lets all in, with bucket `files`.
async fn storage() -> TestServer {
    let server = TestServer::start("/usr/bin/env", |port, _| moto(port));
    say(server.port(), "PUT", "/files", "s3", "").await;
    server
}

fn moto(port: u16) -> Vec<String> {
    [&provided("BULKHEAD_TEST_MOTO"), "-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec()
}

/// Sends a request as an administrator of the storage would, and gives the answer as it is on the wire.
async fn say(port: u16, method: &str, path: &str, service: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    let content = if service == "iam" { "application/x-www-form-urlencoded" } else { "text/plain" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: {content}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=admin/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answered");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

fn config(server: &TestServer, key: &str) -> Value {
    json!({ "kind": "s3", "url": format!("http://127.0.0.1:{}", server.port()), "access-key-id": key })
}

/// A service with a resource for a storage.
struct Storage {
    service: Service,
    resource: ResourceId,
}

impl Storage {
    async fn at(server: &TestServer, key: &str, secret: &str, changes: Value) -> Self {
        let service = Service::start().await;
        let mut config = config(server, key);
        for (key, value) in changes.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let config: ResourceConfig = serde_json::from_value(config).expect("a configuration");
        let resource = service.add_kind("storage", &config, Some(secret)).await;
        Self { service, resource }
    }

    async fn ask(&self, operation: Value, parameters: Value) -> Result<QueryResult, Problem> {
        self.service.run(&self.service.operation(self.resource, operation, parameters)).await
    }

    /// The data of an operation that works.
    async fn data(&self, operation: Value) -> Value {
        let told = format!("{operation}");
        self.ask(operation, json!({})).await.expect(&told).data.expect("data")
    }
}

#[tokio::test]
async fn s3_conforms() {
    let (server, key, secret) = strict_storage().await;
    conforms(&Subject {
        config: config(&server, &key),
        secret: Some(secret),
        read: Read::Operation(json!({ "do": "list-objects", "bucket": "files" })),
        checks_secret: true,
        answers_on_connect: false,
    })
    .await;
}

#[tokio::test]
async fn every_operation_is_signed_as_another_implementation_signs_it() {
    let (server, key, secret) = strict_storage().await;
    let storage = Storage::at(&server, &key, secret, json!({ "bucket": "files" })).await;
    let write =
        json!({ "do": "write-object", "key": "a/b-c_d.txt", "text": "{{ text }}", "content-type": "text/x-a; b=c" });
    let written = storage.ask(write, json!({ "text": "é\u{0}\r\n{{x}}" })).await.expect("written");
    assert!(written.data.is_some_and(|data| data["etag"].is_string()));
    let read = storage.ask(json!({ "do": "read-object", "key": "a/b-c_d.txt" }), json!({})).await.expect("read");
    assert_eq!(read.data, Some(json!("é\u{0}\r\n{{x}}")));
    let meta = read.meta.expect("meta");
    assert_eq!((meta["content-type"].as_str(), meta["size"].as_u64()), (Some("text/x-a; b=c"), Some(10)));
    let part = json!({ "do": "read-object", "key": "a/b-c_d.txt", "range": { "first": 0, "last": 1 } });
    assert_eq!(storage.data(part).await, json!("é"));
    let listed = json!({ "do": "list-objects", "prefix": "{{ p }}", "delimiter": "/", "max": 5 });
    let listed = storage.ask(listed, json!({ "p": "a/" })).await.expect("listed");
    assert_eq!(listed.rows[0]["key"], "a/b-c_d.txt");
    assert_eq!(storage.data(json!({ "do": "head-object", "key": "a/b-c_d.txt" })).await["size"], 10);
    storage.data(json!({ "do": "delete-object", "key": "a/b-c_d.txt" })).await;
    assert_eq!(storage.data(json!({ "do": "head-object", "key": "a/b-c_d.txt" })).await, Value::Null);
}

#[tokio::test]
async fn objects_keep_keys_and_contents_of_any_kind() {
    let server = storage().await;
    let storage = Storage::at(&server, "any", "any", json!({})).await;
    let keys = [
        "plain",
        "with space+plus",
        "é/ü ? # & = % %2F .txt",
        "\"><script>&amp;'`\\",
        "a//b/",
        "...",
        "\u{1}tab\tand {{x}}",
    ];
    for key in keys {
        let write = json!({ "do": "write-object", "bucket": "files", "key": "{{ key }}", "text": "{{ key }}" });
        storage.ask(write, json!({ "key": key })).await.expect(key);
        let read = json!({ "do": "read-object", "bucket": "files", "key": "{{ key }}" });
        let read = storage.ask(read, json!({ "key": key })).await.expect(key);
        assert_eq!(read.data, Some(json!(key)));
    }
    let listed = storage.ask(json!({ "do": "list-objects", "bucket": "files" }), json!({})).await.expect("listed");
    let mut listed: Vec<_> = listed.rows.iter().map(|row| row["key"].as_str().expect("a key")).collect();
    let mut wanted = keys.to_vec();
    listed.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(listed, wanted);

    let json = json!({ "do": "write-object", "bucket": "files", "key": "j", "json": { "a": ["{{ n }}", "x{{ n }}"] } });
    storage.ask(json, json!({ "n": 7 })).await.expect("written");
    let read = json!({ "do": "read-object", "bucket": "files", "key": "j", "as": "json" });
    let read = storage.ask(read, json!({})).await.expect("read");
    assert_eq!(
        (read.data, read.meta.expect("meta")["content-type"].as_str()),
        (Some(json!({ "a": [7, "x7"] })), Some("application/json"))
    );
    storage.data(json!({ "do": "write-object", "bucket": "files", "key": "b", "base64": "/wAB" })).await;
    let bytes = json!({ "do": "read-object", "bucket": "files", "key": "b", "as": "base64" });
    assert_eq!(storage.data(bytes).await, json!("/wAB"));
    let no_text = storage.ask(json!({ "do": "read-object", "bucket": "files", "key": "b" }), json!({})).await;
    assert!(no_text.expect_err("refused").detail.contains("base64"));
    storage.data(json!({ "do": "write-object", "bucket": "files", "key": "empty", "text": "" })).await;
    assert_eq!(storage.data(json!({ "do": "read-object", "bucket": "files", "key": "empty" })).await, json!(""));
}

#[tokio::test]
async fn a_listing_goes_on_where_it_ended_and_tells_folders() {
    let server = storage().await;
    let storage = Storage::at(&server, "any", "any", json!({ "bucket": "files" })).await;
    for key in ["a/1", "a/2", "b", "c d/1", "e"] {
        storage.data(json!({ "do": "write-object", "key": key, "text": "x" })).await;
    }
    let first = json!({ "do": "list-objects", "max": 2 });
    let first = storage.ask(first, json!({})).await.expect("listed");
    assert!(first.truncated && first.row_count == 2);
    let token = first.meta.expect("meta")["continuation"].clone();
    let rest = json!({ "do": "list-objects", "continuation": "{{ token }}" });
    let rest = storage.ask(rest, json!({ "token": token })).await.expect("listed");
    assert!(!rest.truncated && rest.row_count == 3, "{rest:?}");
    let mut capped = storage.service.operation(storage.resource, json!({ "do": "list-objects" }), json!({}));
    capped.limits.max_rows = 1;
    let capped = storage.service.run(&capped).await.expect("listed");
    assert!(capped.truncated && capped.row_count == 1);
    let folders = json!({ "do": "list-objects", "delimiter": "/" });
    let folders = storage.ask(folders, json!({})).await.expect("listed");
    assert_eq!(folders.meta.expect("meta")["prefixes"], json!(["a/", "c d/"]));
    assert_eq!(folders.row_count, 2);
    let none = storage.ask(json!({ "do": "list-objects", "prefix": "nothing" }), json!({})).await.expect("listed");
    assert_eq!((none.row_count, none.columns.len(), none.data), (0, 5, None));
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let server = storage().await;
    let storage = Storage::at(&server, "any", "any", json!({ "bucket": "files" })).await;
    let problem = async |operation: Value| storage.ask(operation, json!({})).await.expect_err("refused");
    let missing = problem(json!({ "do": "read-object", "key": "nothing" })).await;
    assert_eq!((missing.code.as_str(), missing.sqlstate.as_deref()), ("query-failed", Some("NoSuchKey")));
    storage.data(json!({ "do": "write-object", "key": "a", "text": "first" })).await;
    let again = problem(json!({ "do": "write-object", "key": "a", "text": "second", "if-none-match": true })).await;
    assert!(again.detail.contains("nothing was written"), "{}", again.detail);
    assert_eq!(storage.data(json!({ "do": "read-object", "key": "a" })).await, json!("first"));
    for operation in [
        json!({ "do": "read-object", "key": "../other/secret" }),
        json!({ "do": "delete-object", "key": "{{ '' }}" }),
        json!({ "do": "list-objects", "bucket": "other" }),
        json!({ "do": "write-object", "key": "a", "base64": "!" }),
    ] {
        let told = operation.to_string();
        let refused = storage.ask(operation, json!({ "''": "" })).await.expect_err(&told);
        assert_eq!((refused.status, refused.code.as_str()), (422, "operation-invalid"), "{told}: {}", refused.detail);
    }
    let command = problem(json!({ "do": "command", "command": ["GET", "a"] })).await;
    assert_eq!(command.code, "operation-unsupported");
    let mut large =
        storage.service.operation(storage.resource, json!({ "do": "read-object", "key": "big" }), json!({}));
    storage
        .ask(json!({ "do": "write-object", "key": "big", "text": "{{ t }}" }), json!({ "t": "x".repeat(5_000_000) }))
        .await
        .expect("written");
    large.limits.max_bytes = 1_000_000;
    assert_eq!(storage.service.run(&large).await.expect_err("refused").code, "result-too-large");
    // Any bucket may be named where none is fixed, and none that is no name.
    let open = Storage::at(&server, "any", "any", json!({})).await;
    for bucket in ["", "../files", "a/b", "a?b"] {
        let refused = open.ask(json!({ "do": "list-objects", "bucket": "{{ b }}" }), json!({ "b": bucket })).await;
        assert_eq!(refused.expect_err(bucket).code, "operation-invalid", "{bucket}");
    }
    let nowhere = open.ask(json!({ "do": "list-objects", "bucket": "nowhere" }), json!({})).await.expect_err("refused");
    assert_eq!(nowhere.sqlstate.as_deref(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn a_presigned_address_serves_who_has_it() {
    let server = storage().await;
    let storage = Storage::at(&server, "any", "any", json!({ "bucket": "files" })).await;
    let key = "ä b/c+d.txt";
    let path = async |method: &str| {
        let presign = json!({ "do": "presign-object", "key": "{{ key }}", "method": method, "expires-s": 60 });
        let told = storage.ask(presign, json!({ "key": key })).await.expect("signed").data.expect("data");
        let url = told["url"].as_str().expect("a URL").to_owned();
        url.strip_prefix(&format!("http://127.0.0.1:{}", server.port())).expect("the endpoint").to_owned()
    };
    say(server.port(), "PUT", &path("PUT").await, "s3", "hello").await;
    let got = say(server.port(), "GET", &path("GET").await, "s3", "").await;
    assert!(got.ends_with("\r\n\r\nhello"), "{got}");
}

#[tokio::test]
async fn a_test_tells_a_wrong_key_from_a_missing_bucket() {
    let (server, key, secret) = strict_storage().await;
    let service = Service::start().await;
    let test = async |changes: Value, secret: &str| -> Result<Value, Problem> {
        let mut config = config(&server, &key);
        for (key, value) in changes.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let resource = ResourceId::new();
        let secret = Some(service.sealed(resource, secret));
        let request = TestRequest {
            config: serde_json::from_value(config).expect("settings"),
            secret,
            resource,
            environment: Default::default(),
            asked_by: None,
        };
        answered(&service.client, &request).await
    };
    assert!(test(json!({}), secret).await.is_ok());
    assert!(test(json!({ "bucket": "files" }), secret).await.is_ok());
    let missing = test(json!({ "bucket": "nowhere" }), secret).await.expect_err("refused");
    assert!(missing.detail.contains("NoSuchBucket"), "{}", missing.detail);
    assert_eq!(test(json!({}), "wrong").await.expect_err("refused").code, "resource-log-in");
    let other = json!({ "access-key-id": "AKIAOTHER" });
    assert_eq!(test(other, secret).await.expect_err("refused").code, "resource-log-in");
}

async fn answered(client: &RpcClient, request: &TestRequest) -> Result<Value, Problem> {
    match client.call(Method::POST, "/v1/test", request).await {
        Ok(told) => Ok(told),
        Err(RpcError::Problem(problem)) => Err(*problem),
        Err(other) => panic!("{other:?}"),
    }
}
