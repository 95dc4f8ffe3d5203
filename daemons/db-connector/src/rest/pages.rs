//! Page after page of an answer, within the rows, bytes and time of its query.

use bulkhead_model::operation::{HttpRequest, Pages, Paging};
use bulkhead_model::query::QueryLimits;
use http::header;
use serde_json::Value;

use super::build::push_parameter;
use super::{items, paged_meta};
use crate::answer::Summary;
use crate::error::QueryError;
use crate::http::{Answered, Ask, Bounds, Site, content};

/// All items, and whether there are more.
pub(super) async fn all(
    site: &Site,
    request: &HttpRequest,
    paging: &Paging,
    first: Ask,
    (bounds, limits): (Bounds, QueryLimits),
) -> Result<(Value, Summary), QueryError> {
    let mut found: Vec<Value> = Vec::new();
    let mut ask = first_page(&first, &paging.pages);
    let mut bytes = 0;
    let mut pages = 0;
    let mut cursor = None;
    loop {
        let answered = site.ask(ask, bounds).await?;
        pages += 1;
        bytes += answered.reply.body.len();
        if bytes > limits.max_bytes as usize {
            return Err(QueryError::TooLarge(limits.max_bytes));
        }
        let status = answered.reply.status;
        let page = match items(request, &answered)? {
            Value::Array(page) => page,
            // A server that has nothing more may say so by null.
            Value::Null if pages > 1 => Vec::new(),
            _ => {
                let message = format!(
                    "the answer, {status}, has no list at `{}`: say by `items` where its items are",
                    request.items
                );
                return Err(QueryError::Sql { message, sqlstate: status.as_str().to_owned(), position: None });
            }
        };
        let is_empty = page.is_empty();
        found.extend(page);
        let next = match &paging.pages {
            Pages::LinkHeader => match next_link(&answered) {
                Some(link) => {
                    let target = site.within(&answered.target, &link).map_err(|reason| {
                        let message = format!("the next page is elsewhere: {reason}");
                        QueryError::Sql { message, sqlstate: status.as_str().to_owned(), position: None }
                    })?;
                    Some(Ask { target, ..first.clone() })
                }
                None => None,
            },
            Pages::Cursor { cursor: pointer, parameter } => {
                let told = next_cursor(&answered, pointer)?;
                // A server that tells the same one again would go on for ever.
                let next = told.clone().filter(|_| told != cursor);
                cursor = told;
                next.map(|cursor| with(&first, parameter, &cursor))
            }
            _ if is_empty => None,
            Pages::Page { parameter, first: number } => {
                Some(with(&first, parameter, &(u64::from(*number) + u64::from(pages)).to_string()))
            }
            Pages::Offset { parameter } => Some(with(&first, parameter, &found.len().to_string())),
        };
        let is_full = found.len() > limits.max_rows as usize || pages == paging.at_most;
        match next {
            Some(next) if !is_full => ask = next,
            next => {
                let meta = Some(paged_meta(&answered, pages));
                let truncated = next.is_some() || found.len() > limits.max_rows as usize;
                found.truncate(limits.max_rows as usize);
                return Ok((Value::Array(found), Summary { meta, truncated, ..Summary::default() }));
            }
        }
    }
}

fn first_page(ask: &Ask, pages: &Pages) -> Ask {
    match pages {
        Pages::LinkHeader | Pages::Cursor { .. } => ask.clone(),
        Pages::Page { parameter, first } => with(ask, parameter, &first.to_string()),
        Pages::Offset { parameter } => with(ask, parameter, "0"),
    }
}

fn with(ask: &Ask, parameter: &str, value: &str) -> Ask {
    let mut ask = ask.clone();
    push_parameter(&mut ask.target, parameter, value);
    ask
}

/// The cursor of the next page; none for null, false, an empty text, or nothing there.
fn next_cursor(answered: &Answered, pointer: &str) -> Result<Option<String>, QueryError> {
    let value = content::value(&answered.reply)?;
    Ok(match value.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

/// The target of `rel="next"` in the `Link` headers (RFC 8288).
fn next_link(answered: &Answered) -> Option<String> {
    let headers = answered.reply.headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    headers
        .flat_map(links)
        .find(|(_, relations)| relations.split(' ').any(|relation| relation == "next"))
        .map(|(to, _)| to)
}

/// The links in a header: each target with its relations, in lower case.
fn links(mut header: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    while let Some((target, rest)) = header.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        // The parameters end at the next comma outside of a quoted text.
        let mut is_quoted = false;
        let end = rest.find(|c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        let (parameters, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        links.push((target.to_owned(), relation.unwrap_or_default()));
        header = rest;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_with_their_relations() {
        let found = links("<https://a/x?page=2,3>; title=\"a, <b>\"; rel=\"next\", </y>; REL=Last,<z>");
        let expected = [("https://a/x?page=2,3", "next"), ("/y", "last"), ("z", "")];
        assert_eq!(found, expected.map(|(to, relation)| (to.to_owned(), relation.to_owned())));
        assert!(links("<unclosed").is_empty());
    }
}
