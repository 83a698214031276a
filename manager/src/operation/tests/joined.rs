//! How a board comes into a swarm whose managers do not answer at once.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use pirack_swarm::member::Member as _;
use pirack_swarm::testing::Cloud;
use tokio::time::sleep;

use super::rack;
use crate::operation::join::{begin, join};

#[tokio::test(start_paused = true)]
async fn an_engine_that_no_manager_answers_is_sent_to_them_anew() {
    let boards = rack(&["b1", "b2"], "").boards;
    let cloud = Cloud::new(&["b1", "b2"]);
    let (manager, own) = (cloud.engine("b1"), cloud.engine("b2"));
    begin(&manager, &boards[0], BTreeMap::new()).await.unwrap();
    cloud.set_link("b1", false);
    let later = async {
        sleep(Duration::from_secs(30)).await;
        cloud.set_link("b1", true);
    };
    let (joined, ()) = tokio::join!(join(&own, &manager, &boards[1], false, false), later);
    joined.unwrap();

    own.leave(false).await.unwrap();
    cloud.set_link("b1", false);
    let refused = join(&own, &manager, &boards[1], false, false).await.unwrap_err();
    let reason = refused.source().unwrap().to_string();
    assert!(reason.contains("found no manager that answers in time"), "{reason}");
}
