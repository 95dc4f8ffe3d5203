//! A server that speaks MongoDB's protocol and keeps documents in memory: as much of it as the tests ask for, written after its
//! documentation, since MongoDB itself cannot be installed by them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Certified, certified};

pub(crate) const USER: &str = "tools";
pub(crate) const PASSWORD: &str = "s3cret";
const SALT: &[u8] = b"0123456789abcdef";
const ROUNDS: u32 = 4096;

/// How it behaves, beside what it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// Whether it wants a log-in, and by which mechanism.
    pub(crate) mechanism: Option<&'static str>,
    /// The primary of its replica set, where that is another one.
    pub(crate) primary: Option<String>,
    /// Commands of these names: the connection is closed in the place of an answer, after they were carried out.
    pub(crate) hangs_up_on: Vec<&'static str>,
    /// Commands of these names are never answered.
    pub(crate) forgets: Vec<&'static str>,
    /// What commands of these names are answered.
    pub(crate) answers: HashMap<&'static str, Document>,
}

#[derive(Default)]
struct State {
    manner: Manner,
    collections: BTreeMap<String, Vec<Document>>,
    cursors: HashMap<i64, Vec<Document>>,
    seen: Vec<Document>,
    last_cursor: i64,
}

/// A server, until the test ends.
pub(crate) struct MongoServer {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl MongoServer {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::bound(manner, None).await
    }

    /// One that is encrypted, and the PEM of the authority that signed its certificate for `localhost`.
    pub(crate) async fn start_tls(manner: Manner) -> (Self, String) {
        let Certified { certificate, key, authority, .. } = certified();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config =
            config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).expect("a certificate");
        (Self::bound(manner, Some(TlsAcceptor::from(Arc::new(config)))).await, authority)
    }

    async fn bound(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { manner, ..State::default() }));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                open.spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, state).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, state, accepting }
    }

    pub(crate) fn put(&self, collection: &str, documents: Vec<Document>) {
        self.state.lock().expect("sound").collections.insert(collection.to_owned(), documents);
    }

    pub(crate) fn documents(&self, collection: &str) -> Vec<Document> {
        self.state.lock().expect("sound").collections.get(collection).cloned().unwrap_or_default()
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.state.lock().expect("sound").manner = manner;
    }

    /// The commands of a name that have arrived.
    pub(crate) fn seen(&self, name: &str) -> Vec<Document> {
        self.state.lock().expect("sound").seen.iter().filter(|command| command.contains_key(name)).cloned().collect()
    }

    /// Cursors that are open.
    pub(crate) fn cursors(&self) -> usize {
        self.state.lock().expect("sound").cursors.len()
    }
}

