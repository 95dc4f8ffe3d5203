//! Which addresses people may make a daemon connect to, by the resources and hosts that they enter.
//!
//! Loopback, link-local and this machine's own addresses are refused: its own services and cloud metadata live there. Private
//! networks are what internal tools are for, and allowed. The address is checked after the name is resolved, and the checked
//! address is the one that is connected to, so a name that resolves to something else a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// The built-in policy and what an administrator allows besides.
#[derive(Clone, Debug, Default)]
pub struct NetworkPolicy {
    allowed: Vec<Network>,
    /// Where there are some, nothing outside of them is permitted.
    only: Option<Vec<Network>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl NetworkPolicy {
    /// A policy that also allows these networks (`10.0.0.0/8`). An error says which is no network.
    pub fn new(allowed: &[String]) -> Result<Self, String> {
        Ok(Self { allowed: Network::parse_all(allowed)?, only: None })
    }

    /// This policy within these networks alone. What it refuses besides stays refused.
    pub fn within(&self, only: &[String]) -> Result<Self, String> {
        Ok(Self { allowed: self.allowed.clone(), only: Some(Network::parse_all(only)?) })
    }

    /// This policy, and this machine besides: for what Bulkhead itself set up here.
    #[must_use]
    pub fn and_loopback(mut self) -> Self {
        self.allowed.push(Network { address: IpAddr::V4(Ipv4Addr::LOCALHOST), prefix: 8 });
        self.allowed.push(Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 });
        self
    }

    /// Whether `address` may be connected to.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        let is_outside = |only: &Vec<Network>| !only.iter().any(|network| network.contains(address));
        if self.only.as_ref().is_some_and(is_outside) {
            return false;
        }
        !(refused(address) || is_own(address)) || self.allowed.iter().any(|network| network.contains(address))
    }

    /// The first permitted address of `host`, or why there is none.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<SocketAddr, ResolveError> {
        let found = tokio::net::lookup_host((host, port))
            .await
            .map_err(|source| ResolveError::Lookup { host: host.to_owned(), source })?;
        let mut any = false;
        for address in found {
            any = true;
            if self.permits(address.ip()) {
                return Ok(address);
            }
        }
        Err(if any { ResolveError::Refused(host.to_owned()) } else { ResolveError::Nothing(host.to_owned()) })
    }
}

/// Why a host has no address to connect to.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// The name service failed.
    #[error("{host} is not known: check its name")]
    Lookup {
        /// The host.
        host: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The name has no address.
    #[error("{0} has no address: check its name")]
    Nothing(String),
    /// All its addresses are refused by the policy.
    #[error("{0} is on this machine or link-local: an administrator can allow it by allow-networks")]
    Refused(String),
}

impl Network {
    fn parse_all(texts: &[String]) -> Result<Vec<Self>, String> {
        let parsed = texts
            .iter()
            .map(|text| Self::parse(text).ok_or_else(|| format!("`{text}` is not a network such as 10.0.0.0/8")));
        parsed.collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Self { address, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// The address that packets really go to: IPv4 that is dressed as IPv6 (mapped, compatible, NAT64, 6to4) is undressed.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // NAT64 prefixes that a site chooses for itself (RFC 8215).
        [0x64, 0xff9b, 1, .., high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// Cloud metadata services outside the link-local range: Alibaba, Oracle, Azure.
const METADATA: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];

/// Whether `address` is one of this machine's. The kernel gives a socket that is connected to an own address that very address
/// as its source. Nothing is sent, and no netlink is needed, which the units forbid.
fn is_own(address: IpAddr) -> bool {
    let unspecified = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let source = || {
        let socket = std::net::UdpSocket::bind((unspecified, 0))?;
        socket.connect((address, 9))?;
        socket.local_addr()
    };
    // No route there at all: then it is no address of ours.
    source().is_ok_and(|source| source.ip() == address)
}

fn refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let first = v4.octets()[0];
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || first == 0
                || METADATA.contains(&v4)
        }
        IpAddr::V6(v6) => {
            let link_local = v6.segments()[0] & 0xffc0 == 0xfe80;
            // AWS serves metadata on a unique local address too.
            let metadata = v6.segments()[..4] == [0xfd00, 0xec2, 0, 0];
            v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || link_local || metadata
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &NetworkPolicy, address: &str) -> bool {
        policy.permits(address.parse().expect("an address"))
    }

    #[test]
    fn loopback_and_metadata_are_refused_in_every_dress() {
        let policy = NetworkPolicy::default();
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "::1",
            "::",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::127.0.0.1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "fd00:ec2::254",
            "100.100.100.200",
            "224.0.0.1",
        ] {
            assert!(!permits(&policy, address), "{address}");
        }
    }

    #[test]
    fn ordinary_internal_and_public_addresses_are_fine() {
        for address in
            ["10.1.2.3", "192.168.1.1", "172.16.0.1", "203.0.113.5", "fd12::1", "2001:db8::1", "64:ff9b::8.8.8.8"]
        {
            assert!(permits(&NetworkPolicy::default(), address), "{address}");
        }
    }

    #[test]
    fn an_administrator_can_allow_a_network() {
        let policy = NetworkPolicy::new(&["127.0.0.0/8".into()]).expect("a policy");
        assert!(permits(&policy, "127.0.0.1"));
        assert!(permits(&policy, "::ffff:127.0.0.1"));
        assert!(!permits(&policy, "::1"));
    }

    #[test]
    fn a_list_leaves_nothing_outside_of_it_and_allows_nothing_that_is_refused() {
        let allowed = NetworkPolicy::new(&["127.0.0.0/8".into()]).expect("a policy");
        let policy = allowed.within(&["10.1.0.0/16".into(), "127.0.0.0/8".into(), "169.254.0.0/16".into()]);
        let policy = policy.expect("a policy");
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1"] {
            assert!(permits(&policy, address), "{address}");
        }
        for address in ["10.2.0.1", "203.0.113.5", "fd12::1", "169.254.169.254", "::1"] {
            assert!(!permits(&policy, address), "{address}");
        }
        assert!(!permits(&allowed.within(&[]).expect("a policy"), "10.1.2.3"));
        assert!(allowed.within(&["10.1.0.0".into()]).is_err());
    }

    #[test]
    fn this_machine_is_known_by_each_of_its_addresses() {
        assert!(is_own(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(!is_own("203.0.113.5".parse().expect("an address")));
        // The address that this machine would send from is its own.
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("bound");
        if socket.connect("203.0.113.5:9").is_ok() {
            let own = socket.local_addr().expect("an address").ip();
            assert!(is_own(own) && !NetworkPolicy::default().permits(own), "{own}");
        }
    }

    #[test]
    fn this_machine_can_be_allowed_without_its_metadata() {
        let policy = NetworkPolicy::default().and_loopback();
        assert!(permits(&policy, "127.0.0.1"));
        assert!(permits(&policy, "::1"));
        assert!(!permits(&policy, "169.254.169.254"));
    }
}
