//! What an owner changes in the file, or in what it refers to.

use crate::Promise;
use crate::rack::Rack;

pub(crate) const PROMISES: &[Promise] = &[
    (
        "change::a_secret_with_another_value_reaches_its_app_alone_and_the_old_one_goes",
        Rack::a_secret_changes,
    ),
    ("change::a_brokers_setting_reaches_the_brokers_and_nobody_else", Rack::a_setting_changes),
    ("change::an_image_for_another_processor_is_refused_before_a_task_of_it_begins", Rack::foreign_image),
];

impl Rack {
    fn a_secret_changes(&mut self) {
        let page = self.container("page");
        assert_eq!(self.shell(&format!("docker exec {page} cat /run/secrets/key")), "first");
        let others = [self.container("kafka-b1"), self.container("cassandra-b1")];
        self.write_secret("second");
        let (code, plan) = self.file.asked(&["plan"]);
        assert_eq!(code, Some(2));
        assert!(!plan.to_string().contains("second"), "a plan shows no secret's value: {plan:#}");
        self.file.ends_with(&["apply"], 0);
        self.when_page_has("second");
        assert_eq!(self.shell("docker secret ls -q | wc -l"), "1", "the old one is gone");
        assert_eq!([self.container("kafka-b1"), self.container("cassandra-b1")], others);
        self.file.ends_with(&["plan"], 0);
    }

    fn a_setting_changes(&mut self) {
        let (broker, others) =
            (self.container("kafka-b1"), [self.container("cassandra-b1"), self.container("page")]);
        self.threads = 4;
        self.write_file();
        self.file.ends_with(&["apply"], 0);
        self.file.when_healthy();
        assert_ne!(self.container("kafka-b1"), broker);
        assert_eq!([self.container("cassandra-b1"), self.container("page")], others);
        let env = self.shell(&format!("docker exec {} env", self.container("kafka-b1")));
        assert!(env.contains("KAFKA_NUM_IO_THREADS=4"), "{env}");
        self.file.ends_with(&["plan"], 0);
    }

    fn foreign_image(&mut self) {
        let image = format!("{}/foreign:1", self.lab.registry());
        let other = if std::env::consts::ARCH == "aarch64" { "amd64" } else { "arm64" };
        // An image of nothing, which says of itself that it is for another processor.
        self.shell(&format!(
            r#"set -e; d=$(mktemp -d); tar -c -T /dev/null | docker import - {image} >/dev/null
docker save {image} | tar -x -C $d; docker image rm {image} >/dev/null
sed -i 's/"architecture":"[a-z0-9]*"/"architecture":"{other}"/' $d/*.json
tar -c -C $d . | docker load >/dev/null; docker push -q {image}; docker image rm {image} >/dev/null"#
        ));
        let running = self.container("page");
        let own = std::mem::replace(&mut self.page, image);
        self.write_file();
        let said = self.file.ends_with(&["apply"], 1).err.join("\n");
        assert!(said.contains(&format!("its programs are for {other}")), "{said}");
        assert_eq!(self.container("page"), running, "the app runs as before");
        self.page = own;
        self.write_file();
        self.file.ends_with(&["apply"], 0);
    }
}
