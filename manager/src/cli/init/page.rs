//! The file that `pirack init` writes: what was answered, and as comments what may be added.

use std::fmt::Write as _;

use super::answers::{Answers, Boards, DataDisks, Stacks};

/// So many boards need not say what they are for.
const SMALL: usize = 3;

/// The file's text.
pub(super) fn page(answers: &Answers) -> String {
    let Answers { name, boards, user, stacks, data_disks } = answers;
    let mut text = format!(
        "# The rack \"{name}\". docs/rack.md tells of every key.\n\
         #\n\
         #     pirack check       is this file right?\n\
         #     pirack preflight   are the boards?\n\
         #     pirack apply       make it so\n\n\
         version = 1\nname = \"{name}\"\n\n\
         # How the boards are reached: as root, or as somebody with sudo without a password.\n\
         [ssh]\nuser = \"{user}\"\n# identity = \"~/.ssh/{name}\"   # a private key; else those that ssh finds by itself\n\n"
    );
    text += if needs_roles(boards, *stacks) {
        "# admin: shows the rack and tells the time · manager: holds the swarm · worker: Kafka, Cassandra · app: the rest\n"
    } else {
        "# Each board is manager and worker, and takes apps; the first is the admin too.\n"
    };
    text += "# place = \"left\" at boards of one plug or switch puts copies into different places.\n\n";
    for (index, (board, address)) in boards.0.iter().enumerate() {
        // Writing to a String never fails.
        let _ = write!(text, "[[board]]\nname = \"{board}\"\naddress = \"{address}\"\n");
        if needs_roles(boards, *stacks) {
            let _ = writeln!(text, "roles = [{}]", roles(index, boards.0.len(), *stacks));
        }
        if let Some((_, uuid)) = data_disks.0.iter().find(|(name, _)| name == board) {
            let _ = writeln!(text, "data_disk = {{ uuid = \"{uuid}\" }}");
        }
        text.push('\n');
    }
    if data_disks == &DataDisks::default() {
        text += "# Data belong on a disk, not on an SD card. Below its board, as lsblk -o NAME,UUID tells it;\n\
                 # `pirack preflight --fix` mounts it at /srv/data:\n\
                 # data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\" }\n\n";
    }
    text += &stacks_text(*stacks);
    text.trim_end().to_owned() + "\n"
}

fn stacks_text(stacks: Stacks) -> String {
    let mut text = String::new();
    if stacks.kafka {
        text += "# A broker on every worker. Heaps and limits follow from each board's memory.\n[kafka]\n\n";
    }
    if stacks.cassandra && stacks.stargate {
        text += "# A node on every worker; 4.0, since Stargate speaks to no newer one.\n[cassandra]\nversion = \"4.0\"\n\n\
                 # GraphQL over the ring, on a board without Cassandra.\n[stargate]\n\n";
    } else if stacks.cassandra {
        text += "# A node on every worker, three copies of each row where there are three.\n[cassandra]\n\n";
    }
    text
}

/// Stargate wants a board without Cassandra, which roles give it.
fn needs_roles(boards: &Boards, stacks: Stacks) -> bool {
    boards.0.len() > SMALL || stacks.stargate
}

/// The first three manage and the first is the admin; all are workers, but for the last where an app's board is
/// wanted: in a rack of more than three, or for Stargate.
fn roles(index: usize, boards: usize, stacks: Stacks) -> String {
    let managers = if boards < 3 { 1 } else { 3 };
    let app = boards > 1 && index + 1 == boards && (stacks.stargate || boards > SMALL + 1);
    let roles = [("admin", index == 0), ("manager", index < managers), ("worker", !app), ("app", app)];
    let named: Vec<String> =
        roles.iter().filter(|(_, has)| *has).map(|(role, _)| format!("\"{role}\"")).collect();
    named.join(", ")
}
