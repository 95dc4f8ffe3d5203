//! Statements as requests of ClickHouse's HTTP interface.

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::resource::{ClickhouseConfig, Server};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use url::form_urlencoded::Serializer;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::statement::Compiled;
use crate::error::QueryError;
use crate::http::HttpConfig;
use crate::target::Target;

/// How rows are asked for: names, types, then a list for each row.
pub(super) const FORMAT: &str = "JSONCompactEachRowWithNamesAndTypes";
/// How values are written: none of them loses anything.
const LOSSLESS: &[(&str, &str)] = &[
    ("date_time_output_format", "iso"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_quote_64bit_floats", "0"),
    ("output_format_json_quote_64bit_integers", "1"),
    ("output_format_json_quote_decimals", "1"),
    ("output_format_json_quote_denormals", "1"),
    ("output_format_json_named_tuples_as_objects", "1"),
];
/// Parameters longer than this travel in a form: servers and proxies bound what an address may take.
const MAX_IN_ADDRESS: usize = 8 * 1024;

impl HttpConfig for ClickhouseConfig {
    fn server(&self) -> Server<'_> {
        Self::server(self)
    }
}

/// A statement, to be answered in rows.
pub(super) fn statement(
    config: &ClickhouseConfig,
    target: &Target,
    compiled: &Compiled,
    id: Uuid,
    mode: QueryMode,
    limits: QueryLimits,
) -> Result<Request<Full<Bytes>>, QueryError> {
    let seconds = limits.timeout_ms.div_ceil(1000).max(1).to_string();
    let id = id.to_string();
    // There is no cap on rows among them: `max_result_rows` is documented to count in subqueries too, where a result that is cut without
    // an error would be a wrong one. The query is killed when enough rows are there.
    let mut settings = vec![("query_id", id.as_str()), ("default_format", FORMAT), ("max_execution_time", &seconds)];
    settings.extend(LOSSLESS);
    match mode {
        QueryMode::Read => settings.extend([("readonly", "1"), ("cancel_http_readonly_queries_on_client_close", "1")]),
        // The status is told when all is done, with what was done.
        QueryMode::Write => settings.push(("wait_end_of_query", "1")),
    }
    let mut address = Serializer::new(String::from("/?"));
    address.extend_pairs(settings);
    let is_short = compiled.parameters.iter().map(String::len).sum::<usize>() <= MAX_IN_ADDRESS;
    if is_short {
        for (index, value) in compiled.parameters.iter().enumerate() {
            address.append_pair(&format!("param_p{}", index + 1), value);
        }
        return request(config, target, &address.finish(), "text/plain", compiled.text.clone());
    }
    // Nobody who writes a value knows it.
    let boundary = Uuid::new_v4().simple().to_string();
    let mut form = String::new();
    let names = (1..=compiled.parameters.len()).map(|number| format!("param_p{number}"));
    let fields = names.zip(&compiled.parameters);
    for (name, value) in std::iter::once(("query".to_owned(), &compiled.text)).chain(fields) {
        form.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    form.push_str(&format!("--{boundary}--\r\n"));
    request(config, target, &address.finish(), &format!("multipart/form-data; boundary={boundary}"), form)
}

/// A statement of our own that reads.
pub(super) fn own(config: &ClickhouseConfig, target: &Target, text: &str) -> Result<Request<Full<Bytes>>, QueryError> {
    let address = format!("/?default_format={FORMAT}&readonly=1");
    request(config, target, &address, "text/plain", text.to_owned())
}

/// Ends a query on the server.
pub(super) fn kill(config: &ClickhouseConfig, target: &Target, id: Uuid) -> Result<Request<Full<Bytes>>, QueryError> {
    // A UUID has no quotes.
    let text = format!("KILL QUERY WHERE query_id = '{id}' ASYNC");
    request(config, target, "/", "text/plain", text)
}

fn request(
    config: &ClickhouseConfig,
    target: &Target,
    address: &str,
    content_type: &str,
    body: String,
) -> Result<Request<Full<Bytes>>, QueryError> {
    let host = if config.host.contains(':') { format!("[{}]", config.host) } else { config.host.clone() };
    let mut request = Request::post(address)
        .header(header::HOST, format!("{host}:{}", config.port))
        .header(header::CONTENT_TYPE, content_type)
        .header("x-clickhouse-database", text(&config.database))
        .header("x-clickhouse-user", text(&config.user))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| QueryError::Invalid(format!("the statement cannot be sent: {error}")))?;
    if let Some(secret) = target.secret_text()?.map(|secret| Zeroizing::new(secret.as_bytes().to_vec())) {
        let password = HeaderValue::from_bytes(&secret);
        let mut password =
            password.map_err(|_| target.log_in("the password has characters that no header can hold"))?;
        password.set_sensitive(true);
        request.headers_mut().insert("x-clickhouse-key", password);
    }
    Ok(request)
}

fn text(value: &str) -> HeaderValue {
    // Validation has refused control characters, the only ones that a header cannot hold.
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or(HeaderValue::from_static(""))
}
