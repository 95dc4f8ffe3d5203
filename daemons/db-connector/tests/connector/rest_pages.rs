//! REST: answers that come in pages.

use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::QueryResult;
use serde_json::{Value, json};

use crate::kit::Service;
use crate::rest::resource;
use crate::web::{Seen, WebServer, json_reply, reply};

/// A number in the query of a request.
fn number(seen: &Seen, name: &str) -> Option<u64> {
    let (_, query) = seen.target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Twenty-five items, ten on a page.
fn page(from: u64) -> Vec<Value> {
    (from..(from + 10).min(25)).map(|id| json!({ "id": id })).collect()
}

fn answer(seen: &Seen) -> Option<crate::web::Reply> {
    let path = seen.target.split('?').next().unwrap_or_default();
    match path {
        "/v1/link" => {
            let page_number = number(seen, "p").unwrap_or(1);
            let next = format!("</v1/link?p={}>; rel=\"next\", </v1/link?p=1>; rel=first", page_number + 1);
            let body = Value::from(page((page_number - 1) * 10)).to_string();
            let headers = [("content-type", "application/json"), ("link", next.as_str())];
            reply(200, if page_number < 3 { &headers } else { &headers[..1] }, body)
        }
        "/v1/keyed" => {
            // It repeats all parameters, the key too.
            let next = format!("<{}&p=2>; rel=next", seen.target);
            let headers = [("content-type", "application/json"), ("link", next.as_str())];
            reply(200, if seen.target.contains("p=2") { &headers[..1] } else { &headers }, "[1]")
        }
        "/v1/away" => {
            let headers = [("content-type", "application/json"), ("link", "<http://127.0.0.2:1/x>; rel=next")];
            reply(200, &headers, "[{}]")
        }
        "/v1/cursor" => {
            let from = number(seen, "after").unwrap_or(0);
            let next = if from < 20 { json!((from + 10).to_string()) } else { Value::Null };
            json_reply(200, &json!({ "data": page(from), "meta": { "next": next } }))
        }
        "/v1/same-cursor" => json_reply(200, &json!({ "data": page(0), "meta": { "next": "x" } })),
        "/v1/page" => json_reply(200, &json!(page((number(seen, "page")? - 1) * 10))),
        "/v1/offset" => json_reply(200, &json!(page(number(seen, "offset")?))),
        "/v1/object" => json_reply(200, &json!({})),
        _ => reply(404, &[], ""),
    }
}

#[tokio::test]
async fn pages_are_gathered_until_there_are_no_more() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server.url("/v1"), json!({}), None).await;
    let run = async |path: &str, items: &str, pages: Value, most: (u32, u32)| -> Result<QueryResult, Problem> {
        let paging = json!({ "pages": pages, "at-most": most.0 });
        let request = json!({ "do": "request", "path": path, "items": items, "paging": paging, "query": [{ "name": "q", "value": "x" }] });
        let mut query = service.operation(id, request, json!({}));
        query.limits.max_rows = most.1;
        service.run(&query).await
    };
    let link = json!({ "by": "link-header" });
    let cursor = json!({ "by": "cursor", "cursor": "/meta/next", "parameter": "after" });
    let page = json!({ "by": "page", "parameter": "page" });
    let offset = json!({ "by": "offset", "parameter": "offset" });
    for (path, items, pages, asked) in [
        ("/link", "", &link, 3),
        ("/cursor", "/data", &cursor, 3),
        ("/page", "", &page, 4),
        ("/offset", "", &offset, 4),
    ] {
        let all = run(path, items, pages.clone(), (10, 1000)).await.expect(path);
        let ids: Vec<_> = all.rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect();
        assert_eq!((ids, all.truncated), ((0..25).collect(), false), "{path}");
        let seen = server.seen();
        assert_eq!((seen.len(), all.meta.expect("meta")["pages"].as_u64()), (asked, Some(asked as u64)), "{path}");
        assert!(path == "/link" || seen.iter().all(|seen| seen.target.contains("q=x")), "{path}");

        let two = run(path, items, pages.clone(), (2, 1000)).await.expect(path);
        assert_eq!((two.row_count, two.truncated, server.seen().len()), (20, true, 2), "{path}");
        let few = run(path, items, pages.clone(), (10, 15)).await.expect(path);
        assert_eq!((few.row_count, few.truncated, server.seen().len()), (15, true, 2), "{path}");
    }
    let round = run("/same-cursor", "/data", cursor, (10, 1000)).await.expect("ends");
    assert_eq!((round.row_count, server.seen().len()), (20, 2));
    let away = run("/away", "", link.clone(), (10, 1000)).await.expect_err("refused");
    assert!(away.code == "query-failed" && away.detail.contains("127.0.0.2"), "{}", away.detail);
    let object = run("/object", "", page, (10, 1000)).await.expect_err("refused");
    assert!(object.code == "query-failed" && object.detail.contains("items"), "{}", object.detail);
    assert_eq!(run("/none", "", link, (10, 1000)).await.expect_err("refused").sqlstate.as_deref(), Some("404"));
}

#[tokio::test]
async fn a_key_that_a_link_repeats_is_sent_once() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let authentication = json!({ "authentication": { "type": "api-key-query", "parameter": "key" } });
    let id = resource(&service, &server.url("/v1"), authentication, Some("s3cret")).await;
    let paging = json!({ "pages": { "by": "link-header" } });
    let request = json!({ "do": "request", "path": "/keyed", "paging": paging });
    let both = service.run(&service.operation(id, request, json!({}))).await.expect("runs");
    assert_eq!(both.data, Some(json!([1, 1])));
    let targets: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/v1/keyed?key=s3cret", "/v1/keyed?p=2&key=s3cret"]);
}
