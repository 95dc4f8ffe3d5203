//! The server that the databases move to: its URL, and how it is reached. TLS there is verified in full, as the daemons do it; nothing
//! switches that off.

use std::fs;
use std::io::Read;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::cli::Move;
use crate::psql::{Password, Psql};

/// Where systems keep the authorities that they trust.
const SYSTEM_AUTHORITIES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
const EXAMPLE: &str = "write for example postgresql://admin@db1.example.org:5432";

/// A server, or several of which one takes writes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
    user: String,
    /// The file that was named, or the system's.
    pub(super) authorities: PathBuf,
    /// What was in the file that was named.
    pub(super) ca: Option<String>,
    password: Option<Password>,
}

impl Target {
    pub(super) fn of(command: &Move) -> Result<Self> {
        let (hosts, port, user) = parse(&command.to)?;
        let (authorities, ca) = match &command.ca {
            Some(file) => (std::path::absolute(file)?, Some(authorities(file)?)),
            None => {
                let found = SYSTEM_AUTHORITIES.into_iter().map(PathBuf::from).find(|file| file.exists());
                (
                    found
                        .context("no authority is trusted: name one by --ca, or install the package ca-certificates")?,
                    None,
                )
            }
        };
        let password = command.password_file.as_deref().map(password).transpose()?;
        Ok(Self { hosts, port, user, authorities, ca, password })
    }

    /// As messages name it.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.hosts.join(","), self.port)
    }

    /// As who moves the databases.
    pub(super) fn psql(&self) -> Psql {
        Psql::With(self.connection(&self.user), self.password.clone())
    }

    /// As a role with a password.
    pub(super) fn psql_as(&self, role: &str, password: &Zeroizing<String>) -> Psql {
        Psql::With(self.connection(role), Some(Password(password.clone())))
    }

    fn connection(&self, user: &str) -> String {
        // libpq wants a port for each host, or one for all.
        format!(
            "host={} port={} user={} sslmode=verify-full sslrootcert={} connect_timeout=10 target_session_attrs=read-write \
             application_name=bulkheadctl",
            quoted(&self.hosts.join(",")),
            self.port,
            quoted(user),
            quoted(&self.authorities.display().to_string())
        )
    }

    /// The addresses behind its names, for units that may reach no others.
    pub(super) fn addresses(&self) -> Result<Vec<IpAddr>> {
        let mut found = Vec::new();
        for host in &self.hosts {
            let addresses = (host.as_str(), self.port).to_socket_addrs();
            let addresses = addresses.with_context(|| format!("the name {host} leads nowhere: is it right?"))?;
            found.extend(addresses.map(|address| address.ip()));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// As a connection string has it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Hosts, port and user of `postgresql://USER@HOST[,HOST...][:PORT]`.
fn parse(url: &str) -> Result<(Vec<String>, u16, String)> {
    let rest = ["postgresql://", "postgres://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    // The text itself is not repeated: a password may be in it.
    let rest = rest.with_context(|| format!("--to is no URL of PostgreSQL: {EXAMPLE}"))?;
    ensure!(
        !rest.contains(['?', '#', '%']),
        "--to has more than role, host and port: TLS is always verified in full (--ca names the authority), and a Unix socket \
         is this machine's own PostgreSQL, which the databases are in already"
    );
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    ensure!(
        path.is_empty() || path == "postgres",
        "--to names a database, and they have their names already: {EXAMPLE}"
    );
    let (user, hosts) = authority.rsplit_once('@').with_context(|| format!("--to names no role: {EXAMPLE}"))?;
    if user.contains(':') {
        bail!(
            "--to has a password, which everybody sees in the list of processes: write it to a file, and give --password-file"
        );
    }
    let is_role = !user.is_empty() && user.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    ensure!(is_role, "--to names no role that can be used: {EXAMPLE}");
    let mut ports = Vec::new();
    let mut names = Vec::new();
    for host in hosts.split(',') {
        let uri: Option<Uri> = format!("http://{host}/").parse().ok();
        let found = uri.as_ref().and_then(|uri| Some((uri.host()?, uri.port_u16())));
        let (name, port) = found.with_context(|| format!("--to has no machine's name in {host:?}: {EXAMPLE}"))?;
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'));
        ensure!(is_name, "--to has no machine's name in {host:?}: {EXAMPLE}");
        names.push(name.to_owned());
        ports.extend(port);
    }
    ports.dedup();
    ensure!(
        ports.len() < 2,
        "--to has several ports, and the daemons use one for all hosts: give all servers the same"
    );
    Ok((names, ports.first().copied().unwrap_or(5432), user.to_owned()))
}

fn authorities(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let is_sound = !found.is_empty() && found.iter().all(Result::is_ok);
    ensure!(is_sound, "{} has no certificates as PEM: --ca is the file of the server's authority", file.display());
    Ok(text)
}

fn password(file: &Path) -> Result<Password> {
    let mut text = Zeroizing::new(String::new());
    let read = match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text),
        false => fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.with_context(|| format!("read the password in {}", file.display()))?;
    let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    ensure!(!password.is_empty() && !password.contains('\0'), "{} holds no password", file.display());
    Ok(Password(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_role_hosts_and_one_port() {
        let (hosts, port, user) = parse("postgresql://admin@db1.example.org,db2.example.org:6432/").expect("sound");
        assert_eq!(
            (hosts, port, user.as_str()),
            (vec!["db1.example.org".into(), "db2.example.org".into()], 6432, "admin")
        );
        assert_eq!(parse("postgres://a@[2001:db8::7]").expect("sound").0, ["2001:db8::7"]);
        for (bad, word) in [
            ("db1.example.org", "no URL"),
            ("postgresql://db1", "no role"),
            ("postgresql://a:secret@db1", "--password-file"),
            ("postgresql://a@db1?sslmode=disable", "verified in full"),
            ("postgresql://a@%2Frun%2Fpostgresql", "Unix socket"),
            ("postgresql://a@db1/shop", "names a database"),
            ("postgresql://a@db1:1,db2:2", "several ports"),
            ("postgresql://a@db 1", "no machine's name"),
            ("postgresql://a'b@db1", "no role"),
            ("postgresql://a@", "no machine's name"),
        ] {
            let error = format!("{:#}", parse(bad).expect_err(bad));
            assert!(error.contains(word) && !error.contains("secret"), "{bad}: {error}");
        }
    }
}
