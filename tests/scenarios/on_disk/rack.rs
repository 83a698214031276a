//! The rack of this story, and what its board is asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pirack_lab::{Failed, Lab, Spec, images};
use pirack_tests::rack::{self, QUICK_RING, RECOVERY, RackFile};
use pirack_tests::wait;

/// The disk that the file names; it begins with nothing on it.
pub(crate) const UUID: &str = "5b1c9a34-0d4e-4f0e-9a39-0f6b1f3c7d21";
const DISK_BYTES: u64 = 6 << 30;

/// The board, its file, and what the story changes there.
pub(crate) struct Rack {
    pub(crate) file: RackFile,
    pub(crate) threads: u32,
    /// The app's image.
    pub(crate) page: String,
    kafka: String,
    cassandra: String,
    /// Last, so that it is taken down last.
    pub(crate) lab: Lab,
}

impl Rack {
    pub(crate) fn spec() -> Spec {
        Spec::new(1).with_data_disk(DISK_BYTES).with_images(&["kafka", "cassandra-4.0"])
    }

    pub(crate) fn begin(lab: Lab) -> Result<Self, Failed> {
        let (kafka, cassandra) = (images::reference("kafka")?, images::reference("cassandra-4.0")?);
        // Nobody on a board may set this machine's clock: where chrony comes, it is told to leave it.
        fs::write(lab.board(1).path("/etc/default/chrony"), "DAEMON_OPTS=\"-F 0 -x\"\n")?;
        let page = format!("{}/idle:1", lab.registry());
        let rack = Self { file: RackFile::with(""), threads: 8, page, kafka, cassandra, lab };
        rack.make_idle();
        rack.write_file();
        rack.write_secret("first");
        Ok(rack)
    }

    pub(crate) fn write_file(&self) {
        let Self { lab, threads, kafka, cassandra, page, .. } = self;
        let roles = ["admin", "manager", "worker", "app"];
        let disk = format!(
            "memory = \"4GiB\"\ndata_disk = {{ uuid = \"{UUID}\", mount = \"/srv/data\", device = \"/dev/data\" }}"
        );
        let text = format!(
            r#"{}[agent]
enabled = false
[kafka]
image = "{kafka}"
heap = "256MiB"
limit = "640MiB"
[kafka.settings.properties]
"num.io.threads" = {threads}
[cassandra]
version = "4.0"
image = "{cassandra}"
heap = "384MiB"
young = "96MiB"
limit = "900MiB"
jvm_options = "{QUICK_RING}"
[[app]]
name = "page"
image = "{page}"
command = ["sleep", "infinity"]
[app.secrets]
key = {{ file = "key" }}
{}"#,
            rack::head(lab),
            rack::board(lab.board(1), &roles, &disk),
        );
        self.file.write(&text);
    }

    /// An image for the app: Kafka's, but that nobody asks it whether it is well.
    fn make_idle(&self) {
        let Self { kafka, page, .. } = self;
        self.shell(&format!(
            "docker create --name idle {kafka} && docker commit --change 'HEALTHCHECK NONE' idle {page} && docker push -q {page} && docker rm idle && docker image rm {page}"
        ));
    }

    /// Gives the app's secret this value.
    pub(crate) fn write_secret(&self, value: &str) {
        let path = self.file.path("key");
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Waits until the app runs by one task, and that has this secret.
    pub(crate) fn when_page_has(&self, value: &str) {
        wait::until("the app's new task", RECOVERY, || {
            let page = self.container("page");
            let reads = || self.shell(&format!("docker exec {page} cat /run/secrets/key || true")) == value;
            (!page.is_empty() && !page.contains('\n') && reads()).then_some(())
        });
    }

    /// What a line of shell prints on the board.
    pub(crate) fn shell(&self, line: &str) -> String {
        let output = self.lab.board(1).command("sh").args(["-c", line]).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {err}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The id of the container of this service's task.
    pub(crate) fn container(&self, service: &str) -> String {
        self.shell(&format!("docker ps -q --no-trunc --filter label=com.docker.swarm.service.name={service}"))
    }
}
