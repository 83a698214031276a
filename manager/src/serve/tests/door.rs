//! Who may come in, over real sockets.

use super::*;

#[test]
fn this_machine_may_look_and_only_a_token_orders() {
    let lab = lab(&[]);
    let order = r#"{"kind":"apply","by":"mallory@desk"}"#;
    let json = "Content-Type: application/json";
    assert_eq!(lab.status("GET /api/rack", &[], ""), 200);
    assert_eq!(lab.status("POST /api/operations", &[json], order), 401);
    assert_eq!(lab.status("POST /api/operations", &[json, "Authorization: Bearer nonsense"], order), 401);
    assert_eq!(blocking(lab.client().operations(10)).unwrap(), []);
}

const VIEWER: &str = "viewer-viewer-viewer-viewer";

#[test]
fn with_tokens_nothing_is_free_viewers_look_and_operators_order() {
    let lab = lab(&[(Grade::Viewer, VIEWER), (Grade::Operator, OPERATOR)]);
    let (viewer, operator) =
        (format!("Authorization: Bearer {VIEWER}"), format!("Authorization: Bearer {OPERATOR}"));
    for path in ["/api/rack", "/api/stream", "/api/operations", "/api/events", "/"] {
        assert_eq!(lab.status(&format!("GET {path}"), &[], ""), 401, "{path}");
    }
    assert_eq!(lab.status("GET /healthz", &[], ""), 200);
    assert!(lab.raw("GET /", &["Accept: text/html"], "").contains("location: /login"));
    assert_eq!(lab.status("GET /api/rack", &[&viewer], ""), 200);
    let order = r#"{"kind":"apply","by":"ada@desk"}"#;
    let json = "Content-Type: application/json";
    assert_eq!(lab.status("POST /api/operations", &[&viewer, json], order), 403);
    lab.job.0.add_permits(3);
    assert_eq!(lab.status("POST /api/operations", &[&operator, json], order), 202);
    // This user's own commands go on finding the way in.
    assert_eq!(blocking(lab.client().operations(10)).unwrap().len(), 1);
}

#[test]
fn a_browser_logs_in_and_its_cookie_orders_from_our_own_pages_alone() {
    let lab = lab(&[(Grade::Operator, OPERATOR)]);
    let origin = format!("Origin: http://{}", lab.address);
    assert_eq!(lab.status("POST /login", &[&origin], "token=wrong-wrong-wrong"), 401);
    let foreign = lab.status("POST /login", &["Origin: http://evil.example"], &format!("token={OPERATOR}"));
    assert_eq!(foreign, 403);
    let answer = lab.raw("POST /login", &[&origin], &format!("token={OPERATOR}"));
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    assert_eq!(lab.status("GET /api/rack", &[&cookie], ""), 200);
    let (order, json) = (r#"{"kind":"apply","by":"ada@desk"}"#, "Content-Type: application/json");
    assert_eq!(lab.status("POST /api/operations", &[&cookie, json], order), 403, "no origin");
    let evil = "Origin: http://evil.example";
    assert_eq!(lab.status("POST /api/operations", &[&cookie, json, evil], order), 403);
    lab.job.0.add_permits(3);
    assert_eq!(lab.status("POST /api/operations", &[&cookie, json, &origin], order), 202);
    let port = lab.address.port();
    let (named, other) = (format!("Host: rack.example:{port}"), format!("Host: other.example:{port}"));
    assert_eq!(lab.status("GET /api/rack", &[&cookie, &named], ""), 200);
    assert_eq!(lab.status("GET /api/rack", &[&cookie, &other], ""), 403);
}

#[test]
fn a_guesser_is_slowed_down_before_a_tenth_guess_and_locks_nobody_out() {
    let lab = lab(&[(Grade::Operator, OPERATOR)]);
    let guess = |n: u32| lab.status("GET /api/rack", &[&format!("Authorization: Bearer guess-{n}")], "");
    let answers: Vec<_> = (0..10).map(guess).collect();
    assert_eq!((answers[0], answers[9]), (401, 429));
    let right = format!("Authorization: Bearer {OPERATOR}");
    assert_eq!(lab.status("GET /api/rack", &[&right], ""), 200, "others of its address guess wrong");
    let origin = format!("Origin: http://{}", lab.address);
    assert_eq!(lab.status("POST /login", &[&origin], &format!("token={OPERATOR}")), 303);
    assert_eq!(lab.status("POST /login", &[&origin], "token=guess"), 429);
}

#[test]
fn other_machines_are_not_served_without_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        state: StateFolder::at(folder.path()),
        tokens: None,
        names: Vec::new(),
        look_every: Duration::from_secs(60),
    };
    let error = door(&options, "0.0.0.0:8088".parse().unwrap(), "own").unwrap_err();
    assert!(error.to_string().contains("--new-token operator"), "{error}");
    assert_eq!(door(&options, "[::1]:8088".parse().unwrap(), "own").unwrap().free, Free::Looking);
}

#[test]
fn no_token_helps_a_name_that_is_not_ours_or_a_page_of_others() {
    let lab = lab(&[(Grade::Operator, OPERATOR)]);
    let token = format!("Authorization: Bearer {OPERATOR}");
    let (order, json) = (r#"{"kind":"apply","by":"ada@desk"}"#, "Content-Type: application/json");
    let rebound = format!("Host: evil.example:{}", lab.address.port());
    for request in ["GET /api/rack", "GET /api/stream", "GET /", "POST /api/operations", "POST /login"] {
        assert_eq!(lab.status(request, &[&token, json, &rebound], order), 403, "{request}");
    }
    let foreign = ["Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1"];
    for path in ["/api/operations", "/api/operations/plan", "/login", "/logout"] {
        for origin in foreign {
            assert_eq!(
                lab.status(&format!("POST {path}"), &[&token, json, origin], order),
                403,
                "{path} {origin}"
            );
        }
    }
    assert_eq!(blocking(lab.client().operations(10)).unwrap(), []);
    // A program names no origin.
    lab.job.0.add_permits(3);
    assert_eq!(lab.status("POST /api/operations", &[&token, json], order), 202);
}

#[test]
fn a_stream_and_a_look_ahead_want_a_token_too() {
    let lab = lab(&[(Grade::Viewer, VIEWER)]);
    let viewer = format!("Authorization: Bearer {VIEWER}");
    let mut stream = TcpStream::connect(lab.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /api/stream HTTP/1.1\r\nHost: {}\r\n{viewer}\r\n\r\n", lab.address).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let order = r#"{"kind":"destroy","by":"ada@desk"}"#;
    let json = "Content-Type: application/json";
    assert_eq!(lab.status("POST /api/operations/plan", &[json], order), 401);
    assert_eq!(lab.status("POST /api/operations/plan", &[&viewer, json], order), 403, "it asks the boards");
}

#[test]
fn a_body_that_is_too_large_is_refused_and_orders_nothing() {
    let lab = lab(&[(Grade::Operator, OPERATOR)]);
    let token = format!("Authorization: Bearer {OPERATOR}");
    let origin = format!("Origin: http://{}", lab.address);
    assert_eq!(lab.status("POST /login", &[&origin], &"x".repeat(5000)), 413);
    let json = "Content-Type: application/json";
    let order = format!(r#"{{"kind":"apply","by":"{}"}}"#, "x".repeat(8 << 20));
    assert_eq!(lab.status("POST /api/operations", &[&token, json], &order), 400);
    assert_eq!(blocking(lab.client().operations(10)).unwrap(), []);
}
