//! Secrets: never in the file, never in a problem, and read only from where nobody else can.

use std::os::unix::fs::PermissionsExt;

use super::*;

const APP: &str = "[[app]]\nname = \"web\"\nimage = \"nginx:1.29.3\"\n";

#[test]
fn a_secret_that_was_written_is_never_shown_however_wrong_the_file_is() {
    for written in [
        "secrets = { key = \"hunter2\" }",
        "secrets = \"hunter2\"",
        "secrets = [\"hunter2\"]",
        "secrets = { key = \"hunter2\", other = 5 }\nimage = 5",
        "secrets.key = \"hunter2\"",
        "password = \"hunter2\"",
        "env = { API_TOKEN = \"hunter2\" }",
        "env = { DB_PASS = \"hunter2\" }",
        "[app.env]\nAWS_SECRET_ACCESS_KEY = \"hunter2\"\nPRIVATE_KEY = \"hunter2\"",
        "[app.env]\nDATABASE_URL = \"postgres://u:hunter2@h/db\"\nA = \"\"\nimage = 5",
        "command = [\"--db=postgres://u:hunter2@h/db\", 5]",
        "command = [\"run\", \"--token\", \"hunter2\"]",
        "command = [\"run\", \"--db-password\",\n  \"hunter2\",\n  5]",
        "command = [\"sh\", \"-c\", \"run --api-key hunter2\"]",
        "[app.secrets]\nkey = \"hunter2\"\nother = { value = \"hunter2\" }",
        "[app.secrets]\nkey = { file = \"x\", note = \"hunter2\" }",
        // No TOML at all.
        "[app.secrets]\nkey = \"hunter2",
        "[app.secrets]\nkey = hunter2",
        "[app.secrets]\nkey \"hunter2\"",
        "secrets = { key = \"hunter2\" \n",
        "db_password = 'hunter2\nx = 1",
        "db = 'postgres://u:hunter2@h\nx = 1",
        "command = [\"--token\", \"hunter2\"\nx = 1",
        "command = [\n\"--token\", \"hunter2\"\nx = 1",
    ] {
        let (_, problems) = read::of_text(&format!("{LEAST}{APP}{written}\n"), Path::new("/r/rack.toml"));
        let told = problems.render(100, false);
        assert!(!problems.is_empty(), "{written:?} passed");
        assert!(
            !told.contains("hunter2") && !format!("{problems:?}").contains("hunter2"),
            "{written:?}:\n{told}"
        );
    }
}

/// A rack whose app has these secrets, its file in this folder.
fn with_secrets(folder: &Path, secrets: &str) -> Rack {
    let text = format!("{LEAST}{APP}[app.secrets]\n{secrets}");
    parse(&text, &folder.join("rack.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn file(folder: &Path, name: &str, content: &str, mode: u32) {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn secrets_are_read_from_files_beside_the_racks_and_from_variables() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "key.pem", "one\n", 0o600);
    let rack = with_secrets(folder.path(), "key = { file = \"key.pem\" }\nlogin = { env = \"LOGIN\" }\n");
    let secrets = rack.secrets_with(|name| (name == "LOGIN").then(|| b"two".to_vec()));
    let secrets = secrets.all().unwrap();
    let values: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(values, [("key", &b"one\n"[..]), ("login", &b"two"[..])]);
}

#[test]
fn every_secret_that_is_not_there_is_told_by_its_place_and_not_by_its_value() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "open.pem", "hunter2", 0o644);
    file(folder.path(), "empty.pem", "", 0o600);
    file(folder.path(), "large.pem", &"x".repeat(500 * 1024 + 1), 0o600);
    let rack = with_secrets(
        folder.path(),
        "a = { file = \"open.pem\" }\nb = { file = \"empty.pem\" }\nc = { file = \"none.pem\" }\n\
         d = { env = \"NOT_SET\" }\ne = { file = \"large.pem\" }\nf = { file = \".\" }\n",
    );
    let read = rack.secrets_with(|_| None);
    let errors = read.all().unwrap_err();
    let told = errors.to_string();
    for words in [
        "open.pem has mode 0644",
        "empty.pem is empty",
        "none.pem",
        "variable NOT_SET",
        "larger",
        "no regular file",
    ] {
        assert!(told.contains(words), "{words:?} is not in:\n{told}");
    }
    assert_eq!(errors.0.len(), 6);
    assert!(!told.contains("hunter2"));
}

#[test]
fn one_name_is_one_secret() {
    let both = format!(
        "{LEAST}{APP}secrets = {{ key = {{ env = \"A\" }} }}\n{}secrets = {{ key = {{ env = \"B\" }} }}\n",
        APP.replace("web", "shop")
    );
    assert_eq!(wrong(&both).0, ["RF061"]);
    assert_eq!(wrong(&both.replace("\"B\"", "\"A\"")).0, Vec::<&str>::new());
}
