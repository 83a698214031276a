//! Addresses, cables, ports, names and firewalls.

use super::*;

#[test]
fn pf022_to_pf028_the_network_of_a_board() {
    only(Check::Mtu, "1280", |facts| facts.links[1].mtu = 1280);
    only(Check::Mtu, "9000", |facts| facts.links[1].mtu = 9000);
    only(Check::PathMtu, "1500 bytes do not reach b2", |facts| facts.pings[0].carried = false);
    only(Check::Neighbour, "b2 at 10.0.0.12", |facts| facts.pings[0].answers = false);
    only(Check::Address, "it has 127.0.0.1, 192.168.7.9, not 10.0.0.11", |facts| {
        facts.addresses[1].address = [192, 168, 7, 9].into();
    });
    only(Check::Lease, "eth0", |facts| facts.addresses[1].leased = true);
    only(Check::Wireless, "eth0", |facts| facts.links[1].wireless = true);
    only(Check::SlowLink, "10 Mbit/s", |facts| facts.links[1].speed = Some(10));
    only(Check::NoPing, "ping", |facts| facts.ping = false);
}

#[test]
fn an_address_that_the_router_keeps_is_well_and_a_neighbour_that_is_off_is_told_once() {
    let mut rack = desk();
    rack.network.addresses_reserved = true;
    let leased =
        |world: &mut World| world.get_mut("b1").unwrap().facts.as_mut().unwrap().addresses[1].leased = true;
    assert_eq!(findings_of(&rack, leased), []);

    let rack = desk();
    let mut facts = well(&rack, "b1");
    facts.pings[0].answers = false;
    let reached = |facts| Seen::Reached(Box::new(looked(facts)));
    let off = Seen::Unreached { check: Check::NoAnswer, letter: "off".to_owned() };
    let seen = [("b1", reached(facts)), ("b2", off)].map(|(name, seen)| (name.parse().unwrap(), seen));
    let checks: Vec<Check> =
        judge(&rack, &BTreeMap::from(seen)).iter().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::NoAnswer]);
}

#[test]
fn a_lease_is_told_from_an_address_that_stays() {
    let leased = |line: &str| {
        let text = format!("--m-- uname\nLinux\naarch64\n6.1\nb1\n--m-- addresses\n{line}\n--m-- end\n");
        facts::read(&text, "--m--").unwrap().addresses[0].leased
    };
    let dynamic = "2: eth0    inet 10.0.0.11/24 brd 10.0.0.255 scope global dynamic noprefixroute eth0\\       valid_lft 85112sec preferred_lft 74312sec";
    let lifetime =
        "2: eth0    inet 10.0.0.11/24 scope global eth0\\       valid_lft 600sec preferred_lft 600sec";
    let forever =
        "2: eth0    inet 10.0.0.11/24 scope global eth0\\       valid_lft forever preferred_lft forever";
    assert!(leased(dynamic) && leased(lifetime) && !leased(forever));
}

#[test]
fn pf029_a_port_is_taken_unless_it_is_by_ours() {
    let listener = |port, program: &str, container: Option<String>| facts::Listener {
        udp: false,
        port,
        local: false,
        program: Some(program.to_owned()),
        container,
    };
    only(Check::PortTaken, "tcp 9042 of cassandra-b1 is nginx's", |facts| {
        facts.listeners.push(listener(9042, "nginx", None));
    });
    only(Check::PortTaken, "is java in the container aaaaaaaaaaaa's", |facts| {
        facts.listeners.push(listener(9042, "java", Some("a".repeat(64))));
    });
    // The desk's other Kafka has what Cassandra wants.
    only(Check::PortTaken, "is the service kafka-b1's", |facts| {
        facts.listeners.push(listener(9042, "java", Some("c".repeat(64))));
    });
    only(Check::PortTaken, "tcp 9477 of pirack-agent is python3's", |facts| {
        facts.listeners.push(listener(9477, "python3", None));
    });
    let ours = found(|facts| {
        facts.listeners.push(listener(9092, "java", Some("c".repeat(64))));
        facts.listeners.push(listener(2377, "dockerd", None));
        facts.listeners.push(listener(9477, "pirack-agent", None));
        facts.listeners.push(facts::Listener { udp: true, program: None, ..listener(4789, "", None) });
    });
    assert_eq!(ours, []);
}

#[test]
fn a_port_that_the_engine_publishes_is_ours_where_it_is_our_service_s() {
    let rack = desk();
    let proxied = |service: &str| {
        findings_of(&rack, |world| {
            let facts = world.get_mut("b4").unwrap().facts.as_mut().unwrap();
            let program = Some("docker-proxy".to_owned());
            facts.listeners.push(facts::Listener {
                udp: false,
                port: 8099,
                local: false,
                program,
                container: None,
            });
            engine(facts).published.insert(8099, service.to_owned());
        })
    };
    assert_eq!(proxied("web"), []);
    assert_eq!(proxied("blog")[0].check, Check::PortTaken);
}

#[test]
fn pf030_to_pf032_names() {
    only(Check::HostName, "raspberrypi", |facts| facts.host_name = "raspberrypi".to_owned());
    only(Check::OwnName, "b1 leads to 127.0.1.1", |facts| {
        facts.names.insert("b1".to_owned(), BTreeSet::from([[127, 0, 1, 1].into()]));
    });
    only(Check::OwnName, "b1 has no address", |facts| {
        facts.names.insert("b1".to_owned(), BTreeSet::new());
    });
    only(Check::OtherName, "b2 leads to 10.9.9.9", |facts| {
        facts.names.insert("b2".to_owned(), BTreeSet::from([[10, 9, 9, 9].into()]));
    });
    // Peers use addresses: a name that nobody knows is no trouble.
    let nobody = found(|facts| {
        facts.names.insert("b2".to_owned(), BTreeSet::new());
    });
    assert_eq!(nobody, []);
}

#[test]
fn pf033_and_pf034_firewalls() {
    const UFW: &str = "Status: active\nDefault: deny (incoming), allow (outgoing), deny (routed)\n\n\
                       To                         Action      From\n--                         ------      ----\n\
                       22/tcp                     ALLOW IN    Anywhere\n";
    only(Check::Firewall, "ufw closes 7000/tcp, 8080/tcp, 9042/tcp, 9092/tcp", |facts| {
        facts.ufw = UFW.to_owned()
    });
    let network = "Anywhere                   ALLOW IN    10.0.0.0/24\n";
    assert_eq!(found(|facts| facts.ufw = format!("{UFW}{network}")), []);
    let other = "Anywhere                   ALLOW IN    192.168.0.0/16\n";
    only(Check::Firewall, "2377/tcp", |facts| facts.ufw = format!("{UFW}{other}"));
    only(Check::Firewall, "iptables closes", |facts| {
        facts.input =
            "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
                .to_owned();
    });
    assert_eq!(
        found(|facts| facts.input = "-P INPUT DROP\n-A INPUT -s 10.0.0.0/24 -j ACCEPT\n".to_owned()),
        []
    );
    const NFTABLES: &str = include_str!("nftables.json");
    only(Check::Firewall, "nftables closes 8080/tcp, ", |facts| {
        facts.nftables = Some(serde_json::from_str(NFTABLES).unwrap());
    });
    only(Check::DockerUser, "-j DROP", |facts| {
        facts.docker_user =
            "-N DOCKER-USER\n-A DOCKER-USER -i eth0 -j DROP\n-A DOCKER-USER -j RETURN\n".to_owned();
    });
}
