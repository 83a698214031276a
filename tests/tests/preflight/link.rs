//! The way to a board.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pirack::bootstrap::link::{Doors, LinkError, Root, Script};
use pirack_lab::{Lab, Outcome};
use pirack_tests::wait::until;

use crate::boards::{board, door, on, said};

fn doors() -> Doors {
    Doors::of(Path::new("/nowhere/rack.toml"))
}

pub(crate) fn reached(lab: &Lab) -> Outcome {
    on(async {
        let doors = doors();
        for of in lab.boards() {
            for (user, root) in [("root", Root::Own), ("pi", Root::Sudo)] {
                let link = doors.open(&board(of, user)).await.unwrap();
                assert_eq!(link.root().await, root);
                let script =
                    Script::new("asking who we are", "uname -n; id -un; echo \"$1\"; cat").with("it's");
                let ran = link.ask(&script.clone().reading("input")).await.unwrap();
                assert_eq!(ran.text(), format!("{}\nroot\nit's\ninput", of.name()));
                assert!(link.ask(&script.as_user()).await.unwrap().text().contains(&format!("\n{user}\n")));
                let ran = link.run(&Script::new("failing", "echo no >&2; exit 127")).await.unwrap();
                assert_eq!((ran.status, ran.stderr.as_str()), (127, "no"));
            }
        }
    });
    Ok(())
}

pub(crate) fn bounded(lab: &Lab) -> Outcome {
    on(async {
        let link = doors().open(&board(lab.board(1), "pi")).await.unwrap();
        let late = Script::new("waiting", "exec sleep 4321").within(Duration::from_secs(1));
        let error = link.run(&late).await.unwrap_err();
        assert!(matches!(error, LinkError::Late { .. }), "{error}");
        let ps = said(lab.board(1), "ps", &["-eo", "args"]);
        assert!(!ps.contains("sleep 4321"), "{ps}");
        let error = link.run(&Script::new("babbling", "yes").printing(1000)).await.unwrap_err();
        assert!(matches!(error, LinkError::TooMuch { most: 1000, .. }), "{error}");
        let many = (0..40).map(|n| {
            let link = &link;
            async move { link.ask(&Script::new("counting", format!("sleep 0.05; echo {n}"))).await.unwrap() }
        });
        for (n, ran) in futures_util::future::join_all(many).await.into_iter().enumerate() {
            assert_eq!(ran.text(), format!("{n}\n"));
        }
    });
    Ok(())
}

pub(crate) fn files(lab: &Lab) -> Outcome {
    on(async {
        let of = lab.board(1);
        let link = doors().open(&board(of, "pi")).await.unwrap();
        assert_eq!(link.get("/etc/pirack/deep/file").await.unwrap(), None);
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        link.put("/etc/pirack/deep/file", 0o640, &bytes).await.unwrap();
        assert_eq!(link.get("/etc/pirack/deep/file").await.unwrap().unwrap(), bytes);
        let meta = std::fs::metadata(of.path("/etc/pirack/deep/file")).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid()), (0o640, 0));
        link.put("/etc/pirack/deep/file", 0o600, b"").await.unwrap();
        assert_eq!(link.get("/etc/pirack/deep/file").await.unwrap().unwrap(), b"");
        // No room for all of it: the old one stands, and nothing is left beside it.
        link.put("/srv/small/kept", 0o644, b"old").await.unwrap();
        of.fill_disk().unwrap();
        let error = link.put("/srv/small/kept", 0o644, &bytes).await.unwrap_err().to_string();
        of.free_disk().unwrap();
        assert!(error.contains("writing /srv/small/kept") && error.contains("No space left"), "{error}");
        assert_eq!(link.get("/srv/small/kept").await.unwrap().unwrap(), b"old");
        assert!(!said(of, "ls", &["-A", "/srv/small"]).contains(".pirack"));
    });
    Ok(())
}