/// A log-in that is under way, and whether it has been made.
#[derive(Default)]
struct LogIn {
    client_first: String,
    server_first: String,
    mechanism: String,
    is_proven: bool,
    is_done: bool,
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<Mutex<State>>) {
    let mut log_in = LogIn::default();
    loop {
        let mut header = [0; 16];
        if stream.read_exact(&mut header).await.is_err() {
            return;
        }
        let number = |at: usize| i32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(number(12), 2013, "an OP_MSG");
        let mut body = vec![0; usize::try_from(number(0)).expect("a length") - 16];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        assert_eq!(body[..5], [0; 5], "no flags, and a section of one document");
        let command = Document::from_reader(&body[5..]).expect("a document");
        let name = command.keys().next().expect("a command").clone();
        let (reply, manner) = {
            let mut state = state.lock().expect("sound");
            state.seen.push(command.clone());
            let manner = state.manner.clone();
            let reply = match manner.answers.get(name.as_str()) {
                Some(reply) => reply.clone(),
                None => answer(&name, &command, &mut state, &mut log_in).unwrap_or_else(|error| error),
            };
            (reply, manner)
        };
        if manner.hangs_up_on.contains(&name.as_str()) {
            return;
        }
        if manner.forgets.contains(&name.as_str()) {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        let reply = reply.to_vec().expect("a document");
        let mut out = Vec::new();
        for number in [i32::try_from(reply.len() + 21).expect("a length"), 1, number(4), 2013, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.push(0);
        out.extend_from_slice(&reply);
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

fn refused(code: i32, name: &str, message: &str) -> Document {
    doc! { "ok": 0.0, "errmsg": message, "code": code, "codeName": name }
}

fn answer(name: &str, command: &Document, state: &mut State, log_in: &mut LogIn) -> Result<Document, Document> {
    match name {
        "hello" => return Ok(hello(&state.manner)),
        "saslStart" | "saslContinue" => return sasl(name, command, log_in),
        _ if state.manner.mechanism.is_some() && !log_in.is_done => {
            return Err(refused(13, "Unauthorized", "command requires authentication"));
        }
        _ => {}
    }
    if state.manner.primary.is_some() {
        return Err(refused(10107, "NotWritablePrimary", "not primary"));
    }
    assert_eq!(command.get_str("$db").ok(), Some("shop"));
    let of = |key: &str| command.get_document(key).cloned().unwrap_or_default();
    let collection = command.get_str(name).unwrap_or_default().to_owned();
    let documents = |state: &State| state.collections.get(&collection).cloned().unwrap_or_default();
    let found = |state: &State, query: &Document| -> Result<Vec<Document>, Document> {
        check_query(query)?;
        Ok(documents(state).into_iter().filter(|document| fits(document, query)).collect())
    };
    match name {
        "find" => {
            let mut rows = found(state, &of("filter"))?;
            for (field, order) in of("sort").iter().collect::<Vec<_>>().into_iter().rev() {
                let descending = order.as_i32() == Some(-1);
                rows.sort_by(|one, other| {
                    let order = compare(at(one, field), at(other, field));
                    if descending { order.reverse() } else { order }
                });
            }
            let rows = rows.into_iter().skip(whole(command, "skip").unwrap_or(0));
            let rows: Vec<_> =
                rows.take(whole(command, "limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX)).collect();
            let projection = of("projection");
            let shown = rows.into_iter().map(|row| project(row, &projection)).collect();
            Ok(cursor(state, &collection, shown, whole(command, "batchSize").unwrap_or(101)))
        }
        "getMore" => {
            let id = command.get_i64("getMore").expect("a cursor");
            let collection = command.get_str("collection").expect("a collection").to_owned();
            let rest = state.cursors.remove(&id).ok_or_else(|| refused(43, "CursorNotFound", "no such cursor"))?;
            let mut reply = cursor(state, &collection, rest, whole(command, "batchSize").unwrap_or(101));
            let cursor = reply.get_document_mut("cursor").expect("a cursor");
            let batch = cursor.remove("firstBatch").expect("a batch");
            cursor.insert("nextBatch", batch);
            Ok(reply)
        }
        "killCursors" => {
            for id in command.get_array("cursors").expect("cursors") {
                state.cursors.remove(&id.as_i64().expect("an id"));
            }
            Ok(doc! { "ok": 1.0 })
        }
        "aggregate" => aggregate(command, &collection, documents(state), state),
        "count" => {
            let count = found(state, &of("query"))?.len().min(whole(command, "limit").unwrap_or(usize::MAX));
            Ok(doc! { "n": i32::try_from(count).expect("a count"), "ok": 1.0 })
        }
        "distinct" => {
            let key = command.get_str("key").expect("a key");
            let mut values: Vec<Bson> = Vec::new();
            for value in found(state, &of("query"))?.iter().filter_map(|document| at(document, key)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            Ok(doc! { "values": values, "ok": 1.0 })
        }
        "insert" => {
            let held = state.collections.entry(collection).or_default();
            let mut n = 0;
            for (index, document) in command.get_array("documents").expect("documents").iter().enumerate() {
                let document = document.as_document().expect("a document");
                if held.iter().any(|one| one.get("_id") == document.get("_id")) {
                    let index = i32::try_from(index).expect("an index");
                    let error = doc! { "index": index, "code": 11000, "errmsg": "E11000 duplicate key error" };
                    return Ok(doc! { "n": n, "writeErrors": [error], "ok": 1.0 });
                }
                held.push(document.clone());
                n += 1;
            }
            Ok(doc! { "n": n, "ok": 1.0 })
        }
        "update" => {
            let change = &command.get_array("updates").expect("updates")[0];
            update(state.collections.entry(collection).or_default(), change.as_document().expect("a change"))
        }
        "delete" => {
            let change = command.get_array("deletes").expect("deletes")[0].as_document().expect("a change");
            let query = change.get_document("q").expect("a query");
            check_query(query)?;
            let mut left = if change.get_i32("limit").ok() == Some(1) { 1 } else { usize::MAX };
            let held = state.collections.entry(collection).or_default();
            let before = held.len();
            held.retain(|document| {
                let goes = left > 0 && fits(document, query);
                left -= usize::from(goes);
                !goes
            });
            Ok(doc! { "n": i32::try_from(before - held.len()).expect("a count"), "ok": 1.0 })
        }
        "listCollections" => {
            let names = state.collections.keys().map(|name| doc! { "name": name, "type": "collection" }).collect();
            Ok(cursor(state, "$cmd.listCollections", names, 1000))
        }
        _ => Err(refused(59, "CommandNotFound", "no such command")),
    }
}

fn hello(manner: &Manner) -> Document {
    let mut reply =
        doc! { "isWritablePrimary": manner.primary.is_none(), "maxWireVersion": 21, "minWireVersion": 0, "ok": 1.0 };
    if let Some(primary) = &manner.primary {
        reply.extend(doc! { "setName": "rs0", "secondary": true, "primary": primary });
    }
    if let Some(mechanism) = manner.mechanism {
        reply.insert("saslSupportedMechs", vec![mechanism]);
    }
    reply
}

/// The server's side of SCRAM, by its definition.
fn sasl(name: &str, command: &Document, log_in: &mut LogIn) -> Result<Document, Document> {
    let failed = || refused(18, "AuthenticationFailed", "Authentication failed.");
    let payload = String::from_utf8(command.get_binary_generic("payload").expect("a payload").clone()).expect("text");
    let reply = |text: String, done: bool| {
        let payload = Binary { subtype: BinarySubtype::Generic, bytes: text.into_bytes() };
        Ok(doc! { "conversationId": 1, "done": done, "payload": payload, "ok": 1.0 })
    };
    if name == "saslStart" {
        log_in.mechanism = command.get_str("mechanism").expect("a mechanism").to_owned();
        log_in.client_first = payload.strip_prefix("n,,").ok_or_else(failed)?.to_owned();
        let (user, nonce) = log_in.client_first.split_once(",r=").ok_or_else(failed)?;
        if user != format!("n={USER}") {
            return Err(failed());
        }
        log_in.server_first = format!("r={nonce}more,s={},i={ROUNDS}", STANDARD.encode(SALT));
        return reply(log_in.server_first.clone(), false);
    }
    if log_in.is_proven {
        log_in.is_done = true;
        return reply(String::new(), true);
    }
    let is_old = log_in.mechanism == "SCRAM-SHA-1";
    let (algorithm, hash, stretch, length) = if is_old {
        (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA1_FOR_LEGACY_USE_ONLY, pbkdf2::PBKDF2_HMAC_SHA1, 20)
    } else {
        (hmac::HMAC_SHA256, &digest::SHA256, pbkdf2::PBKDF2_HMAC_SHA256, 32)
    };
    // The MD5 of `tools:mongo:s3cret`, as such a server has stored it.
    let password = if is_old { "fa6eb8f3381f82e071971506a2414e27" } else { PASSWORD };
    let mut salted = vec![0; length];
    pbkdf2::derive(stretch, ROUNDS.try_into().expect("rounds"), SALT, password.as_bytes(), &mut salted);
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(algorithm, key), text);
    let stored = digest::digest(hash, sign(&salted, b"Client Key").as_ref());
    let (without_proof, proof) = payload.split_once(",p=").ok_or_else(failed)?;
    let exchange = format!("{},{},{without_proof}", log_in.client_first, log_in.server_first);
    let signature = sign(stored.as_ref(), exchange.as_bytes());
    let proof = STANDARD.decode(proof).map_err(|_| failed())?;
    let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(proof, signed)| proof ^ signed).collect();
    if digest::digest(hash, &key).as_ref() != stored.as_ref() {
        return Err(failed());
    }
    log_in.is_proven = true;
    let server_key = sign(&salted, b"Server Key");
    let signature = sign(server_key.as_ref(), exchange.as_bytes());
    // One more exchange, as servers have it that do not know of its omission.
    reply(format!("v={}", STANDARD.encode(signature.as_ref())), false)
}

fn whole(command: &Document, key: &str) -> Option<usize> {
    let number = match command.get(key)? {
        Bson::Int32(number) => i64::from(*number),
        Bson::Int64(number) => *number,
        other => panic!("{key} is {other}"),
    };
    usize::try_from(number).ok()
}

fn cursor(state: &mut State, collection: &str, mut rows: Vec<Document>, batch: usize) -> Document {
    let rest = rows.split_off(batch.min(rows.len()));
    let id = if rest.is_empty() {
        0
    } else {
        state.last_cursor += 1;
        state.cursors.insert(state.last_cursor, rest);
        state.last_cursor
    };
    doc! { "cursor": { "id": id, "ns": format!("shop.{collection}"), "firstBatch": rows }, "ok": 1.0 }
}

fn aggregate(
    command: &Document,
    collection: &str,
    mut rows: Vec<Document>,
    state: &mut State,
) -> Result<Document, Document> {
    for stage in command.get_array("pipeline").expect("a pipeline") {
        let (name, stage) = stage.as_document().and_then(|stage| stage.iter().next()).expect("a stage");
        match (name.as_str(), stage) {
            ("$match", Bson::Document(query)) => {
                check_query(query)?;
                rows.retain(|row| fits(row, query));
            }
            ("$limit", limit) => {
                rows.truncate(limit.as_i32().and_then(|limit| limit.try_into().ok()).expect("a limit"))
            }
            ("$project", Bson::Document(shape)) => {
                rows = rows
                    .iter()
                    .map(|row| {
                        let value = |value: &Bson| match value {
                            Bson::String(path) if path.starts_with('$') => {
                                at(row, &path[1..]).cloned().unwrap_or(Bson::Null)
                            }
                            Bson::Document(literal) => literal.get("$literal").cloned().expect("a literal"),
                            other => other.clone(),
                        };
                        shape.iter().map(|(key, of)| (key.clone(), value(of))).collect()
                    })
                    .collect();
            }
            ("$out", Bson::String(name)) => {
                state.collections.insert(name.clone(), std::mem::take(&mut rows));
            }
            (other, _) => {
                return Err(refused(40324, "Location40324", &format!("Unrecognized pipeline stage name: '{other}'")));
            }
        }
    }
    let batch = command.get_document("cursor").ok().and_then(|cursor| whole(cursor, "batchSize")).expect("a size");
    Ok(cursor(state, collection, rows, batch))
}

fn update(held: &mut Vec<Document>, change: &Document) -> Result<Document, Document> {
    let (query, with) = (change.get_document("q").expect("a query"), change.get_document("u").expect("a change"));
    check_query(query)?;
    let many = change.get_bool("multi").expect("multi");
    let (mut n, mut modified) = (0, 0);
    for document in held.iter_mut().filter(|document| fits(document, query)) {
        let before = document.clone();
        apply(document, with);
        n += 1;
        modified += i32::from(*document != before);
        if !many {
            break;
        }
    }
    if n == 0 && change.get_bool("upsert").ok() == Some(true) {
        let mut added: Document = query
            .iter()
            .filter(|(_, value)| value.as_document().is_none())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        added.entry("_id").or_insert_with(|| bson::oid::ObjectId::new().into());
        apply(&mut added, with);
        let id = added.get("_id").cloned();
        held.push(added);
        return Ok(doc! { "n": 1, "nModified": 0, "upserted": [{ "index": 0, "_id": id }], "ok": 1.0 });
    }
    Ok(doc! { "n": n, "nModified": modified, "ok": 1.0 })
}

fn apply(document: &mut Document, with: &Document) {
    if !with.keys().any(|key| key.starts_with('$')) {
        let id = document.get("_id").cloned();
        *document = doc! { "_id": id };
        document.extend(with.clone());
        return;
    }
    for (operator, fields) in with {
        for (key, value) in fields.as_document().expect("fields") {
            match operator.as_str() {
                "$set" => drop(document.insert(key, value.clone())),
                "$inc" => {
                    drop(document.insert(key, document.get_i32(key).unwrap_or(0) + value.as_i32().expect("a number")))
                }
                other => panic!("{other}"),
            }
        }
    }
}

/// Refuses operators that it does not know, as a real one does.
fn check_query(query: &Document) -> Result<(), Document> {
    const KNOWN: &[&str] = &["$eq", "$ne", "$gt", "$gte", "$lt", "$in", "$regex", "$or", "$and"];
    for (key, value) in query {
        if key.starts_with('$') && !KNOWN.contains(&key.as_str()) {
            return Err(refused(2, "BadValue", &format!("unknown operator: {key}")));
        }
        if let Bson::Document(inner) = value {
            check_query(inner)?;
        }
    }
    Ok(())
}

fn fits(document: &Document, query: &Document) -> bool {
    query.iter().all(|(key, wanted)| match (key.as_str(), wanted) {
        ("$or", Bson::Array(either)) => either.iter().any(|one| fits(document, one.as_document().expect("a query"))),
        ("$and", Bson::Array(all)) => all.iter().all(|one| fits(document, one.as_document().expect("a query"))),
        (_, Bson::Document(operators)) if operators.keys().any(|key| key.starts_with('$')) => {
            operators.iter().all(|(operator, operand)| holds(at(document, key), operator, operand))
        }
        _ => compare(at(document, key), Some(wanted)).is_eq(),
    })
}

fn holds(value: Option<&Bson>, operator: &str, operand: &Bson) -> bool {
    let order = compare(value, Some(operand));
    match operator {
        "$eq" => order.is_eq(),
        "$ne" => order.is_ne(),
        "$gt" => value.is_some() && order.is_gt(),
        "$gte" => value.is_some() && order.is_ge(),
        "$lt" => value.is_some() && order.is_lt(),
        "$in" => operand.as_array().expect("a list").iter().any(|one| compare(value, Some(one)).is_eq()),
        // As much of patterns as the tests use: a beginning, or a part, in which `\` makes the next character plain.
        "$regex" => {
            let pattern = operand.as_str().expect("a pattern");
            let plain: String = pattern.trim_start_matches('^').replace('\\', "");
            let text = value.and_then(Bson::as_str).unwrap_or_default();
            if pattern.starts_with('^') { text.starts_with(&plain) } else { text.contains(&plain) }
        }
        other => panic!("{other}"),
    }
}

fn compare(one: Option<&Bson>, other: Option<&Bson>) -> std::cmp::Ordering {
    let number = |value: &Bson| match value {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    };
    match (one, other) {
        (Some(one), Some(other)) if one == other => std::cmp::Ordering::Equal,
        (Some(one), Some(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => format!("{one:?}").cmp(&format!("{other:?}")),
        },
        (None | Some(Bson::Null), None | Some(Bson::Null)) => std::cmp::Ordering::Equal,
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

fn at<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = document.get(first)?;
    match rest {
        Some(rest) => at(value.as_document()?, rest),
        None => Some(value),
    }
}

fn project(document: Document, projection: &Document) -> Document {
    if projection.is_empty() {
        return document;
    }
    document.into_iter().filter(|(key, _)| key == "_id" || projection.contains_key(key)).collect()
}
