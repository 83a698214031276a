//! Clients that take their time: who only keeps a place is cut, and who asks for something slow is not.

use std::io::ErrorKind;

use super::*;

/// How long a request's head may take here.
const ASKING: Duration = Duration::from_millis(200);
/// A byte so often: nobody is still for long.
const PACE: Duration = Duration::from_millis(20);
/// Shorter than the bound of a connection on which nothing moves.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends these bytes again and again for so long, and returns whether it was cut before.
fn trickle(stream: &mut TcpStream, bytes: &[u8], lasts: Duration) -> bool {
    stream.set_read_timeout(Some(PACE)).unwrap();
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        let sent = stream.write_all(bytes);
        let got = stream.read(&mut [0; 64]);
        let waits = |error: &io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        if sent.is_err() || !got.as_ref().is_err_and(waits) {
            return true;
        }
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    false
}

#[test]
fn one_whose_head_never_ends_is_cut_however_it_trickles() {
    let lab = lab_where_asking_takes(ASKING);
    let mut stream = lab.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").unwrap();
    assert!(trickle(&mut stream, b"a", PATIENCE));
    // One that says nothing at all is no better.
    assert_eq!(lab.connect().read(&mut [0; 64]).unwrap(), 0);
}

#[test]
fn one_that_asks_no_second_time_is_cut_after_its_answer() {
    let lab = lab_where_asking_takes(ASKING);
    let mut stream = lab.connect();
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", lab.address).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[test]
fn the_one_body_that_is_read_without_a_token_has_to_come_too() {
    let lab = lab_where_asking_takes(ASKING);
    let mut stream = lab.connect();
    let head = format!("POST /login HTTP/1.1\r\nHost: {}\r\nContent-Length: 4000\r\n\r\n", lab.address);
    stream.write_all(head.as_bytes()).unwrap();
    assert!(trickle(&mut stream, b"a", PATIENCE));
}

#[test]
fn a_body_that_is_long_in_coming_and_a_stream_go_on() {
    let lab = lab_where_asking_takes(ASKING);
    let body = r#"{"seconds":20}"#;
    let mut stream = lab.connect();
    let head = format!(
        "POST /api/broker/stop HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        lab.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert!(!trickle(&mut stream, b"1\r\n \r\n", 3 * ASKING));
    write!(stream, "{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");

    let mut stream = lab.connect();
    write!(stream, "GET /api/stream HTTP/1.1\r\nHost: {}\r\n\r\n", lab.address).unwrap();
    let beats = BufReader::new(stream).lines().map_while(Result::ok).filter(|line| line == "event: rack");
    // The rack is told once a second: three times take longer than a head may.
    assert_eq!(beats.take(3).count(), 3);
}