pub(crate) fn unknown_key(lab: &Lab) -> Outcome {
    let of = lab.board(1);
    let mut stranger = board(of, "pi");
    door(&mut stranger).known_hosts = Some("/dev/null".into());
    let error = on(doors().open(&stranger)).unwrap_err();
    let own = said(of, "ssh-keygen", &["-lf", "/etc/ssh/ssh_host_ed25519_key"]);
    let own = own.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap();
    let letter = error.to_string();
    assert!(matches!(error, LinkError::UnknownKey { .. }), "{letter}");
    assert!(letter.contains(own) && letter.contains("pirack trust b1"), "{letter}");
    Ok(())
}

pub(crate) fn changed_key(lab: &Lab) -> Outcome {
    let (of, other) = (lab.board(1), lab.board(2));
    let key = |of: &pirack_lab::Board| said(of, "ssh-keygen", &["-yf", "/etc/ssh/ssh_host_ed25519_key"]);
    let known = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(known.path(), format!("{} {}", of.address(), key(other))).unwrap();
    let mut changed = board(of, "pi");
    door(&mut changed).known_hosts = Some(known.path().to_owned());
    let letter = on(doors().open(&changed)).unwrap_err();
    assert!(matches!(letter, LinkError::ChangedKey { .. }), "{letter}");
    assert!(letter.to_string().contains(&format!("{}:1", known.path().display())), "{letter}");
    // The lab's own file knows the right key, and is not asked.
    let mut pinned = board(of, "pi");
    door(&mut pinned).host_keys = vec![key(other).trim().to_owned()];
    let letter = on(doors().open(&pinned)).unwrap_err();
    assert!(matches!(letter, LinkError::ChangedKey { .. }), "{letter}");
    door(&mut pinned).host_keys = vec![key(of).trim().to_owned()];
    door(&mut pinned).known_hosts = Some("/dev/null".into());
    on(async { drop(doors().open(&pinned).await.unwrap()) });
    Ok(())
}

pub(crate) fn engine(lab: &Lab) -> Outcome {
    on(async {
        let link = doors().open(&board(lab.board(1), "pi")).await.unwrap();
        let docker = link.docker().await.unwrap();
        assert_eq!(docker.info().await.unwrap().name.unwrap(), "b1");
        // What Docker 20.10 speaks, not what bollard would like to.
        assert_eq!(docker.client_version().to_string(), "1.41");
    });
    Ok(())
}

pub(crate) fn engine_by_sudo(lab: &Lab) -> Outcome {
    let of = lab.board(2);
    let make = "useradd --create-home --shell /bin/bash ann && echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann \
                && cp -r /home/pi/.ssh /home/ann/.ssh && chown -R ann:ann /home/ann/.ssh";
    said(of, "sh", &["-c", make]);
    on(async {
        let link = doors().open(&board(of, "ann")).await.unwrap();
        let docker = link.docker().await.unwrap();
        assert_eq!(docker.info().await.unwrap().name.unwrap(), "b2");
        // More at once than the bridge carries, and an answer longer than a pipe.
        let many = (0..12).map(|_| docker.info());
        for info in futures_util::future::join_all(many).await {
            assert_eq!(info.unwrap().name.unwrap(), "b2");
        }
        drop(link);
        assert!(docker.info().await.is_err());
    });
    said(of, "sh", &["-c", "rm /etc/sudoers.d/ann"]);
    let refused = on(async { doors().open(&board(of, "ann")).await.unwrap().docker().await.unwrap_err() });
    assert!(matches!(refused, LinkError::NoRoot { .. }), "{refused}");
    Ok(())
}

