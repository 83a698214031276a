//! What a file need not say.

use super::*;

#[test]
fn three_boards_and_two_words_are_a_rack() {
    let rack = rack(LEAST);
    let (kafka, cassandra) = (rack.kafka.as_ref().unwrap(), rack.cassandra.as_ref().unwrap());
    let all = ["b1", "b2", "b3"];
    assert_eq!((names(&kafka.brokers), names(&kafka.voters)), (all.to_vec(), all.to_vec()));
    assert_eq!(kafka.image.as_str(), "apache/kafka:4.1.2");
    assert_eq!((names(&cassandra.nodes), names(&cassandra.seeds)), (all.to_vec(), vec!["b1", "b2"]));
    assert_eq!((cassandra.replication, cassandra.cluster_name.as_str()), (3, "desk"));
    assert_eq!((cassandra.version, cassandra.image.as_str()), (CassandraVersion::V5_0, "cassandra:5.0.9"));
    let roles = |index: usize| rack.boards[index].roles.iter().copied().collect::<Vec<_>>();
    assert_eq!(roles(0), [Role::Admin, Role::Manager, Role::Worker, Role::App]);
    assert_eq!(roles(2), [Role::Manager, Role::Worker, Role::App]);
    let Access::Ssh(ssh) = &rack.boards[0].access else { panic!("{:?}", rack.boards[0].access) };
    assert_eq!((ssh.user.as_str(), ssh.port, &ssh.identity), ("pi", 22, &None));
    assert!(rack.agent.enabled);
    assert_eq!(rack.network.mtu, 1500);
}

#[test]
fn the_least_rack_has_nothing_to_warn_of() {
    assert_eq!(wrong(LEAST), (vec![], String::new()));
}

#[test]
fn of_two_boards_one_is_the_manager() {
    let start = LEAST.find("[[board]]\nname = \"b3\"").unwrap();
    let end = LEAST.find("[kafka]").unwrap();
    let two = format!("{}{}", &LEAST[..start], &LEAST[end..]);
    assert_eq!(wrong(&two), (vec![], String::new()));
    let rack = rack(&two);
    assert_eq!((rack.with_role(Role::Manager).count(), rack.with_role(Role::Worker).count()), (1, 2));
    assert_eq!(names(&rack.kafka.unwrap().voters), ["b1"]);
    assert_eq!(rack.cassandra.unwrap().replication, 2);
}

#[test]
fn voters_and_seeds_are_chosen_from_different_places() {
    let board = |index: usize| {
        let (place, role) = (
            ["left", "left", "left", "middle", "middle", "right"][index],
            ["admin", "manager"][usize::from(index == 1)],
        );
        format!(
            "[[board]]\nname = \"b{index}\"\naddress = \"10.0.0.1{index}\"\nplace = \"{place}\"\nroles = [\"worker\", \"{role}\"]\n"
        )
    };
    let boards: String = (0..6).map(board).collect();
    let boards = boards.replace("\"worker\", \"admin\"", "\"worker\"");
    let rack = rack(&format!("version = 1\nname = \"d\"\n{boards}[kafka]\n[cassandra]\n"));
    assert_eq!(names(&rack.kafka.unwrap().voters), ["b0", "b3", "b5"]);
    assert_eq!(names(&rack.cassandra.unwrap().seeds), ["b0", "b3", "b5"]);
}

#[test]
fn paths_begin_at_the_files_folder_or_at_the_users_own() {
    let text = format!(
        "{LEAST}[ssh]\nidentity = \"keys/desk\"\nknown_hosts = \"~/hosts\"\n[agent]\npackages = \"/srv/deb\"\n"
    );
    let at = |home| check::Door { file: Path::new("rack.toml"), folder: Path::new("/etc/rack"), home };
    let rack = check::check(&text, at(Some(Path::new("/home/ada")))).0.unwrap();
    let Access::Ssh(ssh) = &rack.boards[2].access else { panic!("{:?}", rack.boards[2].access) };
    assert_eq!(ssh.identity.as_deref(), Some(Path::new("/etc/rack/keys/desk")));
    assert_eq!(ssh.known_hosts.as_deref(), Some(Path::new("/home/ada/hosts")));
    let (none, problems) = check::check(&text, at(None));
    assert!(none.is_none() && problems.to_string().contains("HOME is not set"), "{problems}");
    assert_eq!(rack.agent.packages.as_deref(), Some(Path::new("/srv/deb")));
}
