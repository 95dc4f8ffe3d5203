//! `setup`: from installed packages to an instance that people can log in to. Each step finds out what is there already and
//! adds what is missing, so repeating it is harmless.

mod address;
mod certificate;
mod database;
mod demo;
mod instance;
mod keys;
mod logins;
mod services;
mod tables;

use std::path::Path;

use anyhow::Result;

use crate::api::{Api, require_root};
use crate::cli::{Instance, Setup, SetupPart};
use crate::psql::Psql;

pub(crate) use database::{Names, TABLES_ROLE, prepare as prepare_databases, reach as reach_database};
pub(crate) use keys::{decrypt_credential, encrypt_credential};
pub(crate) use logins::install as install_logins;
pub(crate) use services::{migrate, start as start_services, stop as stop_services};
pub(crate) use tables::password as new_password;

use address::BaseUrl;
use instance::Printed;

/// Where the packages' files are.
const ETC: &str = "/etc/bulkhead";
/// What setup remembers of what it has made; root's alone.
const STATE: &str = "/var/lib/bulkhead/setup";

/// Says what a step did.
pub(crate) fn step(text: &str) {
    println!("- {text}");
}

/// Runs setup, or the part of it that was asked for.
pub(crate) async fn run(setup: Setup, api: &Api) -> Result<()> {
    match setup.part {
        None => whole(&setup, api).await,
        Some(SetupPart::Keys { to }) => {
            keys::make(&keys::Store::Plain(to.clone()))?;
            certificate::make(&to.join("tls"), "localhost")
        }
        Some(SetupPart::Database { admin }) => {
            let (psql, names) = (Psql::At(admin), database::Names::default());
            database::prepare(&psql, &names)?;
            logins::install(&psql, &names)
        }
        Some(SetupPart::Instance(instance)) => part(&instance, api).await,
    }
}

async fn whole(setup: &Setup, api: &Api) -> Result<()> {
    require_root("setup")?;
    services::require_packages()?;
    let address = BaseUrl::choose(Path::new(ETC), setup.base_url.as_deref(), setup.non_interactive)?;
    let psql = Psql::OfThisMachine;
    let names = database::Names::default();
    let elsewhere = database::elsewhere(Path::new(ETC))?;
    let port = match &elsewhere {
        Some(host) => {
            step(&format!("the databases at {host} stay as they are"));
            None
        }
        None => {
            let port = database::reach(&psql)?;
            database::prepare(&psql, &names)?;
            logins::install(&psql, &names)?;
            Some(port)
        }
    };
    let mut changed = keys::make(&keys::Store::Encrypted { public: Path::new(ETC).join("keys") })?;
    certificate::make(&Path::new(ETC).join("tls"), address.host())?;
    if address.write(Path::new(ETC))? {
        changed.push("api");
    }
    services::start(&changed).await?;
    let of = |port| tables::Tables { psql: &psql, database: &names.tables, host: "127.0.0.1", port, keep: true };
    let tables = port.map(of);
    let printed = instance::fill(api, tables.as_ref(), address.url(), Path::new(STATE), setup.demo).await?;
    print(&printed);
    Ok(())
}

async fn part(instance: &Instance, api: &Api) -> Result<()> {
    let psql = Psql::At(instance.admin.clone());
    let names = database::Names::default();
    let address = BaseUrl::parse(&instance.base_url)?;
    let (host, port) = tables::host_and_port(&instance.tables)?;
    let tables = tables::Tables { psql: &psql, database: &names.tables, host, port, keep: false };
    let printed = instance::fill(api, Some(&tables), address.url(), &instance.state, instance.demo).await?;
    print(&printed);
    Ok(())
}

/// The last lines, for people and for programs.
fn print(printed: &Printed) {
    println!();
    println!("url: {}", printed.url);
    println!("admin-link: {}", printed.admin_link);
    if let Some(webhook) = &printed.webhook {
        println!("webhook: {webhook}");
    }
}