pub(crate) fn renewed(lab: &Lab) -> Outcome {
    let of = lab.board(3);
    on(async {
        let link = doors().open(&board(of, "pi")).await.unwrap();
        let docker = link.docker().await.unwrap();
        docker.ping().await.unwrap();
        // sshd's process of this session, as by a restart of the board's SSH door.
        said(of, "sh", &["-c", "pkill -f 'sshd: [p]i'"]);
        let ask = Script::new("asking the time", "date");
        let error = link.ask(&ask).await.unwrap_err();
        assert!(matches!(error, LinkError::Broken { .. }) && error.is_passing(), "{error}");
        assert!(docker.ping().await.is_err() && !link.is_up().await);
        link.renew().await.unwrap();
        assert!(link.is_up().await);
        link.ask(&ask).await.unwrap();
        link.docker().await.unwrap();
        docker.ping().await.unwrap();

        of.unplug().unwrap();
        let error = link.ask(&ask.clone().within(Duration::from_secs(5))).await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert!(matches!(link.renew().await, Err(LinkError::Unreachable { .. })));
        of.plug().unwrap();
        link.renew().await.unwrap();
        link.ask(&ask).await.unwrap();
    });
    Ok(())
}

pub(crate) fn silent_board(lab: &Lab) -> Outcome {
    let (silent, well) = (lab.board(1), lab.board(2));
    said(silent, "sh", &["-c", "kill -STOP $(pgrep -xo sshd)"]);
    let outcome = on(async {
        let doors = doors();
        let begun = Instant::now();
        let (silent, well) = (board(silent, "pi"), board(well, "pi"));
        let (silent, well) = tokio::join!(doors.open(&silent), async {
            let link = doors.open(&well).await;
            (link, begun.elapsed())
        });
        (silent.map(drop), well.0.map(drop), well.1, begun.elapsed())
    });
    said(silent, "sh", &["-c", "kill -CONT $(pgrep -xo sshd)"]);
    let (silent, well, quick, all) = outcome;
    assert!(well.is_ok() && quick < all, "{well:?} after {quick:?}, and all after {all:?}");
    let letter = silent.unwrap_err();
    assert!(letter.is_passing(), "{letter}");
    Ok(())
}

/// What this program is told to be a manager that holds a connection until it is killed.
pub(crate) const HOLD: &str = "hold-a-link";

/// It says `up` once it has its engine.
pub(crate) fn hold() {
    let lab = Lab::attach(&std::env::args().nth(2).unwrap()).unwrap();
    on(async {
        let link = doors().open(&board(lab.board(1), "pi")).await.unwrap();
        link.docker().await.unwrap().ping().await.unwrap();
        println!("up");
        std::future::pending::<()>().await;
    });
}

pub(crate) fn killed_manager(lab: &Lab) -> Outcome {
    let runtime = tempfile::Builder::new().prefix("run").tempdir_in("/tmp").unwrap();
    let start = || {
        let mut manager = Command::new(std::env::current_exe().unwrap());
        manager.args([HOLD, lab.name()]).env("XDG_RUNTIME_DIR", runtime.path());
        let mut manager = manager.stdout(Stdio::piped()).spawn().unwrap();
        let mut up = [0; 3];
        std::io::Read::read_exact(manager.stdout.as_mut().unwrap(), &mut up).unwrap();
        assert_eq!(&up, b"up\n");
        manager
    };
    let folders =
        || -> Vec<_> { runtime.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect() };
    let mut manager = start();
    let left = folders().pop().unwrap();
    assert_eq!(std::fs::metadata(&left).unwrap().mode() & 0o777, 0o700);
    let socket = std::fs::metadata(left.join("0/d")).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o600);
    assert_eq!(of_folder(&left), 1);
    manager.kill().unwrap();
    manager.wait().unwrap();
    until("the end of ssh", Duration::from_secs(60), || (of_folder(&left) == 0).then_some(()));
    assert!(!left.join("0/c").exists());
    // As if that had been a while ago.
    std::fs::File::open(&left).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let mut next = start();
    assert!(!left.exists() && folders().len() == 1);
    next.kill().unwrap();
    next.wait().unwrap();
    Ok(())
}

/// How many programs of this machine were given a path in that folder.
fn of_folder(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(folder)).count()
}
