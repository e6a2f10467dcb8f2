//! The address of a client behind a proxy. Never decides who may ask.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue};

/// The header to which each proxy adds the address that it was asked by, at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that the proxy before us was asked by: the last one, since what stands before it came
/// from the client and may be anything. None if the header is not there or its end is no address.
pub(crate) fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back();
    let list = last.map(HeaderValue::to_str)?.ok()?;
    let word = list.rsplit(',').next()?.trim();
    let bare = word.trim_start_matches('[').trim_end_matches(']');
    let with_port = || Some(word.parse::<SocketAddr>().ok()?.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_proxy_itself_has_added_counts() {
        let forwarded = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
            }
            forwarded(&headers).map(|address| address.to_string())
        };
        for (values, expected) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["10.9.9.9, 192.0.2.7"], Some("192.0.2.7")),
            (&["10.9.9.9", "192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7:4711"], Some("192.0.2.7")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["10.9.9.9, unknown"], None),
            (&["10.9.9.9,"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(forwarded(values).as_deref(), expected, "{values:?}");
        }
    }
}
