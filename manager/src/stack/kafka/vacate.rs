//! How a broker is emptied before it goes: every replica that it has is made anew on another, and only then given up.
//!
//! Kafka itself adds the new replica, waits until it is in sync, and drops the old one: nothing is ever below what
//! it was. What is chosen here is who takes it: somebody in a place where none of the others is, if there is one, and
//! of those who has the least. A replica for which nobody is left goes without being made anew, so that the topic has
//! one less; what would be lost by it was refused before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::observe::{Where, first, metadata, tell};
use super::wire::members::{self, Member};
use super::wire::reassign::{self, Move, Underway};

/// One partition as it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    topic: String,
    number: i32,
    /// Where it is to lie, the preferred leader first.
    replicas: Vec<u32>,
    /// Whether somebody who lives has all of it.
    lives: bool,
}

/// Who may take replicas: numbers, with the place of each.
type Takers = BTreeMap<u32, Option<String>>;

/// Sends everything that lies on `board` on its way to `onto`; how many replicas that are. What is on its way
/// already stays so.
///
/// # Errors
/// With the reason, when the cluster cannot be asked or does not do it.
pub(in crate::stack) async fn vacate(
    cluster: &Where,
    board: &str,
    onto: &BTreeSet<String>,
    within: Duration,
) -> Result<usize, String> {
    let from = number(cluster, board)?;
    let takers: BTreeSet<u32> = onto.iter().map(|board| number(cluster, board)).collect::<Result<_, _>>()?;
    let (seen, underway, told) = tokio::join!(
        metadata(cluster, within),
        first(cluster, within, |broker| reassign::underway(broker, within)),
        first(cluster, within, members::members),
    );
    let (_, seen) = seen?;
    let live: BTreeSet<i32> = seen.brokers().iter().map(rdkafka::metadata::MetadataBroker::id).collect();
    let takers =
        takers.into_iter().filter(|node| i32::try_from(*node).is_ok_and(|node| live.contains(&node)));
    let takers: BTreeSet<u32> = takers.collect();
    let underway = underway?;
    let mut placed = vec![];
    for topic in seen.topics() {
        for partition in topic.partitions() {
            let gone = removing(&underway, topic.name(), partition.id());
            let replicas = partition.replicas().iter().filter_map(|node| u32::try_from(*node).ok());
            placed.push(Placed {
                topic: topic.name().to_owned(),
                number: partition.id(),
                replicas: replicas.filter(|node| !gone.contains(node)).collect(),
                lives: partition.isr().iter().any(|node| live.contains(node)),
            });
        }
    }
    let moves = moves(&placed, from, &places(&takers, told.unwrap_or_default()));
    if !moves.is_empty() {
        tell(cluster, within, |broker| reassign::send(broker, &moves, within)).await?;
    }
    Ok(moves.len())
}

/// Strikes a broker off that is away for good.
///
/// # Errors
/// With the reason, when the cluster does not do it.
pub(in crate::stack) async fn unregister(
    cluster: &Where,
    board: &str,
    within: Duration,
) -> Result<(), String> {
    let node = number(cluster, board)?;
    tell(cluster, within, |broker| members::unregister(broker, node)).await
}

fn number(cluster: &Where, board: &str) -> Result<u32, String> {
    let found = cluster.nodes.iter().find(|(_, known)| *known == board).map(|(node, _)| *node);
    found.ok_or_else(|| format!("the rack does not remember which number {board} has in Kafka"))
}

fn removing<'a>(underway: &'a [Underway], topic: &str, number: i32) -> &'a [u32] {
    let found = underway.iter().find(|moved| moved.topic == topic && moved.number == number);
    found.map_or(&[], |moved| moved.removing.as_slice())
}

fn places(takers: &BTreeSet<u32>, members: Vec<Member>) -> Takers {
    let mut places: BTreeMap<u32, Option<String>> =
        members.into_iter().map(|member| (member.node, member.place)).collect();
    takers.iter().map(|node| (*node, places.remove(node).flatten())).collect()
}

