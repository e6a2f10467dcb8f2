//! A server that listens on a loopback address and asks for no keys serves the programs of this machine.
//! A browser is one of them, and brings requests along that pages from anywhere have made: those are recognized
//! by their `Host` (a name that an attacker has led to this machine) and their `Origin` (a page that sends
//! without reading), and refused before anything of them is read.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, StatusCode};

use crate::http::problem::Problem;
use crate::service::options::{Cors, ServiceOptions};

/// Lets a request pass that no page from elsewhere can have made.
///
/// # Errors
/// Why it is refused.
pub(crate) fn check<B>(options: &ServiceOptions, request: &Request<B>) -> Result<(), Problem> {
    if !options.is_own_machine_only {
        return Ok(());
    }
    let named = match &options.cors {
        Cors::Origins(named) => named.as_slice(),
        Cors::Any | Cors::Off => &[],
    };
    let hosts = request.headers().get_all(HOST);
    // A request that names no host at all is none of a browser.
    let in_headers = hosts.iter().map(|host| host.to_str().ok());
    let in_uri = request.uri().authority().map(|host| Some(host.as_str()));
    if !in_headers
        .chain(in_uri)
        .all(|host| host.is_some_and(|host| is_local(host) || is_named(host, named)))
    {
        return Err(strange_host());
    }
    let mut hosts = hosts.iter().filter_map(|host| host.to_str().ok());
    let own = hosts.next().map(|host| format!("http://{host}"));
    let may_call = |origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| {
            own.as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(origin))
                || named.iter().any(|named| named == origin)
        })
    };
    let origins = request.headers().get_all(ORIGIN);
    if !origins.iter().all(may_call) {
        return Err(strange_origin());
    }
    Ok(())
}

/// Whether a host, with its port if it has one, is this machine by its very name: names that browsers and
/// the system's resolver never look up elsewhere.
fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host().to_ascii_lowercase();
    if let Some(address) = name.strip_prefix('[') {
        let address = address.trim_end_matches(']').parse();
        return address.is_ok_and(|address: Ipv6Addr| address.to_canonical().is_loopback());
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether a host is that of one of these origins, as a reverse proxy in front may hand it on.
fn is_named(host: &str, origins: &[String]) -> bool {
    let mut hosts = origins.iter().filter_map(|origin| origin.split_once("://"));
    hosts.any(|(_, named)| named.eq_ignore_ascii_case(host))
}

/// The refusal of a host.
fn strange_host() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "this server answers on this machine only, and the request names another host",
    )
    .hint("ask for `localhost` or `127.0.0.1`; behind a reverse proxy start the server with `--trust-proxy`, with keys, or with `--cors` and the origin of its pages")
}

/// The refusal of an origin.
fn strange_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "this server answers on this machine only, and a web page of another origin made the request",
    )
    .hint("name the origins whose pages may call with `--cors ORIGINS`, or start the server with keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::fake_engine::options;

    /// The status of the refusal of a request with these headers, if it is refused.
    fn refused(cors: &Cors, uri: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let options = ServiceOptions {
            is_own_machine_only: true,
            cors: cors.clone(),
            ..options()
        };
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let checked = check(&options, &request.body(()).unwrap());
        checked.err().map(|problem| problem.status().as_u16())
    }

    #[test]
    fn only_names_that_are_always_this_machine_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "lean.localhost:1",
            "127.0.0.1",
            "127.9.8.7:65535",
            "[::1]:8000",
            "[::1]",
            "[::ffff:127.0.0.1]:8000",
        ] {
            assert_eq!(refused(&Cors::Off, "/", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example:8000",
            "evil-localhost",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.0.7",
            "0.0.0.0",
            "[::]",
            "[fe80::1]",
            "a@localhost",
            "localhost@evil.example",
            "localhost, evil.example",
            "",
            " ",
        ] {
            let seen = refused(&Cors::Off, "/", &[("host", host)]);
            assert_eq!(seen, Some(421), "{host}");
        }
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(refused(&Cors::Off, "/", &two), Some(421));
        let whole = "http://evil.example/";
        let seen = refused(&Cors::Off, whole, &[("host", "localhost")]);
        assert_eq!(seen, Some(421));
        // As HTTP/1.0 is spoken by programs.
        assert_eq!(refused(&Cors::Off, "/", &[]), None);
    }

    #[test]
    fn pages_of_the_server_itself_and_of_named_origins_may_call_and_no_others() {
        let named = Cors::Origins(vec!["https://lean.example".to_owned()]);
        let from =
            |cors: &Cors, host, origin| refused(cors, "/", &[("host", host), ("origin", origin)]);
        let own = "http://127.0.0.1:8000";
        for cors in [&Cors::Off, &named] {
            assert_eq!(from(cors, "127.0.0.1:8000", own), None);
            assert_eq!(from(cors, "localhost", "http://localhost"), None);
            for foreign in [
                "https://evil.example",
                "http://127.0.0.1:3000",
                "http://localhost:8000",
                "https://127.0.0.1:8000",
                "https://lean.example.evil.example",
                "null",
                "",
            ] {
                let seen = from(cors, "127.0.0.1:8000", foreign);
                assert_eq!(seen, Some(403), "{foreign}");
            }
            // Without a host there is no origin of one's own.
            assert_eq!(refused(cors, "/", &[("origin", own)]), Some(403));
        }
        let origin = "https://lean.example";
        for (cors, expected) in [(&named, None), (&Cors::Off, Some(403))] {
            assert_eq!(from(cors, "127.0.0.1:8000", origin), expected);
        }
        // A proxy that hands on the name that it was asked by.
        assert_eq!(from(&named, "lean.example", origin), None);
        assert_eq!(from(&Cors::Off, "lean.example", origin), Some(421));
    }

    #[test]
    fn a_server_for_others_looks_at_neither() {
        let headers = [("host", "evil.example"), ("origin", "https://evil.example")];
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert!(check(&options(), &request.body(()).unwrap()).is_ok());
    }
}
