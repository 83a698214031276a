//! Faults of real boards, each found by its code and gone with the fault.

use std::collections::BTreeSet;

use pirack_lab::{Flaw, Lab, Outcome};
use pirack_tests::rack::door;

use crate::boards::{said, shell};
use crate::rack::File;

/// What every board of a lab is found with: it has no clock of its own, and its engine's logs have no bound.
const LAB: [&str; 2] = ["PF021", "PF043"];

fn lab_and(codes: &[&str]) -> BTreeSet<String> {
    LAB.iter().chain(codes).map(|code| (*code).to_owned()).collect()
}

pub(crate) fn well(lab: &Lab) -> Outcome {
    let file = File::of(lab, &[1, 2, 3], "");
    shell(lab.board(1), "touch /tmp/marker");
    let report = file.preflight(&[]);
    for board in ["b1", "b2", "b3"] {
        let more: &[&str] = if board == "b1" { &["PF054"] } else { &[] };
        assert_eq!(report.codes(board), lab_and(more), "{:#}", report.json);
    }
    assert_eq!(report.code, Some(0));
    assert_eq!(file.preflight(&["--strict"]).code, Some(1));
    assert_eq!(file.preflight(&["b2"]).json["boards"], serde_json::json!(["b2"]));
    let changed = shell(
        lab.board(1),
        "find /etc /home /root /usr /var /srv /tmp -newer /tmp/marker -type f ! -path '/var/log/*' ! -path '/var/lib/docker/*' ! -path '/var/lib/sudo/*'",
    );
    assert_eq!(changed, "");
    let table = file.run(&["preflight"]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(
        text.contains("PF021 warning: nothing keeps its time\n    b1: ") && text.contains("3 boards, "),
        "{text}"
    );
    Ok(())
}

pub(crate) fn unplugged(lab: &Lab) -> Outcome {
    let file = File::of(lab, &[1, 2, 3], "");
    lab.board(2).unplug().unwrap();
    let report = file.preflight(&[]);
    lab.board(2).plug().unwrap();
    assert_eq!(report.codes("b2"), BTreeSet::from(["PF001".to_owned()]));
    // Its neighbours are not blamed for it.
    assert_eq!(report.codes("b1"), lab_and(&["PF054"]), "{:#}", report.json);
    assert_eq!(report.code, Some(1));
    Ok(())
}

/// Who is found with which code, and what is seen.
pub(crate) type Found = (&'static str, &'static str, &'static str);

pub(crate) fn flaws(lab: &Lab) -> Outcome {
    let (file, of) = (File::of(lab, &[1, 2, 3], ""), lab.board(2));
    let well = file.preflight(&[]);
    let twin = shell(lab.board(1), "cat /etc/machine-id").trim().to_owned();
    let flaws: &[(Flaw, &[Found])] = &[
        (Flaw::NoMemoryGroup, &[("b2", "PF012", "its kernel has the memory control group off")]),
        (Flaw::Clock(5), &[("b2", "PF020", " s ahead of ")]),
        (Flaw::Mtu(1280), &[("b2", "PF022", "1280"), ("b1", "PF023", "b2")]),
        (Flaw::Lease, &[("b2", "PF026", "eth0")]),
        (Flaw::Port(9042), &[("b2", "PF029", "9042 of cassandra-b2 is perl's")]),
        (Flaw::NoNames, &[("b2", "PF031", "b2 has no address")]),
        (Flaw::Hot(85), &[("b2", "PF035", "85 degrees")]),
        (Flaw::LowPower, &[("b2", "PF036", "under-voltage"), ("b2", "PF037", "its supply was too weak")]),
        (Flaw::MachineId(twin), &[("b2", "PF047", "b1")]),
    ];
    for (flaw, found) in flaws {
        of.give(flaw)?;
        let report = file.preflight(&[]);
        of.mend(flaw)?;
        for (board, code, part) in *found {
            assert!(!well.codes(board).contains(*code), "{:#}", well.json);
            let seen = report.seen(board, code);
            assert!(seen.contains(part), "{flaw:?}: {seen}");
        }
    }
    let mended = file.preflight(&[]);
    for board in ["b1", "b2", "b3"] {
        assert_eq!(mended.codes(board), well.codes(board), "{:#}", mended.json);
    }
    Ok(())
}

pub(crate) fn full(lab: &Lab) -> Outcome {
    let of = lab.board(2);
    let disk = "data_disk = { uuid = \"0a1b2c3d-0000-4000-8000-00000000000b\", mount = \"/srv/small\" }";
    let file = File::of(lab, &[2], disk);
    // Large enough to be well while it is empty.
    shell(of, "mount -o remount,size=1100m /srv/small");
    let well = file.preflight(&[]);
    let nearly = Flaw::FreeDisk(1000 << 20);
    of.give(&nearly)?;
    let report = file.preflight(&[]);
    of.mend(&nearly)?;
    let mended = file.preflight(&[]);
    shell(of, "mount -o remount,size=64m /srv/small");
    assert!(report.seen("b2", "PF018").contains("/srv/small has 1000 of 1100 MiB left"), "{:#}", report.json);
    assert!(!well.codes("b2").contains("PF018"), "{:#}", well.json);
    assert_eq!(mended.codes("b2"), well.codes("b2"));
    Ok(())
}

pub(crate) fn network(lab: &Lab) -> Outcome {
    let (file, of) = (File::of(lab, &[1, 2, 3], ""), lab.board(2));
    shell(
        of,
        "iptables -A INPUT -s 10.77.0.11 -p icmp -j DROP; iptables -I INPUT -p tcp --dport 22 -j ACCEPT; iptables -P INPUT DROP",
    );
    let report = file.preflight(&["b1", "b2"]);
    shell(of, "iptables -P INPUT ACCEPT; iptables -F INPUT");
    assert!(report.seen("b2", "PF033").contains("9042/tcp"), "{:#}", report.json);
    assert!(report.seen("b1", "PF024").contains("b2"));

    // Neither ufw nor iptables shows a table of its own.
    shell(
        of,
        "command -v nft >/dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends nftables; } >/dev/null",
    );
    shell(
        of,
        "nft 'add table inet desk; add chain inet desk in { type filter hook input priority 10; policy drop; }; add rule inet desk in ct state established,related accept; add rule inet desk in tcp dport { 22, 2377, 7000 } accept; add rule inet desk in meta l4proto icmp accept'",
    );
    let report = file.preflight(&["b2"]);
    shell(of, "nft delete table inet desk");
    let seen = report.seen("b2", "PF033");
    assert!(seen.starts_with("nftables closes ") && seen.contains("9042/tcp"), "{seen}");
    assert!(!seen.contains("2377") && !seen.contains("7000"), "{seen}");

    shell(of, "iptables -I DOCKER-USER -s 10.9.9.9 -j DROP");
    let report = file.preflight(&["b2"]);
    shell(of, "iptables -D DOCKER-USER -s 10.9.9.9 -j DROP");
    assert!(report.seen("b2", "PF034").contains("10.9.9.9"));
    assert_eq!(file.preflight(&["b2"]).codes("b2"), lab_and(&[]));
    Ok(())
}

pub(crate) fn even(lab: &Lab) -> Outcome {
    assert_eq!(File::of(lab, &[1, 2], "").preflight(&[]).seen("rack", "PF050"), "2: b1, b2");
    Ok(())
}

pub(crate) fn engine(lab: &Lab) -> Outcome {
    let (file, of) = (File::of(lab, &[3], ""), lab.board(3));
    of.kill_engine().unwrap();
    let report = file.preflight(&[]);
    of.start_engine().unwrap();
    report.seen("b3", "PF039");
    shell(of, "docker swarm init --advertise-addr 127.0.0.1 >/dev/null");
    let report = file.preflight(&[]);
    shell(of, "docker swarm leave --force");
    assert!(report.seen("b3", "PF045").contains("127.0.0.1:2377"), "{:#}", report.json);
    Ok(())
}

pub(crate) fn rights(lab: &Lab) -> Outcome {
    let of = lab.board(3);
    shell(
        of,
        "useradd --create-home eve && cp -r /home/pi/.ssh /home/eve/ && chown -R eve:eve /home/eve/.ssh",
    );
    let report = File::with(lab, &[3], "", &door(lab, "eve")).preflight(&[]);
    assert!(
        report.codes("b3").is_superset(&BTreeSet::from(["PF004", "PF044"].map(str::to_owned))),
        "{:#}",
        report.json
    );
    let report = File::with(lab, &[3], "", &door(lab, "nobody-there")).preflight(&[]);
    assert_eq!(report.codes("b3"), BTreeSet::from(["PF003".to_owned()]));
    Ok(())
}

pub(crate) fn trust(lab: &Lab) -> Outcome {
    let of = lab.board(1);
    let identity = of.ssh().identity.display().to_string();
    let file = File::with(lab, &[1], "", &format!("user = \"pi\"\nidentity = \"{identity}\""));
    let own = said(of, "ssh-keygen", &["-lf", "/etc/ssh/ssh_host_ed25519_key"]);
    let own = own.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap().to_owned();
    let report = file.preflight(&[]);
    assert!(report.seen("b1", "PF002").contains(&own), "{:#}", report.json);

    // Nobody is at a terminal, and a wrong fingerprint is none.
    for arguments in [vec!["trust", "b1"], vec!["trust", "b1", "--yes", "SHA256:AAAA"], vec!["trust", "b9"]] {
        assert_eq!(file.run(&arguments).status.code(), Some(1), "{arguments:?}");
        assert!(!file.path("rack.known_hosts").exists());
    }
    let output = file.run(&["trust", "b1", "--yes", &own]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(file.preflight(&[]).codes("b1"), lab_and(&[]));
    let again = file.run(&["trust", "b1", "--yes", &own]);
    assert!(String::from_utf8(again.stdout).unwrap().contains("was known already"));
    Ok(())
}
