//! The running product: logged in, with the app and the workflows that the rows measure.

use anyhow::{Context, Result, bail};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::http_client::{Call, HttpClient};

/// A logged-in administrator's view of the product.
#[derive(Debug)]
pub(crate) struct Product {
    url: String,
    cookie: HeaderValue,
    http: HttpClient,
}

impl Product {
    /// Redeems a one-time link and logs in by it.
    pub(crate) async fn open(url: &str, admin_link: &str) -> Result<Self> {
        let token = admin_link.split_once("token=").context("the administrator's link has no token=")?.1;
        let http = HttpClient::new();
        let redeem = json!({
            "token": token, "password": format!("bench {token}"), "email": "bench@bulkhead.example", "name": "Bench",
        });
        let mut call = Call::post(format!("{url}/api/v1/one-time-links/redeem"), &redeem);
        let inspected = Call::post(format!("{url}/api/v1/one-time-links/inspect"), &json!({ "token": token }));
        let (_, body) = http.expect_ok(&inspected).await?;
        let purpose = serde_json::from_slice::<Value>(&body)?["purpose"].clone();
        if purpose != "first-admin" {
            let redeem = json!({ "token": token, "password": format!("bench {token}") });
            call = Call::post(format!("{url}/api/v1/one-time-links/redeem"), &redeem);
        }
        let (headers, _) = http.expect_ok(&call).await?;
        let cookie = headers.get(header::SET_COOKIE).context("no session cookie")?.to_str()?;
        let cookie = HeaderValue::from_str(cookie.split(';').next().unwrap_or_default())?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), cookie, http })
    }

    /// A call of the API with this session.
    pub(crate) fn call(&self, method: Method, path: &str, body: &Value) -> Call {
        let mut call = Call::post(format!("{}/api/v1{path}", self.url), body);
        call.method = method;
        call.headers.insert(header::COOKIE, self.cookie.clone());
        call.headers.insert("x-bulkhead-csrf", HeaderValue::from_static("1"));
        call.headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        call
    }

    /// Makes `path/slug` (an app or workflow) hold `document`, and releases it.
    pub(crate) async fn release(&self, collection: &str, slug: &str, document: &Value) -> Result<()> {
        let create = json!({ "slug": slug, "title": document["title"], "document": document });
        let (status, _, body) = self.http.send(&self.call(Method::POST, &format!("/{collection}"), &create)).await?;
        let revision = match status {
            StatusCode::CREATED => serde_json::from_slice::<Value>(&body)?["draft_revision"].clone(),
            StatusCode::CONFLICT => {
                let path = format!("/{collection}/{slug}");
                let (_, current) = self.http.expect_ok(&self.call(Method::GET, &path, &Value::Null)).await?;
                let revision = serde_json::from_slice::<Value>(&current)?["draft_revision"].clone();
                let save = json!({ "revision": revision, "document": document });
                let (_, saved) = self.http.expect_ok(&self.call(Method::PUT, &format!("{path}/draft"), &save)).await?;
                serde_json::from_slice::<Value>(&saved)?["revision"].clone()
            }
            _ => bail!("creating {slug} answered {status}: {}", String::from_utf8_lossy(&body)),
        };
        let release =
            self.call(Method::POST, &format!("/{collection}/{slug}/releases"), &json!({ "revision": revision }));
        self.http.expect_ok(&release).await.map(|_| ())
    }

    /// A call of `workflow`'s webhook with a fresh key.
    pub(crate) async fn webhook(&self, workflow: &str, trigger: &str, body: &Value) -> Result<Call> {
        let path = format!("/workflows/{workflow}/triggers/{trigger}/key");
        let (_, answer) = self.http.expect_ok(&self.call(Method::POST, &path, &json!({}))).await?;
        let key = serde_json::from_slice::<Value>(&answer)?["key"].as_str().context("no key")?.to_owned();
        Ok(Call::post(format!("{}/hooks/{workflow}/{trigger}?key={key}", self.url), body))
    }
}
