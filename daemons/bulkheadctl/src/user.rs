//! `user`: accounts.

use anyhow::Result;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::api::Api;
use crate::cli::UserCommand;

#[derive(Deserialize)]
struct Link {
    link: String,
}

/// Runs a `user` command.
pub(crate) async fn run(command: UserCommand, api: &Api) -> Result<()> {
    let UserCommand::RecoverAdmin { email } = command;
    let path = "/system/recover-admin";
    let Link { link } = api.send(Method::POST, path, &json!({ "email": email })).await?;
    println!("Works once, within a day:");
    println!("admin-link: {link}");
    Ok(())
}
