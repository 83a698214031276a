//! The engines do what the rack asks of them.

use bollard::Docker;
use bollard::exec::CreateExecOptions;
use bollard::models::{NodeState, SwarmInitRequest, SwarmJoinRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateImageOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions,
    TagImageOptionsBuilder,
};
use futures_util::TryStreamExt as _;
use pirack_lab::{Board, Lab, Outcome};

use crate::program::{self, IMAGE, PAUSE, shell, within};

pub(crate) fn registry(lab: &Lab) -> Outcome {
    within(async {
        let first = program::import(lab.board(1)).await;
        let name = format!("{}/lab/shell", lab.registry());
        let tag = TagImageOptionsBuilder::new().repo(&name).tag("1").build();
        first.tag_image(IMAGE, Some(tag)).await.unwrap();
        let push = PushImageOptionsBuilder::new().tag("1").build();
        let pushed = first.push_image(&name, Some(push), None).try_collect::<Vec<_>>().await;
        pushed.unwrap();

        let second = lab.board(2).engine().unwrap();
        let pull = CreateImageOptionsBuilder::new().from_image(&name).tag("1").build();
        second.create_image(Some(pull), None, None).try_collect::<Vec<_>>().await.unwrap();
        let reference = format!("{name}:1");
        let ids = (
            first.inspect_image(&reference).await.unwrap().id,
            second.inspect_image(&reference).await.unwrap().id,
        );
        assert_eq!(ids.0, ids.1);
        let force = RemoveImageOptionsBuilder::new().force(true).build();
        second.remove_image(&reference, Some(force), None).await.unwrap();
    });
    Ok(())
}

pub(crate) fn memory_limit(lab: &Lab) -> Outcome {
    within(async {
        let engine = program::import(lab.board(1)).await;
        // `tail` keeps its last line, and this one has no end.
        program::start(&engine, "greedy", "tail /dev/zero", Some(32 << 20)).await;
        let (status, _) = program::finish(&engine, "greedy").await;
        // Killed, and by nobody but the kernel: that Docker heard why it was, it learns too late on a busy machine.
        assert_eq!(status, 137);

        program::start(&engine, "modest", "echo enough", Some(32 << 20)).await;
        let (status, output) = program::finish(&engine, "modest").await;
        assert_eq!(status, 0, "{output}");
    });
    Ok(())
}

pub(crate) fn container_reaches_board(lab: &Lab) -> Outcome {
    within(async {
        let engine = program::import(lab.board(1)).await;
        let line = format!("read -r banner </dev/tcp/{}/22; echo $banner", lab.board(2).address());
        program::start(&engine, "visitor", &line, None).await;
        let (status, output) = program::finish(&engine, "visitor").await;
        assert!(status == 0 && output.contains("SSH-2.0"), "{output}");
    });
    Ok(())
}

pub(crate) fn swarm(lab: &Lab) -> Outcome {
    within(async {
        let first = lab.board(1).engine().unwrap();
        let address = lab.board(1).address().to_string();
        let init = SwarmInitRequest {
            listen_addr: Some("0.0.0.0:2377".to_owned()),
            advertise_addr: Some(address.clone()),
            ..SwarmInitRequest::default()
        };
        first.init_swarm(init).await.unwrap();
        let token = first.inspect_swarm().await.unwrap().join_tokens.unwrap().manager;
        for board in &lab.boards()[1..] {
            let join = SwarmJoinRequest {
                listen_addr: Some("0.0.0.0:2377".to_owned()),
                advertise_addr: Some(board.address().to_string()),
                remote_addrs: Some(vec![format!("{address}:2377")]),
                join_token: token.clone(),
                ..SwarmJoinRequest::default()
            };
            board.engine().unwrap().join_swarm(join).await.unwrap();
        }
    });
    wait_ready(lab.board(1));
    Ok(())
}

/// Waits until the last board that became a manager has the others on its disk. A node is ready before that, and a
/// manager that loses its power between the two never answers the others again.
pub(crate) fn wait_written(lab: &Lab) {
    // Two of three are a majority: what is agreed without the second is written by the third.
    lab.board(2).unplug().unwrap();
    shell(lab.board(1), "docker node update --label-add written=yes b1");
    lab.board(2).plug().unwrap();
    wait_ready(lab.board(1));
}

/// Waits until the board's engine says that all three are ready.
pub(crate) fn wait_ready(board: &Board) {
    within(async {
        let engine = board.engine().unwrap();
        while ready(&engine).await != ["b1", "b2", "b3"] {
            tokio::time::sleep(PAUSE).await;
        }
    });
}

/// The host names of the nodes that are ready.
async fn ready(engine: &Docker) -> Vec<String> {
    // Without a leader there is no list.
    let nodes = engine.list_nodes(None).await.unwrap_or_default();
    let is_ready = |node: &bollard::models::Node| {
        node.status.as_ref().and_then(|status| status.state) == Some(NodeState::READY)
    };
    let ready = nodes.into_iter().filter(is_ready);
    let mut names: Vec<String> = ready.filter_map(|node| node.description?.hostname).collect();
    names.sort();
    names
}

pub(crate) fn calls(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    within(async {
        let engine = program::import(board).await;
        program::start(&engine, "asked", "exec sleep 1000", None).await;
        let before = board.api_calls().unwrap();
        engine.list_containers(None).await.unwrap();
        engine.inspect_container("asked", None).await.unwrap();
        engine.ping().await.unwrap();
        let exec = CreateExecOptions { cmd: Some(vec!["true"]), ..CreateExecOptions::default() };
        let exec = engine.create_exec("asked", exec).await.unwrap();
        engine.start_exec(&exec.id, None).await.unwrap();
        assert_eq!(board.api_calls().unwrap(), before);

        let volume =
            VolumeCreateRequest { name: Some("counted".to_owned()), ..VolumeCreateRequest::default() };
        engine.create_volume(volume).await.unwrap();
        engine.remove_volume("counted", None::<RemoveVolumeOptions>).await.unwrap();
        program::remove(&engine, "asked").await;
        let told = board.api_calls().unwrap();
        assert_eq!(
            told[before.len()..],
            ["POST /volumes/create", "DELETE /volumes/counted", "DELETE /containers/asked"]
        );
        assert!(before.contains(&"POST /containers/asked/start".to_owned()), "{before:?}");
        // Nor does a restart of the engine forget.
        board.kill_engine().unwrap();
        board.start_engine().unwrap();
        assert_eq!(board.api_calls().unwrap(), told);
    });
    Ok(())
}
