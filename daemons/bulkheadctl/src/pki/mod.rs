//! `pki`: certificates by which the daemons of an instance on several machines know each other.
//!
//! The authority is a folder on one machine: its certificate, its key, and each certificate that it issued. A key of a daemon is made where
//! the certificate is asked for and is kept by no one else; a renewal is a new certificate for the same key. What a certificate says is
//! decided here alone: of a request only the key counts.

mod authority;
mod check;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use bulkhead_mtls::Role;
use rcgen::{CertificateParams, CertificateSigningRequestParams, DnType, KeyPair};
use time::OffsetDateTime;

use crate::cli::{PkiCommand, PkiIssue};
use crate::files;
use crate::setup::step;
use crate::table;

use authority::{Authority, Issued, Wanted};

pub(crate) use check::check;

/// Runs a `pki` command.
pub(crate) fn run(command: PkiCommand) -> Result<ExitCode> {
    match command {
        PkiCommand::Init { authority, name, days, seal } => {
            Authority::make(&authority.folder, &name, days, seal)?;
            let folder = authority.folder.display();
            step(&format!("an authority in {folder}; {folder}/ca.crt goes to every machine, its key to none"));
        }
        PkiCommand::Issue(wanted) => issue(&wanted)?,
        PkiCommand::Request { role, out } => request(role.parse()?, &out)?,
        PkiCommand::List { authority, json } => list(&authority::issued(&authority.folder)?, json)?,
        PkiCommand::Renew { authority, host, role, within, all, days, out } => {
            let role = role.map(|role| role.parse::<Role>()).transpose()?;
            let ends_before = OffsetDateTime::now_utc() + time::Duration::days(within.into());
            let due = authority::newest(authority::issued(&authority.folder)?).into_iter().filter(|issued| {
                host.as_ref().is_none_or(|host| *host == issued.host)
                    && role.is_none_or(|role| role == issued.role)
                    && (all || issued.ends < ends_before)
            });
            renew(&authority.folder, &due.collect::<Vec<_>>(), days, &out)?;
        }
        PkiCommand::Check { json } => return check::run(json),
    }
    Ok(ExitCode::SUCCESS)
}

fn issue(wanted: &PkiIssue) -> Result<()> {
    let authority = Authority::open(&wanted.authority.folder)?;
    let role: Role = wanted.role.parse()?;
    let key_file = wanted.out.join(format!("{role}.key"));
    let certificate = Wanted {
        role,
        host: wanted.host.clone(),
        dns: wanted.dns.clone(),
        addresses: wanted.ip.clone(),
        days: wanted.days,
    };
    files::folder(&wanted.out, 0o755)?;
    let pem = match &wanted.csr {
        Some(file) => {
            let text = files::text(file)?;
            let request = CertificateSigningRequestParams::from_pem(&text).with_context(|| {
                format!("{} is no request whose signature holds: `bulkheadctl pki request` makes one", file.display())
            })?;
            authority.issue(&certificate, &request.public_key)?
        }
        None => {
            let key = new_key(&key_file)?;
            let pem = authority.issue(&certificate, &key)?;
            write_key(&key_file, &key, role)?;
            pem
        }
    };
    let file = wanted.out.join(format!("{role}.crt"));
    files::write(&file, pem.as_bytes(), 0o644)?;
    files::write(&wanted.out.join("ca.crt"), authority.pem().as_bytes(), 0o644)?;
    step(&format!("{} for {role} on {}, for {} days", file.display(), wanted.host, wanted.days));
    Ok(())
}

fn request(role: Role, out: &Path) -> Result<()> {
    files::folder(out, 0o755)?;
    let (key_file, request_file) = (out.join(format!("{role}.key")), out.join(format!("{role}.csr")));
    let key = new_key(&key_file)?;
    let mut parameters = CertificateParams::default();
    // For whoever looks at the file. The authority decides what the certificate says.
    parameters.distinguished_name.push(DnType::CommonName, role.unit());
    let pem = parameters.serialize_request(&key).and_then(|request| request.pem()).context("make the request")?;
    write_key(&key_file, &key, role)?;
    files::write(&request_file, pem.as_bytes(), 0o644)?;
    step(&format!(
        "{}: on the authority's machine, bulkheadctl pki issue --role {role} --host THIS-MACHINE --csr {role}.csr --out DIR",
        request_file.display()
    ));
    Ok(())
}

/// ECDSA on P-256, which every FIPS module has.
fn new_key(file: &Path) -> Result<KeyPair> {
    ensure!(
        !file.exists(),
        "{} is there already: `pki renew` keeps a key, and a new one needs the old file moved away first",
        file.display()
    );
    KeyPair::generate().context("generate a key")
}

fn write_key(file: &Path, key: &KeyPair, role: Role) -> Result<()> {
    files::write(file, zeroize::Zeroizing::new(key.serialize_pem()).as_bytes(), 0o600)?;
    files::show_to(file, role.unit())
}

fn list(issued: &[Issued], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(issued)?);
        return Ok(());
    }
    let rows: Vec<_> = issued.iter().map(Issued::row).collect();
    table::print(["DAEMON", "HOST", "NAMES", "ENDS", "NUMBER"], &rows);
    Ok(())
}

fn renew(folder: &Path, due: &[Issued], days: u32, out: &Path) -> Result<()> {
    if due.is_empty() {
        step("nothing to renew");
        return Ok(());
    }
    let authority = Authority::open(folder)?;
    for issued in due {
        // The host is a name that `issue` took, but the file is what says so now.
        if issued.host.contains('/') || issued.host.starts_with('.') {
            bail!("`{}` cannot be a folder's name: issue a certificate for another host", issued.host);
        }
        let place = out.join(&issued.host);
        files::folder(&place, 0o755)?;
        let pem = authority.issue(&issued.again(days), &issued.public_key()?)?;
        let file = place.join(format!("{}.crt", issued.role));
        files::write(&file, pem.as_bytes(), 0o644)?;
        files::write(&place.join("ca.crt"), authority.pem().as_bytes(), 0o644)?;
        step(&format!("{}, for {days} days", file.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
