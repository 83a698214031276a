//! The dashboard: the bundle that `make web` builds, served out of the binary.
//!
//! Invariant: a page asks nothing of any other host, and runs no script but the bundle's own. The
//! content security policy holds the browser to it.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

mod bundle {
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
}

const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The dashboard's pages: `/`, `/favicon.svg` and `/assets/NAME`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route("/favicon.svg", get(|| async { file("favicon.svg") }))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { file(&name) }))
}

fn file(name: &str) -> Response {
    let found = bundle::BUNDLE.iter().find(|(known, _)| *known == name);
    let Some((name, bytes)) = found else {
        return (StatusCode::NOT_FOUND, "the dashboard has no such file\n").into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(name))),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Names stay the same from one version to the next, so the browser has to ask.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, *bytes).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_whole_and_each_file_has_its_type_and_the_policy() {
        for (name, kind) in [
            ("index.html", "text/html; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.css", "text/css; charset=utf-8"),
            ("favicon.svg", "image/svg+xml"),
        ] {
            let answer = file(name);
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            assert_eq!(answer.headers()[CONTENT_TYPE], kind);
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'self'"));
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn only_the_bundles_own_files_are_served() {
        for name in ["", "../Cargo.toml", "index.html/", "nope.js"] {
            assert_eq!(file(name).status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
}
