//! Which addresses a resource may lead to.
//!
//! Loopback, link-local and this machine's own addresses are refused: its own services (the appliance's databases among them)
//! and cloud metadata live there. Private networks are what internal tools are for, and allowed. The address is checked after the name is resolved, and the checked address is the one that is connected to, so a name that resolves to
//! something else a moment later gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The built-in policy and what an administrator allows besides.
#[derive(Clone, Debug, Default)]
pub struct NetworkPolicy {
    allowed: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl NetworkPolicy {
    /// A policy that also allows these networks (`10.0.0.0/8`). An error says which is no network.
    pub fn new(allowed: &[String]) -> Result<Self, String> {
        let allowed = allowed
            .iter()
            .map(|text| Network::parse(text).ok_or_else(|| format!("`{text}` is not a network such as 10.0.0.0/8")));
        Ok(Self { allowed: allowed.collect::<Result<_, _>>()? })
    }

    /// Whether a resource may use `address`; the built-in tables database may be on this machine.
    pub(crate) fn permits(&self, address: IpAddr, built_in: bool) -> bool {
        let address = canonical(address);
        (built_in && address.is_loopback())
            || !(refused(address) || is_own(address))
            || self.allowed.iter().any(|network| network.contains(address))
    }

    /// The first permitted address of `host`, or why there is none.
    pub(crate) async fn resolve(&self, host: &str, port: u16, built_in: bool) -> Result<SocketAddr, ResolveError> {
        let found = tokio::net::lookup_host((host, port)).await.map_err(|_| ResolveError::Lookup)?;
        let mut any = false;
        for address in found {
            any = true;
            if self.permits(address.ip(), built_in) {
                return Ok(address);
            }
        }
        Err(if any { ResolveError::Refused } else { ResolveError::Nothing })
    }
}

/// Why a host has no address to connect to.
#[derive(Debug)]
pub(crate) enum ResolveError {
    /// The name service failed.
    Lookup,
    /// The name has no address.
    Nothing,
    /// All its addresses are refused by the policy.
    Refused,
}

impl Network {
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
        [0, 0, 0, 0, 0, 0, high, low] if v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED => {
            embedded(high, low)
        }
        // NAT64 prefixes that a site chooses for itself (RFC 8215).
        [0x64, 0xff9b, 1, .., high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// Cloud metadata services outside the link-local range: Alibaba, Oracle, Azure.
const METADATA: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];

/// Whether `address` is one of this machine's: only those can be bound.
fn is_own(address: IpAddr) -> bool {
    std::net::UdpSocket::bind((address, 0)).is_ok()
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
        policy.permits(address.parse().expect("an address"), false)
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
            "100.100.100.200",
            "2002:7f00:1::",
            "::127.0.0.1",
            "fd00:ec2::254",
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
    fn only_the_built_in_database_may_be_on_loopback() {
        assert!(NetworkPolicy::default().permits("127.0.0.1".parse().expect("an address"), true));
        assert!(!NetworkPolicy::default().permits("169.254.169.254".parse().expect("an address"), true));
    }
}
