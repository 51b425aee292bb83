//! Where a port on the network is: `host:port`, read from what people write, and the same for what means the same.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest name of a host, in characters (RFC 1035).
const HOST_LEN_MAX: usize = 253;

/// The host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing in front of the port.
    #[error("it names no host")]
    NoHost,
    /// Nothing behind the host.
    #[error("it names no port number")]
    NoPort,
    /// No number, or one that is none of TCP's.
    #[error("its port is no number from 1 to 65535")]
    Port,
    /// More colons than one, and no brackets.
    #[error("an IPv6 address stands in brackets, as `[2001:db8::9]:4001`")]
    Brackets,
    /// Neither a name nor an IP address.
    #[error("its host is neither a name nor an IP address")]
    Host,
}

impl Address {
    /// Reads `host:port`; an IPv6 address stands in brackets. Names are kept in lower case.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or(AddressError::Brackets)?;
            let address = host.split_once('%').map_or(host, |(address, _zone)| address);
            address.parse::<Ipv6Addr>().map_err(|_| AddressError::Host)?;
            (host, rest.strip_prefix(':').ok_or(AddressError::NoPort)?)
        } else {
            let (host, port) = text.split_once(':').ok_or(AddressError::NoPort)?;
            if port.contains(':') {
                return Err(AddressError::Brackets);
            }
            (host, port)
        };
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        if port.is_empty() {
            return Err(AddressError::NoPort);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.len() > HOST_LEN_MAX || !host.chars().all(is_name) {
            return Err(AddressError::Host);
        }
        // `parse` alone would take `+4001`.
        let number = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
        let port = number.filter(|&port| port > 0).ok_or(AddressError::Port)?;
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port's number.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The same text for addresses that are the same as far as can be told without asking anybody: IP addresses in
    /// one spelling, names without their last dot, `localhost` as what it is.
    pub fn key(&self) -> String {
        let name = self.host.trim_end_matches('.');
        let name = if name == "localhost" { "127.0.0.1" } else { name };
        let host = match name.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => "127.0.0.1".to_owned(),
            Ok(address) => address.to_canonical().to_string(),
            Err(_) => name.to_owned(),
        };
        format!("{host} port {}", self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in
            ["10.0.0.9:4001", "dial1.example.net:1", "[2001:db8::9]:65535", "[fe80::1%eth0]:23", "a_b-c:7"]
        {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Address::parse("Dial1:04001").unwrap().to_string(), "dial1:4001");
    }

    #[test]
    fn what_is_none_is_told_why() {
        for (text, error) in [
            ("", AddressError::NoPort),
            ("host", AddressError::NoPort),
            ("host:", AddressError::NoPort),
            (":4001", AddressError::NoHost),
            ("[::1]", AddressError::NoPort),
            ("[::1]:", AddressError::NoPort),
            ("[::1", AddressError::Brackets),
            ("::1:4001", AddressError::Brackets),
            ("[10.0.0.9]:1", AddressError::Host),
            ("ho st:1", AddressError::Host),
            ("user@host:1", AddressError::Host),
            ("host:0", AddressError::Port),
            ("host:65536", AddressError::Port),
            ("host:+1", AddressError::Port),
            ("host:4001/x", AddressError::Port),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_means_the_same_has_one_key() {
        let key = |text: &str| Address::parse(text).unwrap().key();
        for (one, other) in [
            ("LOCALHOST:4001", "127.0.0.1:4001"),
            ("[::1]:4001", "localhost:04001"),
            ("dial1.:7", "Dial1:7"),
            ("[2001:DB8:0:0::9]:7", "[2001:db8::9]:7"),
            ("[::ffff:10.0.0.9]:7", "10.0.0.9:7"),
        ] {
            assert_eq!(key(one), key(other));
        }
        assert_ne!(key("dial1:7"), key("dial1:8"));
        assert_ne!(key("dial1:7"), key("dial2:7"));
    }
}