/// Where everything that lies on `from` shall lie instead.
fn moves(placed: &[Placed], from: u32, onto: &Takers) -> Vec<Move> {
    let mut load: BTreeMap<u32, usize> = onto.keys().map(|node| (*node, 0)).collect();
    for node in placed.iter().flat_map(|partition| &partition.replicas) {
        load.entry(*node).and_modify(|count| *count += 1);
    }
    let mut moves = vec![];
    for partition in placed.iter().filter(|partition| partition.lives && partition.replicas.contains(&from)) {
        let others: Vec<u32> = partition.replicas.iter().copied().filter(|node| *node != from).collect();
        let taken: BTreeSet<&String> = others.iter().filter_map(|node| onto.get(node)?.as_ref()).collect();
        let free = onto.iter().filter(|(node, _)| !others.contains(node));
        let near = |place: &Option<String>| place.as_ref().is_none_or(|place| taken.contains(place));
        let best = free.min_by_key(|(node, place)| (near(place), load.get(node), **node));
        let heir = best.map(|(node, _)| *node);
        let replicas: Vec<u32> = partition
            .replicas
            .iter()
            .filter_map(|node| if *node == from { heir } else { Some(*node) })
            .collect();
        // Somebody has to have it.
        if replicas.is_empty() {
            continue;
        }
        if let Some(count) = heir.and_then(|node| load.get_mut(&node)) {
            *count += 1;
        }
        moves.push(Move { topic: partition.topic.clone(), number: partition.number, replicas });
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(number: i32, replicas: &[u32]) -> Placed {
        Placed { topic: "roll".to_owned(), number, replicas: replicas.to_vec(), lives: true }
    }

    fn onto(nodes: &[(u32, &str)]) -> Takers {
        nodes.iter().map(|(node, place)| (*node, Some((*place).to_owned()))).collect()
    }

    fn lie(moves: &[Move]) -> Vec<(i32, Vec<u32>)> {
        moves.iter().map(|moved| (moved.number, moved.replicas.clone())).collect()
    }

    #[test]
    fn who_has_the_least_takes_over_and_leads_where_the_old_one_did() {
        let three = onto(&[(1, "desk"), (2, "desk"), (3, "desk")]);
        let all = [placed(0, &[4, 1]), placed(1, &[2, 4]), placed(2, &[1, 2]), placed(3, &[4])];
        let expected = [(0, vec![3, 1]), (1, vec![2, 3]), (3, vec![1])];
        assert_eq!(lie(&moves(&all, 4, &three)), expected);
        let after = [placed(0, &[3, 1]), placed(1, &[2, 3]), placed(2, &[1, 2]), placed(3, &[1])];
        assert_eq!(moves(&after, 4, &three), [], "twice is once");
    }

    #[test]
    fn another_place_is_better_than_less_to_do() {
        let takers = onto(&[(1, "left"), (2, "left"), (3, "right")]);
        let all = [placed(0, &[1, 4]), placed(1, &[3]), placed(2, &[3])];
        assert_eq!(lie(&moves(&all, 4, &takers)), [(0, vec![1, 3])]);
    }

    #[test]
    fn what_nobody_is_left_for_has_one_replica_less_and_never_none() {
        let all = [placed(0, &[4, 1, 2]), placed(1, &[4])];
        assert_eq!(lie(&moves(&all, 4, &onto(&[(1, "desk"), (2, "desk")]))), [(0, vec![1, 2]), (1, vec![1])]);
        assert_eq!(moves(&[placed(0, &[4])], 4, &onto(&[])), []);
    }

    #[test]
    fn what_nobody_who_lives_has_cannot_be_made_anew() {
        let lost = Placed { lives: false, ..placed(0, &[4]) };
        assert_eq!(moves(&[lost], 4, &onto(&[(1, "desk")])), []);
    }

    #[test]
    fn what_is_on_its_way_already_is_left_to_get_there() {
        let underway = [Underway { topic: "roll".to_owned(), number: 0, removing: vec![4] }];
        assert_eq!(removing(&underway, "roll", 0), [4]);
        assert_eq!(removing(&underway, "roll", 1), [0; 0]);
    }
}
