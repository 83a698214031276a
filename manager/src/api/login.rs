//! The page on which a browser is given its token, as a cookie that no script can read and no other site sends.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::Shared;
use super::guard::{self, COOKIE};

const PAGE: &str = include_str!("login.html");
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";
/// A month.
const AGE_SECONDS: u32 = 30 * 86_400;

/// `GET /login`.
pub(super) async fn page() -> Response {
    said(StatusCode::OK, "")
}

/// `POST /login`: the form's one field. The guard has looked at origin and host. It is the one body that is read
/// without a token, and so must come as soon as a head.
pub(super) async fn enter(State(shared): State<Shared>, from: guard::Peer, request: Request) -> Response {
    let body = match timeout(shared.asking, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return rejection.into_response(),
        Err(_) => return said(StatusCode::REQUEST_TIMEOUT, "The token was too long in coming."),
    };
    // A token has no letter that a form would write in another way.
    let form = std::str::from_utf8(&body).unwrap_or_default();
    let token = form.strip_prefix("token=").unwrap_or_default().trim();
    match guard::grade(&shared, from.0, token) {
        Ok(Some(_)) => {
            let cookie =
                format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={AGE_SECONDS}");
            (StatusCode::SEE_OTHER, [(LOCATION, "/"), (SET_COOKIE, cookie.as_str())]).into_response()
        }
        Ok(None) => said(StatusCode::UNAUTHORIZED, "This is no token of this rack."),
        Err(wait) => {
            let words = format!("Too many wrong tokens: wait {} s.", wait.as_secs() + 1);
            said(StatusCode::TOO_MANY_REQUESTS, &words)
        }
    }
}

/// `POST /logout`: has the browser forget its token.
pub(super) async fn leave() -> Response {
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::SEE_OTHER, [(LOCATION, "/login"), (SET_COOKIE, cookie.as_str())]).into_response()
}

fn said(status: StatusCode, words: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, axum::http::HeaderValue::from_static(POLICY));
    (status, headers, PAGE.replace("SAID", words)).into_response()
}
