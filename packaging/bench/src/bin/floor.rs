//! The floor of rows Q1 and Q2: the least that an HTTP server over PostgreSQL can do, with nothing in between.
//!
//! `floor PORT`, the database in `BENCH_DATABASE`. Eight connections, prepared statements, no session, no permission.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Row, Statement};

const ONE_ROW: &str = "select id, name, email from customers where id = $1";
const MANY_ROWS: &str = "select g as id, 'Customer number ' || g as name, 'customer' || g || '@example.test' as email, \
                         (g * 37 % 100000)::float8 / 100 as total, g % 2 = 0 as active from generate_series(1, 10000) g";

struct Connection {
    client: Client,
    one: Statement,
    many: Statement,
}

#[tokio::main]
async fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).context("usage: floor PORT")?.parse()?;
    #[allow(clippy::disallowed_methods, reason = "a bench program, not a daemon: it has no configuration file")]
    let database = std::env::var("BENCH_DATABASE").context("BENCH_DATABASE is not set")?;
    let mut connections = Vec::new();
    for _ in 0..8 {
        let (client, connection) = tokio_postgres::connect(&database, NoTls).await?;
        tokio::spawn(connection);
        let (one, many) = (client.prepare(ONE_ROW).await?, client.prepare(MANY_ROWS).await?);
        connections.push(Connection { client, one, many });
    }
    let connections = Arc::new(connections);
    let turn = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (connections, turn) = (Arc::clone(&connections), Arc::clone(&turn));
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let connections = Arc::clone(&connections);
                let index = turn.fetch_add(1, Ordering::Relaxed) % connections.len();
                async move { Ok::<_, Infallible>(answer(&connections[index], &request).await) }
            });
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
        });
    }
}

async fn answer(connection: &Connection, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let rows = match request.uri().path() {
        "/one" => {
            let id =
                request.uri().query().and_then(|query| query.strip_prefix("id=")).and_then(|id| id.parse::<i32>().ok());
            connection.client.query(&connection.one, &[&id]).await
        }
        _ => connection.client.query(&connection.many, &[]).await,
    };
    let (status, body) = match rows {
        Ok(rows) => (200, Value::Array(rows.iter().map(to_json).collect())),
        Err(error) => (500, json!(error.to_string())),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

fn to_json(row: &Row) -> Value {
    let mut object = json!({ "id": row.get::<_, i32>("id"), "name": row.get::<_, &str>("name"), "email": row.get::<_, &str>("email") });
    if row.len() > 3 {
        object["total"] = json!(row.get::<_, f64>("total"));
        object["active"] = json!(row.get::<_, bool>("active"));
    }
    object
}
