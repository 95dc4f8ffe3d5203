//! What a running instance needs before people can log in: the tables database, an administrator, perhaps the demo.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::tables::Tables;
use super::{demo, step, tables};
use crate::api::Api;

/// What setup prints last.
#[derive(Debug)]
pub(super) struct Printed {
    /// The instance.
    pub(super) url: String,
    /// The first administrator's link, or how to get another.
    pub(super) admin_link: String,
    /// The demo's webhook.
    pub(super) webhook: Option<String>,
}

/// Fills the instance behind `api`. Without `tables` its databases are elsewhere and were filled before.
pub(super) async fn fill(
    api: &Api,
    tables: Option<&Tables<'_>>,
    url: &str,
    state: &Path,
    with_demo: bool,
) -> Result<Printed> {
    match tables {
        Some(tables) => tables.connect(api).await?,
        None => tables::require(api).await?,
    }
    let webhook = match (with_demo, tables) {
        (false, _) => None,
        (true, Some(tables)) => Some(demo::load(api, tables, url, state).await?),
        (true, None) => bail!("--demo is for databases of this machine, and they are elsewhere"),
    };
    Ok(Printed { url: url.to_owned(), admin_link: admin_link(api).await?, webhook })
}

async fn admin_link(api: &Api) -> Result<String> {
    match api.try_post("/system/admin-link").await? {
        Ok(answer) => {
            step("the link below makes the first administrator; it works once, within a day");
            answer["link"].as_str().map(str::to_owned).context("the answer has no link")
        }
        Err(problem) if problem.code == "admin-exists" => {
            Ok("there is an administrator already; a lost one: sudo bulkheadctl user recover-admin EMAIL".to_owned())
        }
        Err(problem) => bail!("make the administrator's link: {}", problem.detail),
    }
}
