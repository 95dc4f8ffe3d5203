//! LDAP directories: searches alone, which change nothing.

mod ber;
mod message;
mod session;
mod value;

use std::collections::hash_map::{self, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::operation::{LdapFilterError, LdapSearch, Operation};
use bulkhead_model::resource::LdapConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Columns, RowsWriter, Summary};
use crate::error::QueryError;
use crate::kind::{Kind, operation};
use crate::memory::{NoRoom, room_now};
use crate::pool::{Pool, Shared};
use crate::target::Target;
use crate::wire::WireError;
use message::{Entry, Search};
use session::{Failure, Session};

/// A directory.
pub(crate) struct Ldap(Arc<Pool<Session>>);

impl Ldap {
    pub(crate) fn new(config: LdapConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

impl Kind for Ldap {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::LdapSearch(asked) = operation(&request)? else { return Err(QueryError::OtherOperation) };
            let search = filled(&self.0.config, asked, &request)?;
            let limit = Duration::from_millis(request.limits.timeout_ms.into());
            let found = tokio::time::timeout(limit, found(&self.0, &search, &request)).await;
            let found = found.map_err(|_| QueryError::Timeout(request.limits.timeout_ms))??;
            written(found, asked, &request, started)
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.0.connect().await.map(drop) }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

/// The search with its values. One entry more is asked for than is given, to know whether there are more.
fn filled(config: &LdapConfig, asked: &LdapSearch, request: &QueryRequest) -> Result<Search, QueryError> {
    let base = asked.base(&request.parameters)?;
    let filter = asked.filter(&request.parameters).map_err(|error| match error {
        LdapFilterError::Fill(error) => QueryError::Operation(error),
        LdapFilterError::Form(error) => QueryError::Field { field: "filter".to_owned(), problem: error.to_string() },
    })?;
    Ok(Search {
        base: if asked.base.is_empty() { config.base_dn.clone() } else { base },
        scope: asked.scope,
        filter,
        attributes: asked.attributes.clone(),
        size_limit: most(asked, request).saturating_add(1),
        time_limit: request.limits.timeout_ms.div_ceil(1000),
    })
}

/// Entries to give at most.
fn most(asked: &LdapSearch, request: &QueryRequest) -> u32 {
    asked.size_limit.unwrap_or(u32::MAX).min(request.limits.max_rows)
}

/// What was found.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    has_more: bool,
}

async fn found(pool: &Arc<Pool<Session>>, search: &Search, request: &QueryRequest) -> Result<Found, QueryError> {
    let most_bytes = request.limits.max_bytes as usize;
    let most = search.size_limit as usize - 1;
    loop {
        let mut loan = pool.borrow().await?;
        let mut found = Found::default();
        let mut bytes = 0;
        let take = |entry: Entry| {
            if found.entries.len() == most {
                return Ok(false);
            }
            bytes += size(&entry);
            if bytes > most_bytes {
                return Err(QueryError::TooLarge(request.limits.max_bytes));
            }
            room_now(bytes, most_bytes).map_err(|NoRoom| QueryError::NoRoom(pool.target.name.clone()))?;
            found.entries.push(entry);
            Ok(true)
        };
        let ended = loan.connection.search(search, most_bytes, take).await;
        match ended {
            Ok(has_more) => {
                loan.give_back();
                found.has_more = has_more;
                return Ok(found);
            }
            Err(Failure::Refused(outcome)) => {
                loan.give_back();
                let (message, sqlstate) = (outcome.shown(), outcome.code.to_string());
                return Err(QueryError::Sql { message, sqlstate, position: None });
            }
            Err(Failure::Taken(error)) => return Err(error),
            // A search changes nothing, so it is asked again where the connection had died in the pool.
            Err(Failure::Wire(WireError::Closed | WireError::Io(_))) if loan.reused => pool.forget_idle(),
            Err(Failure::Wire(WireError::TooLong)) => return Err(QueryError::TooLarge(request.limits.max_bytes)),
            Err(Failure::Wire(WireError::Broken(reason))) => {
                return Err(pool.target.unreachable(&pool.config.server(), reason));
            }
            Err(Failure::Wire(_)) => return Err(QueryError::Lost(pool.target.name.clone())),
        }
    }
}

fn size(entry: &Entry) -> usize {
    let of_attribute =
        |(name, values): &(String, Vec<Vec<u8>>)| name.len() + values.iter().map(Vec::len).sum::<usize>();
    entry.name.len() + entry.attributes.iter().map(of_attribute).sum::<usize>()
}

/// Rows: the entry's name as `dn`, and an attribute in each column. One that was asked for and is not there is null.
fn written(
    found: Found,
    asked: &LdapSearch,
    request: &QueryRequest,
    started: tokio::time::Instant,
) -> Result<Answer, QueryError> {
    let mut names = Names::default();
    names.told("dn");
    for name in asked.attributes.iter().filter(|name| !matches!(name.as_str(), "*" | "+" | "1.1")) {
        names.told(name);
    }
    let asked_for = names.order.clone();
    let mut rows = Vec::with_capacity(found.entries.len());
    for Entry { name, attributes } in found.entries {
        let mut row: Map<String, Value> = asked_for.iter().map(|name| (name.clone(), Value::Null)).collect();
        for (attribute, values) in attributes {
            let column = if attribute.eq_ignore_ascii_case("dn") { attribute.clone() } else { names.told(&attribute) };
            row.insert(column, value::json(&attribute, values));
        }
        row.insert("dn".to_owned(), json!(name));
        rows.push(row);
    }
    let mut columns = Columns::default();
    names.order.iter().for_each(|name| columns.add(name, if name == "dn" { "dn" } else { "attribute" }));
    let mut writer = RowsWriter::new(&columns, request.limits);
    for row in rows {
        let row = Value::Object(row).to_string();
        writer.row(|out| {
            out.extend_from_slice(row.as_bytes());
            Ok(())
        })?;
    }
    let summary = Summary { truncated: found.has_more, ..Summary::since(started) };
    let body = writer.close(&summary);
    if body.len() > request.limits.max_bytes as usize {
        return Err(QueryError::TooLarge(request.limits.max_bytes));
    }
    Ok(Answer::Whole(body))
}

/// Columns that are told of entries; what they have beyond them is there all the same.
const MAX_COLUMNS: usize = 2000;

/// The names of columns: a server writes a name in its own way, and its way may differ from entry to entry.
#[derive(Default)]
struct Names {
    order: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    /// The name that was told first.
    fn told(&mut self, name: &str) -> String {
        let next = self.order.len();
        match self.places.entry(name.to_ascii_lowercase()) {
            hash_map::Entry::Occupied(place) => self.order[*place.get()].clone(),
            hash_map::Entry::Vacant(place) if next < MAX_COLUMNS => {
                place.insert(next);
                self.order.push(name.to_owned());
                name.to_owned()
            }
            hash_map::Entry::Vacant(_) => name.to_owned(),
        }
    }
}
