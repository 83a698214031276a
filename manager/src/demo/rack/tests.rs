use pirack_agent::run::SystemClock;

use super::*;
use crate::watch::{History, Settings, Watcher};

/// One simulated board and this machine, read so rarely that nothing depends on what they say.
struct Lab {
    scratch: Scratch,
    live: Arc<Live>,
    history: Arc<History>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::at(&folder.path().join("scratch"));
        let history = Arc::new(History::open(&scratch.history()).unwrap());
        let live = Arc::new(Live::new("demo", Duration::from_secs(60)));
        Self { scratch, live, history, folder }
    }

    async fn start(&self) -> Result<(Watcher, Arc<Rack>), RackError> {
        let broker = Broker::start().unwrap();
        let settings = Settings::new(broker.address());
        let watcher = Watcher::start(&settings, Arc::clone(&self.live), Arc::clone(&self.history)).unwrap();
        let ground = Ground {
            boards: 2,
            interval: Duration::from_secs(60),
            scratch: &self.scratch,
            clock: Arc::new(SystemClock::new().unwrap()),
            seed: 1,
        };
        let rack = Rack::start(&ground, broker, Arc::clone(&self.live), watcher.herald()).await?;
        Ok((watcher, rack))
    }
}

#[tokio::test]
async fn no_lever_moves_once_the_demonstration_ends() {
    let lab = Lab::new();
    let (_watcher, rack) = lab.start().await.unwrap();
    rack.unplug("m1").unwrap();
    rack.stop_broker(600.0).unwrap();
    let leavings = rack.stop(Duration::from_secs(30)).await;
    assert_eq!(leavings.len(), 3);
    let refused = Err(ControlError::Refused("the demonstration is ending".to_owned()));
    assert_eq!(rack.stop_broker(20.0), refused);
    assert_eq!(rack.start_broker(), refused);
    assert_eq!(rack.unplug("m1"), refused);
    assert_eq!(rack.plug("m1"), refused);
    assert_eq!(lab.live.snapshot().broker.state, BrokerState::Running);
}

#[tokio::test]
async fn a_rack_that_cannot_start_whole_lets_go_of_what_had_started() {
    let lab = Lab::new();
    let obstacle = lab.folder.path().join("scratch/boards/m1");
    std::fs::create_dir_all(obstacle.parent().unwrap()).unwrap();
    std::fs::write(&obstacle, "not a folder").unwrap();
    let error = lab.start().await.err().unwrap();
    assert!(matches!(error, RackError::Agent(_)), "{error}");
    std::fs::remove_file(&obstacle).unwrap();
    // The admin's queue had been opened; were it still held, this would be refused.
    let (_watcher, rack) = lab.start().await.unwrap();
    assert_eq!(rack.stop(Duration::from_secs(30)).await.len(), 3);
}
