//! Data lie on the disk that the file names, or nowhere.

use super::*;

pub(super) const DISK: &str =
    "data_disk = { uuid = \"0a1b2c3d-0000-4000-8000-000000000001\", mount = \"/srv/data\" }\n";

/// Three boards; the last one has a data disk.
fn bare() -> (Operator, FakeRack) {
    (Operator::of(rack(&["b1", "b2", "b3"], DISK)), FakeRack::new(&["b1", "b2", "b3"]))
}

#[tokio::test(start_paused = true)]
async fn a_services_folder_is_on_the_data_disk_before_its_task_with_the_owner_that_the_image_runs_as() {
    let (operator, world) = bare();
    operator.apply(&world).await.unwrap();
    let (cassandra, kafka) = ("/srv/data/pirack/cassandra".to_owned(), "/srv/data/pirack/kafka".to_owned());
    assert_eq!(world.folders_on("b3"), [(cassandra, 999), (kafka, 1000)]);
    assert_eq!(world.folders_on("b1"), []);
    let done = operator.heard.done();
    let at = |title: &str| done.iter().position(|step| step == title).unwrap_or_else(|| panic!("{done:#?}"));
    assert!(at("add folder /srv/data/pirack/kafka on b3") < at("add service kafka-b3"));
    let changes = world.changes();
    assert!(operator.plan(&world).await.is_empty());
    operator.apply(&world).await.unwrap();
    assert_eq!(world.changes(), changes);
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_on_a_board_whose_data_disk_is_not_mounted() {
    let (operator, world) = bare();
    world.set_disk("b3", false);
    let refused = operator.apply(&world).await;
    let Err(OperationError::Refused(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].subject, "data disk of b3");
    assert!(
        refused[0].reason.contains("/srv/data") && refused[0].reason.contains("pirack preflight"),
        "{refused:?}"
    );
    assert_eq!(world.changes(), 0);
    world.set_disk("b3", true);
    operator.apply(&world).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_goes_leaves_the_rest_of_the_rack_to_be_mended_and_its_board_as_it_is() {
    let (mut operator, world) = bare();
    operator.apply(&world).await.unwrap();
    world.set_disk("b3", false);
    world.cloud.engine("b1").kill_task("kafka-b1", 1);
    let applied = operator.apply(&world).await.unwrap();
    let undone: Vec<&str> = applied.undone.iter().map(|left| left.subject.as_str()).collect();
    assert_eq!((applied.steps, undone), (0, vec!["data disk of b3"]));
    // What would change what is there, or begin it anew on the card, is not done.
    operator.rack.kafka.as_mut().unwrap().heap = Some(crate::rack::Bytes::mebibytes(640));
    let changes = world.changes();
    assert!(matches!(operator.apply(&world).await, Err(OperationError::Refused(_))));
    assert_eq!(world.changes(), changes);
}
