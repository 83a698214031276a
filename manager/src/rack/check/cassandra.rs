//! Cassandra: its nodes, its seeds, its version.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::code::Code;
use super::super::file::CassandraSection;
use super::super::{BoardName, Cassandra, CassandraVersion, RackName};
use super::kafka::{Chosen, spread};
use super::value::tag;
use super::{Boards, Checker};
use pirack_swarm::desired::Image;

/// What the official image calls it.
const DATACENTER: &str = "dc1";
/// Copies of a row where nobody says otherwise: one board may be away and a majority still answers. It is what both
/// images have in `allocate_tokens_for_local_replication_factor`.
const COPIES: usize = 3;

/// The versions there are, and the official image of those that this project has one of too.
pub(in super::super) const VERSIONS: [(&str, CassandraVersion, Option<&str>); 3] = [
    ("5.0", CassandraVersion::V5_0, Some("cassandra:5.0.9")),
    ("4.1", CassandraVersion::V4_1, None),
    ("4.0", CassandraVersion::V4_0, Some("cassandra:4.0.19")),
];

impl Checker<'_> {
    pub(super) fn cassandra(
        &mut self,
        section: &Spanned<CassandraSection>,
        boards: &Boards,
        rack: Option<&RackName>,
    ) -> Option<Cassandra> {
        let written = section.get_ref();
        let kind = self.version_and_image(written, section);
        let chosen = self.workers(&written.nodes, boards, ("cassandra", "nodes"), section.span());
        let seeds = self.seeds(written, boards, &chosen);
        let copies = u32::try_from(chosen.names.len().min(COPIES)).unwrap_or(1);
        let replication = self.replication(written, chosen.most).unwrap_or(copies);
        self.heap(&written.heap, &written.limit);
        self.young(&written.young, &written.heap);
        let cluster_name = match &written.cluster_name {
            Some(name) => self.ring(name, "ring"),
            None => rack.map(ToString::to_string),
        };
        let datacenter = match &written.datacenter {
            Some(name) => self.ring(name, "data centre"),
            None => Some(DATACENTER.to_owned()),
        };
        self.uneven(section, boards, &chosen, replication);
        let (heap, young, limit) =
            (self.size(&written.heap), self.size(&written.young), self.size(&written.limit));
        let (version, image) = kind?;
        Some(Cassandra {
            image,
            version,
            cluster_name: cluster_name?,
            datacenter: datacenter?,
            nodes: chosen.names,
            seeds,
            seeds_named: written.seeds.is_some(),
            replication,
            heap,
            young,
            limit,
            jvm_options: self.options(&written.jvm_options),
        })
    }

    /// The version that is said, or that the image's tag begins with; where neither is, 5.0.
    fn version_and_image(
        &mut self,
        section: &CassandraSection,
        header: &Spanned<CassandraSection>,
    ) -> Option<(CassandraVersion, Image)> {
        let known = |text: &str| VERSIONS.iter().find(|(name, ..)| *name == text);
        let said = match &section.version {
            None => None,
            Some(written) => {
                let version = known(written.get_ref());
                if version.is_none() {
                    let what = format!("there is no stack for Cassandra {}", written.get_ref());
                    self.say(
                        Code::CassandraVersion,
                        written.span(),
                        what,
                        "the versions are \"5.0\", \"4.1\" and \"4.0\"",
                    );
                }
                Some(version?)
            }
        };
        let (_, _, default) = said.unwrap_or(&VERSIONS[0]);
        if section.image.is_none() && default.is_none() {
            let remedy = "add image = \"cassandra:4.1.10\", or whichever shall run";
            self.say(
                Code::CassandraVersion,
                header.span(),
                "of Cassandra 4.1 no image is the usual one",
                remedy,
            );
            return None;
        }
        let image = self.image(&section.image, default.unwrap_or_default())?;
        self.of_section(&section.image, "cassandra");
        let tag = version_of(&image);
        let tagged = VERSIONS.iter().find(|(name, ..)| tag == Some(*name));
        let span = section.image.as_ref().map_or_else(|| header.span(), Spanned::span);
        match (said, tagged) {
            (Some((said, ..)), _) if tag.is_some_and(|tag| tag != *said) => {
                let what =
                    format!("the version is {said}, and the image's tag is of {}", tag.unwrap_or_default());
                self.say(
                    Code::CassandraVersion,
                    span,
                    what,
                    "write the one that shall run, in both or in the image alone",
                );
                None
            }
            (Some((_, version, _)), _) | (None, Some((_, version, _))) => Some((*version, image)),
            (None, None) => {
                let what = format!("which Cassandra {image} is does not stand in its tag");
                self.say(Code::CassandraVersion, span, what, "add version = \"5.0\", or whichever it is");
                None
            }
        }
    }

    fn seeds(&mut self, section: &CassandraSection, boards: &Boards, nodes: &Chosen) -> Vec<BoardName> {
        let Some(named) = self.named(&section.seeds, boards) else {
            let places = places(&nodes.names, boards).unwrap_or_default();
            return spread(&nodes.names, boards, places.clamp(2, 3));
        };
        for item in section.seeds.iter().flat_map(|list| list.get_ref()) {
            let is_board = named.iter().any(|board| board.as_str() == item.get_ref());
            let is_node = nodes.names.iter().any(|node| node.as_str() == item.get_ref());
            if is_board && !is_node && nodes.known {
                let what = format!("the seed {} has no node of Cassandra", item.get_ref());
                self.say(Code::SeedNoNode, item.span(), what, "name boards that stand in cassandra.nodes");
            }
        }
        if let Some(list) = section.seeds.as_ref().filter(|list| list.get_ref().is_empty()) {
            self.say(
                Code::NoBoards,
                list.span(),
                "there is no seed",
                "name one to three nodes, or take the key out",
            );
        }
        named
    }

    fn replication(&mut self, section: &CassandraSection, most: Option<usize>) -> Option<u32> {
        let written = section.replication.as_ref()?;
        let copies: u32 = self.number(&section.replication, 1..=9, "3 is the usual number of copies")?;
        let nodes = most.map_or(u32::MAX, |most| u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        if copies > nodes {
            let what = format!("{copies} copies on {nodes} nodes");
            self.say(Code::Replication, written.span(), what, format!("write {nodes} or less, or add nodes"));
            return None;
        }
        Some(copies)
    }

    /// A node that is no seed chooses its tokens for [`COPIES`], whatever the rack's own keyspace has: at two places a
    /// third never starts, and which are seeds may change. With more places and fewer than copies, one place holds more than its share of every row.
    fn uneven(&mut self, section: &Spanned<CassandraSection>, boards: &Boards, nodes: &Chosen, copies: u32) {
        let nodes = if nodes.known { nodes.names.as_slice() } else { &[] };
        let Some(places) = places(nodes, boards) else { return };
        if places == COPIES - 1 && nodes.len() > places {
            self.say(
                Code::TwoPlaces,
                section.span(),
                format!("{} nodes at {places} places: a node that is no seed chooses its tokens for {COPIES} copies, and refuses to start as the third", nodes.len()),
                format!("give the boards of Cassandra's nodes one place, or {COPIES} and more"),
            );
        } else if places > 1 && places < usize::try_from(copies).unwrap_or(usize::MAX) {
            self.say(
                Code::PlacesUneven,
                section.span(),
                format!("{copies} copies of each row over {places} places: one place always holds more than one of them"),
                format!("have {copies} places, or one, or {places} copies"),
            );
        }
    }

    fn ring(&mut self, written: &Spanned<String>, what: &str) -> Option<String> {
        let text = written.get_ref();
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if (1..=48).contains(&text.len()) && text.trim() == text && text.chars().all(inner) {
            return Some(text.clone());
        }
        let wrong = format!("\"{text}\" cannot be the name of a {what}");
        self.say(
            Code::Name,
            written.span(),
            wrong,
            "use 1 to 48 letters, digits, '-', '_', '.' and blanks between",
        );
        None
    }
}

/// The version that the image's tag begins with, so far as it decides anything: of `5.0.9` and `5.0-hash` it is `5.0`.
fn version_of(image: &Image) -> Option<&str> {
    let tag = tag(image)?;
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let (major, rest) = tag.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| &tag[..=major.len() + minor.len()])
}

/// At how many places these are, where that is known of all.
fn places(nodes: &[BoardName], boards: &Boards) -> Option<usize> {
    let of = |name: &BoardName| boards.named(name).map(|board| board.place.as_deref());
    let places: Option<BTreeSet<_>> = nodes.iter().filter_map(of).collect();
    places.map(|places| places.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_images_tag_tells_its_version() {
        let cases = [
            ("cassandra:5.0.9", "5.0"),
            ("10.77.0.1:5000/pirack/cassandra:4.0.19-ab12", "4.0"),
            ("c:4.1", "4.1"),
        ];
        for (image, version) in cases {
            assert_eq!(version_of(&image.parse().unwrap()), Some(version), "{image}");
        }
        for (image, version) in
            [("cassandra:5.01", Some("5.01")), ("cassandra:3.11", Some("3.11")), ("4.0:mine", None)]
        {
            assert_eq!(version_of(&image.parse().unwrap()), version, "{image}");
        }
    }
}
