//! Where a tunnel may lead.
//!
//! The SSH host resolves the name and connects, so its loopback and its networks are what a tunnel is for. Its cloud's metadata
//! service is not: link-local addresses are refused in every spelling that a resolver would take for a number.

use std::net::IpAddr;

use bulkhead_daemon_kit::NetworkPolicy;

use crate::error::TunnelError;

/// Refuses what is no host name or address, and link-local addresses.
pub(crate) fn check(host: &str, port: u16) -> Result<(), TunnelError> {
    let refuse = |reason| Err(TunnelError::TargetRefused { host: host.chars().take(100).collect(), reason });
    if port == 0 {
        return refuse("its port must be between 1 and 65535");
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return if NetworkPolicy::default().and_loopback().permits(address) {
            Ok(())
        } else {
            refuse("it is a link-local, multicast or unspecified address")
        };
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let well_formed = !name.is_empty()
        && name.len() <= 253
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !well_formed {
        return refuse("it must be one host name or address, without scheme, path or port");
    }
    // `2852039166` and `0xa9fea9fe` are 169.254.169.254 to many resolvers; no real name ends in a number.
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    if number { refuse("write its address as four decimal numbers or as IPv6") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_behind_the_host_are_fine() {
        for host in ["db.internal", "db.internal.", "10.0.0.5", "127.0.0.1", "::1", "fd12::5", "localhost", "db_1"] {
            assert!(check(host, 5432).is_ok(), "{host}");
        }
    }

    #[test]
    fn metadata_addresses_are_refused_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.254.169.254.",
            "fe80::1",
            "0.0.0.0",
        ] {
            assert!(check(host, 80).is_err(), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in ["", "/run/postgresql", "a b", "user@host", "host:22", "[::1]", "h\0", "ünicode"] {
            assert!(check(host, 80).is_err(), "{host}");
        }
        assert!(check("db", 0).is_err());
    }
}
