//! The ports that a check knows are those of images/PORTS.md.

use std::collections::BTreeSet;

use super::*;
use crate::stack::port::BESIDES;

#[test]
fn the_ports_that_apps_must_not_have_are_those_that_the_page_tells() {
    let page = include_str!("../../../../images/PORTS.md");
    let cells = |line: &str| -> Option<(String, u16)> {
        let mut cells = line.strip_prefix("| ")?.split('|').map(str::trim);
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    };
    let told: BTreeSet<(String, u16)> = page.lines().filter_map(cells).collect();
    let rack = rack(&super::page::bare(""));
    let of = |port: &crate::stack::Port| {
        let stack = port.service.split('-').next().unwrap().replace("graphql", "graphqlapi");
        (stack, port.port)
    };
    let mut known: BTreeSet<(String, u16)> = crate::stack::ports(&rack).values().flatten().map(of).collect();
    known.extend(BESIDES.map(|(service, port, _)| (service.to_owned(), port)));
    assert_eq!(known, told);
}

#[test]
fn one_number_of_tcp_and_of_udp_is_two_ports() {
    let text = |first: &str, second: &str| {
        let app = |name, port| format!("[[app]]\nname = \"{name}\"\nimage = \"x:1\"\nports = [\"{port}\"]\n");
        format!("{LEAST}{}{}", app("one", first), app("two", second))
    };
    assert_eq!(wrong(&text("53", "53/udp")).0, Vec::<&str>::new());
    assert_eq!(wrong(&text("53/udp", "53/udp")).0, ["RF052"]);
    // The admin's own clock.
    assert_eq!(wrong(&text("123", "124/udp")).0, Vec::<&str>::new());
    assert_eq!(wrong(&text("123", "123/udp")).0, ["RF052"]);
}
