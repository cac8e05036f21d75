//! Hosts in rules: names, addresses in all their spellings, ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host and the port behind it. Numbers of IPv6 with a port stand in brackets.
pub(super) fn host_and_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

/// A host as it is compared.
pub(super) fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The address that a host is in numbers, in any spelling that the system takes: `127.1`, `0x7f000001`, `2130706433`,
/// `::ffff:127.0.0.1`.
fn address(host: &str) -> Option<IpAddr> {
    let unscoped = host.split_once('%').map_or(host, |(address, _)| address);
    if let Ok(address) = unscoped.parse::<Ipv6Addr>() {
        return Some(IpAddr::V6(address).to_canonical());
    }
    // Every part but the last is one byte, and the last one fills what is left.
    let (mut bits, mut free) = (0, 32);
    let mut parts = host.split('.').peekable();
    while let Some(part) = parts.next() {
        let value = number(part)?;
        let width = if parts.peek().is_some() { 8 } else { free };
        if width > free || width == 0 || value >> width != 0 {
            return None;
        }
        free -= width;
        bits |= value << free;
    }
    u32::try_from(bits)
        .ok()
        .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
}

/// A part of an address: decimal, `0x` hexadecimal, `0` octal.
fn number(text: &str) -> Option<u64> {
    let (digits, base) = match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, base)
        .ok()
        .filter(|value| is_number && u32::try_from(*value).is_ok())
}

/// Whether a host is this machine, for who connects to it or listens at it.
fn is_this_machine(name: &str, address: Option<IpAddr>) -> bool {
    match address {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Whether a rule covers a host. What denies one name of this machine denies all of them.
pub(super) fn is_host(
    target: &str,
    name: &str,
    below: bool,
    port: Option<u16>,
    allows: bool,
) -> bool {
    let (host, target_port) = host_and_port(target);
    let host = plain(host);
    let is_name = if below {
        host.strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'))
    } else {
        let (reached, named) = (address(&host), address(name));
        host == name
            || reached.is_some() && reached == named
            || !allows && is_this_machine(&host, reached) && is_this_machine(name, named)
    };
    is_name && port.is_none_or(|port| target_port.is_some_and(|target| target.parse() == Ok(port)))
}
