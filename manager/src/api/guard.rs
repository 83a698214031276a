//! The check at the door.
//!
//! The manager has no passwords: whoever can reach its address may use it. A web page elsewhere can
//! reach 127.0.0.1 through a visitor's browser in two ways, and both are shut here: by a name that it
//! makes resolve to 127.0.0.1 (the `Host` is then that name), and by a form or script that posts across
//! origins (the browser then says its `Origin`).

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::error::ApiError;

/// Lets a request through, or answers 403 with the reason.
pub(super) async fn check(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match admit(request.method(), request.headers(), shared.served) {
        Ok(()) => next.run(request).await,
        Err(reason) => ApiError::Forbidden(reason).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Decides on a request by its method, its headers and the address served.
fn admit(method: &Method, headers: &HeaderMap, served: SocketAddr) -> Result<(), String> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(HOST).unwrap_or_default();
    if headers.get_all(HOST).iter().count() != 1 || !names_us(host, served) {
        return Err(format!("the request is for host \"{host}\"; open http://{served}/ instead"));
    }
    if method.is_safe() {
        return Ok(());
    }
    match text(ORIGIN) {
        None => Ok(()),
        Some(origin) if origin.strip_prefix("http://").is_some_and(|ours| ours == host) => Ok(()),
        Some(origin) => Err(format!("a page of {origin} may not move this rack's levers")),
    }
}

/// Whether a `Host` is an address that leads here and that no name server can forge.
fn names_us(host: &str, served: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if host.contains('@') || authority.port_u16().unwrap_or(80) != served.port() {
        return false;
    }
    let name = authority.host();
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || !served.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(method: &Method, host: &'static str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        admit(method, &headers, "127.0.0.1:8088".parse().unwrap()).is_ok()
    }

    #[test]
    fn only_the_address_served_is_a_host_for_reading_and_for_writing() {
        for method in [Method::GET, Method::POST] {
            for good in ["127.0.0.1:8088", "localhost:8088", "LOCALHOST:8088", "[::1]:8088"] {
                assert!(decide(&method, good, None), "{good}");
            }
            for bad in [
                "evil.example:8088",
                "127.0.0.1.evil.example:8088",
                "127.0.0.1:9090",
                "127.0.0.1",
                "x@127.0.0.1:8088",
                "192.168.1.5:8088",
                "",
            ] {
                assert!(!decide(&method, bad, None), "{bad}");
            }
        }
    }

    #[test]
    fn a_page_of_another_origin_may_look_and_not_touch() {
        let host = "127.0.0.1:8088";
        for origin in ["http://evil.example", "https://127.0.0.1:8088", "http://127.0.0.1:9090", "null"] {
            assert!(!decide(&Method::POST, host, Some(origin)), "{origin}");
            assert!(decide(&Method::GET, host, Some(origin)), "{origin}");
        }
        assert!(decide(&Method::POST, host, Some("http://127.0.0.1:8088")));
        assert!(!decide(&Method::POST, host, Some("http://localhost:8088")), "localhost is another origin");
    }

    #[test]
    fn a_request_without_a_host_or_with_two_is_refused() {
        let served = "127.0.0.1:8088".parse().unwrap();
        assert!(admit(&Method::GET, &HeaderMap::new(), served).is_err());
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("127.0.0.1:8088"));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(admit(&Method::GET, &headers, served).is_err());
    }

    #[test]
    fn served_on_a_network_any_address_will_do_and_still_no_name() {
        let served = "0.0.0.0:8088".parse().unwrap();
        assert!(names_us("192.168.1.5:8088", served));
        assert!(names_us("[fe80::1]:8088", served));
        assert!(!names_us("rack.local:8088", served));
    }
}
