//! Each fault shows on a real board, and goes with the verb that mends it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use pirack_lab::{Board, Lab, Outcome, SMALL_DISK};
use tokio::time::timeout;

use crate::program::{self, runtime, shell, within};

/// The one argument that makes this program say its clocks.
pub(crate) const CLOCKS: &str = "say-clocks";
const MOMENT: Duration = Duration::from_secs(1);

pub(crate) fn unplug(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let door = SocketAddr::from((board.address(), 22));
    TcpStream::connect_timeout(&door, MOMENT * 10).unwrap();
    for _ in 0..2 {
        board.unplug().unwrap();
    }
    assert!(TcpStream::connect_timeout(&door, MOMENT).is_err());
    assert_eq!(shell(board, "cat /sys/class/net/eth0/carrier"), "0\n");
    // The engine's own door is no part of the network.
    within(async { board.engine().unwrap().ping().await.unwrap() });
    for _ in 0..2 {
        board.plug().unwrap();
    }
    TcpStream::connect_timeout(&door, MOMENT * 10).unwrap();
    Ok(())
}

pub(crate) fn pause_engine(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let engine = board.engine().unwrap();
    board.pause_engine().unwrap();
    runtime().block_on(async { assert!(timeout(MOMENT, engine.ping()).await.is_err(), "an answer") });
    assert!(!board.engine_answers());
    board.resume_engine().unwrap();
    within(async { engine.ping().await.unwrap() });
    Ok(())
}

pub(crate) fn kill_engine(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    let engine = within(async {
        let engine = program::import(board).await;
        program::start(&engine, "survivor", "exec sleep 1234", None).await;
        engine
    });
    for _ in 0..2 {
        board.kill_engine().unwrap();
    }
    within(async { assert!(engine.ping().await.is_err(), "an answer") });
    assert_ne!(shell(board, "pgrep -fx 'sleep 1234'"), "");
    for _ in 0..2 {
        board.start_engine().unwrap();
    }
    within(async { program::remove(&board.engine().unwrap(), "survivor").await });
    assert_eq!(shell(board, "pgrep -fx 'sleep 1234' || true"), "");
    Ok(())
}

pub(crate) fn fill_disk(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let file = board.path(SMALL_DISK).join("record");
    fs::write(&file, "kept").unwrap();
    for _ in 0..2 {
        board.fill_disk().unwrap();
        let more = fs::write(board.path(SMALL_DISK).join("more"), [1; 8192]);
        assert_eq!(more.unwrap_err().kind(), ErrorKind::StorageFull);
    }
    for _ in 0..2 {
        board.free_disk().unwrap();
    }
    fs::write(board.path(SMALL_DISK).join("more"), [1; 8192]).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    Ok(())
}

/// Says, for every line that it is given: the time of day and the time since its own start, in seconds. What this
/// program is on the board; see `main`.
pub(crate) fn say_clocks() {
    let began = Instant::now();
    for line in io::stdin().lines() {
        line.unwrap();
        println!("{} {}", SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(), began.elapsed().as_secs());
    }
}

struct Clocks {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Clocks {
    fn ask(&mut self) -> [i64; 2] {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        let numbers: Vec<i64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    }
}

pub(crate) fn shift_time(lab: &Lab) -> Outcome {
    const SLACK: i64 = 30;
    let board = lab.board(1);
    fs::copy(std::env::current_exe().unwrap(), board.path("/usr/local/bin/clocks")).unwrap();
    let mut command = board.command_with_shifted_time("clocks").unwrap();
    let mut child = command.arg(CLOCKS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut clocks = Clocks { child, said };
    let before = clocks.ask();
    for shift in [3600, -56 * 365 * 86400, 0] {
        board.shift_time(shift).unwrap();
        let after = clocks.ask();
        let moved = after[0] - before[0] - shift;
        assert!((0..SLACK).contains(&moved), "{shift}: {before:?} {after:?}");
        assert!((0..SLACK).contains(&(after[1] - before[1])), "{shift}: {before:?} {after:?}");
    }
    for shift in [i64::MIN, -100 * 365 * 86400, 99_999_999_999_999_999] {
        let refused = board.shift_time(shift).unwrap_err().to_string();
        assert!(refused.contains(&format!("not {shift}")), "{refused}");
    }
    assert!((0..SLACK).contains(&(clocks.ask()[0] - before[0])));
    drop(clocks.child.stdin.take());
    assert!(clocks.child.wait().unwrap().success());
    Ok(())
}

const SENT: usize = 1_000_000;

pub(crate) fn slow_link(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let listener = TcpListener::bind("10.77.0.1:0").unwrap();
    let fast = (upload(board, &listener), download(board, &listener));
    board.slow_link(500_000).unwrap();
    let slow = (upload(board, &listener), download(board, &listener));
    for rate in [0, 999, 10_000_000_001, u64::MAX] {
        let refused = board.slow_link(rate).unwrap_err().to_string();
        assert!(
            refused.contains("from 1000 to 10000000000") && refused.contains(&rate.to_string()),
            "{refused}"
        );
    }
    for rate in [1_000, 10_000_000_000] {
        board.slow_link(rate).unwrap();
    }
    for _ in 0..2 {
        board.restore_link().unwrap();
    }
    let restored = (upload(board, &listener), download(board, &listener));
    // A million bytes take two seconds, less what the bucket lets through at once.
    let least = Duration::from_millis(1500);
    assert!(slow.0 > least && slow.1 > least, "{fast:?} {slow:?} {restored:?}");
    assert!(restored.0 < slow.0 && restored.1 < slow.1, "{fast:?} {slow:?} {restored:?}");
    Ok(())
}

fn connect(board: &Board, listener: &TcpListener, line: &str) -> (Child, TcpStream) {
    let port = listener.local_addr().unwrap().port();
    let line = line.replace("HUB", &format!("/dev/tcp/10.77.0.1/{port}"));
    let child = board.command("bash").args(["-c", &line]).spawn().unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(MOMENT * 30)).unwrap();
    (child, stream)
}

fn upload(board: &Board, listener: &TcpListener) -> Duration {
    let (mut child, mut stream) = connect(board, listener, &format!("head -c {SENT} /dev/zero >HUB"));
    let began = Instant::now();
    assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), SENT as u64);
    child.wait().unwrap();
    began.elapsed()
}

fn download(board: &Board, listener: &TcpListener) -> Duration {
    let line = format!("exec 3<>HUB; head -c {SENT} <&3 >/dev/null; echo >&3");
    let (mut child, mut stream) = connect(board, listener, &line);
    let began = Instant::now();
    stream.write_all(&vec![0; SENT]).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    let took = began.elapsed();
    child.wait().unwrap();
    took
}
