//! The check at the door.
//!
//! Two checks, one after the other, for every request.
//!
//! The first is about other people's web pages. One can reach this interface through a visitor's browser in two
//! ways, and both are shut: by a name that it makes resolve to our address (the `Host` is then that name), and by a
//! form or script that posts across origins (the browser then says its `Origin`).
//!
//! The second is about people: what is not free (see [`Free`]) wants a token, as `Authorization: Bearer TOKEN` or in
//! the cookie that the login page sets. A request by cookie that changes something must name its origin, as every
//! browser does. Wrong tokens are slowed down by address; a right one is always let in, for behind a proxy all people
//! have one address, and none of them is to lock the others out.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, COOKIE as COOKIES, HOST, LOCATION, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::door::Free;
use super::error::ApiError;
use super::tokens::Grade;

/// The cookie that holds a token.
pub(super) const COOKIE: &str = "pirack_token";

/// Lets a request through, or answers 403 with the reason.
pub(super) async fn check(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match decide(&shared, &request) {
        Ok(()) => next.run(request).await,
        Err(ApiError::Unauthorized(_)) if is_page(&request) => {
            (StatusCode::SEE_OTHER, [(LOCATION, "/login")]).into_response()
        }
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn decide(shared: &Shared, request: &Request) -> Result<(), ApiError> {
    let (method, headers) = (request.method(), request.headers());
    admit(method, headers, shared.served, &shared.api.door.names).map_err(ApiError::Forbidden)?;
    let free = match shared.api.door.free {
        Free::Everything => true,
        Free::Looking => method.is_safe(),
        Free::Nothing => false,
    };
    if free || is_public(request.uri().path()) {
        return Ok(());
    }
    let Some((token, by_cookie)) = presented(headers) else {
        let want = if method.is_safe() { "a token" } else { "an operator's token" };
        return Err(ApiError::Unauthorized(format!("this wants {want}: send Authorization: Bearer TOKEN")));
    };
    if by_cookie && !method.is_safe() && !headers.contains_key(ORIGIN) {
        return Err(ApiError::Forbidden(
            "a request by cookie that changes something must name its origin".into(),
        ));
    }
    let from = peer(request.extensions().get());
    match grade(shared, from, token) {
        Ok(Some(Grade::Operator)) => Ok(()),
        Ok(Some(Grade::Viewer)) if method.is_safe() => Ok(()),
        Ok(Some(Grade::Viewer)) => Err(ApiError::Forbidden(
            "a viewer's token opens what is to be seen; this wants an operator's".into(),
        )),
        Ok(None) => Err(ApiError::Unauthorized("this is no token of this rack".into())),
        Err(wait) => Err(ApiError::Throttled(wait)),
    }
}

/// What whoever has this token may do; an address that was wrong too often has to wait with its next guess.
pub(super) fn grade(shared: &Shared, from: IpAddr, token: &str) -> Result<Option<Grade>, Duration> {
    let grade = shared.api.door.tokens.grade(token);
    if grade.is_none() {
        let mut throttle = shared.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        throttle.admits(from, now)?;
        throttle.wrong(from, now);
    }
    Ok(grade)
}

/// The token that a request has, and whether a browser sent it by itself.
fn presented(headers: &HeaderMap) -> Option<(&str, bool)> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some((token.trim(), false));
    }
    let cookies = headers.get_all(COOKIES).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| (token, true))
}

/// What the login page is made of, and what tells a watchdog that the program lives.
fn is_public(path: &str) -> bool {
    matches!(path, "/login" | "/logout" | "/healthz" | "/favicon.svg") || path.starts_with("/assets/")
}

/// Whether a person asks with a browser, who can be shown the login page.
fn is_page(request: &Request) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && request.uri().path() == "/" && accepts.contains("text/html")
}

/// Whoever asks.
pub(super) struct Peer(pub(super) IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(peer(parts.extensions.get())))
    }
}

