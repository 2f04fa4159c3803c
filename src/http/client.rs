//! Who asks: the peer of the connection, or whom a trusted proxy names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;

/// The proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    trusted: Arc<[IpAddr]>,
}

impl Proxies {
    pub(super) fn new(trusted: &[IpAddr]) -> Self {
        Self { trusted: trusted.iter().map(IpAddr::to_canonical).collect() }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.contains(&address.to_canonical())
    }

    /// The address of who asks. Proxies add to the end of `X-Forwarded-For`, so it is the last one there that is no
    /// proxy of ours: what stands before it the client itself may have written.
    pub(super) fn client(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let peer = peer?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut last = peer;
        for address in named.iter().rev() {
            let Ok(address) = address.parse::<IpAddr>() else { break };
            last = address;
            if !self.trusts(address) {
                break;
            }
        }
        Some(last)
    }

    /// Whether a trusted proxy says that it was asked over TLS.
    pub(super) fn is_over_tls(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
        let scheme = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        peer.is_some_and(|peer| self.trusts(peer)) && scheme == Some("https")
    }
}

/// The other end of the connection.
pub(super) fn peer(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(address)| address.ip())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn client(trusted: &[&str], forwarded: &[&str], peer: &str) -> String {
        let trusted: Vec<IpAddr> = trusted.iter().map(|address| address.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        Proxies::new(&trusted).client(&headers, Some(peer.parse().unwrap())).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_can_say_who_asks() {
        assert_eq!(client(&[], &["203.0.113.9"], "192.0.2.1"), "192.0.2.1");
        assert_eq!(client(&["192.0.2.7"], &["203.0.113.9"], "192.0.2.1"), "192.0.2.1");
        assert_eq!(client(&["192.0.2.1"], &["203.0.113.9"], "192.0.2.1"), "203.0.113.9");
        assert_eq!(client(&["192.0.2.1"], &["203.0.113.9"], "::ffff:192.0.2.1"), "203.0.113.9");
    }

    #[test]
    fn what_the_client_wrote_itself_stands_before_what_the_proxy_added() {
        let trusted = ["192.0.2.1", "192.0.2.2"];
        assert_eq!(client(&trusted, &["10.0.0.1, 203.0.113.9"], "192.0.2.1"), "203.0.113.9");
        assert_eq!(client(&trusted, &["10.0.0.1", "203.0.113.9, 192.0.2.2"], "192.0.2.1"), "203.0.113.9");
        assert_eq!(client(&trusted, &["10.0.0.1, nonsense"], "192.0.2.1"), "192.0.2.1");
        assert_eq!(client(&trusted, &[], "192.0.2.1"), "192.0.2.1");
    }
}