fn peer(info: Option<&ConnectInfo<SocketAddr>>) -> IpAddr {
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

/// Decides on a request by its method, its headers, the address served and the names it has.
fn admit(method: &Method, headers: &HeaderMap, served: SocketAddr, names: &[String]) -> Result<(), String> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(HOST).unwrap_or_default();
    let named = is_named(host, served, names);
    if headers.get_all(HOST).iter().count() != 1 || !(named || names_us(host, served)) {
        let open = if served.ip().is_unspecified() {
            format!("open an address of this board's instead, http://ADDRESS:{}/", served.port())
        } else {
            format!("open http://{served}/ instead")
        };
        return Err(format!(
            "the request is for host \"{host}\"; {open}, or have the rack served by that name: --name"
        ));
    }
    if method.is_safe() {
        return Ok(());
    }
    // A name may stand before a proxy that speaks TLS; our own addresses never do.
    let ours = |origin: &str| {
        let secure = origin.strip_prefix("https://").filter(|_| named);
        origin.strip_prefix("http://").or(secure) == Some(host)
    };
    match text(ORIGIN) {
        None => Ok(()),
        Some(origin) if ours(origin) => Ok(()),
        Some(origin) => Err(format!("a page of {origin} may not move this rack's levers")),
    }
}

/// Whether a `Host` is one of the names given: with our port, or just as it was given.
fn is_named(host: &str, served: SocketAddr, names: &[String]) -> bool {
    let with_port = |name: &str| format!("{name}:{}", served.port());
    names.iter().any(|name| host.eq_ignore_ascii_case(name) || host.eq_ignore_ascii_case(&with_port(name)))
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
        admit(method, &headers, "127.0.0.1:8088".parse().unwrap(), &[]).is_ok()
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
        assert!(admit(&Method::GET, &HeaderMap::new(), served, &[]).is_err());
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("127.0.0.1:8088"));
        headers.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(admit(&Method::GET, &headers, served, &[]).is_err());
    }

    #[test]
    fn a_name_that_was_given_will_do_and_its_pages_may_touch_also_through_tls() {
        let served = "0.0.0.0:8088".parse().unwrap();
        let names = ["rack.local".to_owned(), "rack.example:443".to_owned()];
        let decide = |host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            admit(&Method::POST, &headers, served, &names).is_ok()
        };
        assert!(decide("rack.local:8088", "http://rack.local:8088"));
        assert!(decide("rack.example:443", "https://rack.example:443"));
        for (host, origin) in [
            ("rack.local:9090", "http://rack.local:9090"),
            ("rack.local:8088", "http://evil.example"),
            ("evil.example:8088", "http://evil.example:8088"),
            ("10.0.0.5:8088", "https://10.0.0.5:8088"),
        ] {
            assert!(!decide(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn a_token_comes_in_the_header_or_in_our_cookie() {
        let headers =
            |name, value: &str| -> HeaderMap { [(name, value.parse().unwrap())].into_iter().collect() };
        assert_eq!(presented(&headers(AUTHORIZATION, "Bearer abc")), Some(("abc", false)));
        assert_eq!(presented(&headers(AUTHORIZATION, "Basic abc")), None);
        assert_eq!(presented(&headers(COOKIES, "a=b; pirack_token=abc; c=d")), Some(("abc", true)));
        assert_eq!(presented(&headers(COOKIES, "my_pirack_token=abc")), None);
        assert_eq!(presented(&HeaderMap::new()), None);
    }

    #[test]
    fn served_on_a_network_any_address_will_do_and_still_no_name() {
        let served = "0.0.0.0:8088".parse().unwrap();
        assert!(names_us("192.168.1.5:8088", served));
        assert!(names_us("[fe80::1]:8088", served));
        assert!(!names_us("rack.local:8088", served));
        let headers = [(HOST, HeaderValue::from_static("rack.local:8088"))].into_iter().collect();
        let refused = admit(&Method::GET, &headers, served, &[]).unwrap_err();
        assert!(!refused.contains("0.0.0.0") && refused.contains("http://ADDRESS:8088/"), "{refused}");
    }
}
