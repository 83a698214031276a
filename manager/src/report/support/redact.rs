//! Takes out of a text whatever lets somebody in: the one way by which a text gets into a bundle.
//!
//! It knows shapes (private keys, join tokens, logins in URLs), values beside names that are likely a secret's, and
//! the rack's own secrets by their values. What it cannot know is a secret of neither kind, in a log
//! line that does not say what it is: so a bundle is plain text, and is read before it is sent.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use super::names::Names;

/// What stands in the place of what was taken out.
pub const TAKEN: &str = "[redacted]";
/// Shorter values would be taken out of the middle of words.
const SHORTEST: usize = 6;
/// Where files are: what begins so says where a secret is read.
const PLACES: [&str; 13] = [
    "/etc/", "/run/", "/var/", "/usr/", "/opt/", "/srv/", "/mnt/", "/tmp/", "/home/", "/root/", "~/", "./",
    "../",
];

/// Its rules.
#[derive(Debug)]
pub struct Redactor {
    rules: Vec<Rule>,
    names: Names,
    /// The rack's own secrets, longest first, so that none is taken out in part.
    known: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    shape: Regex,
    kind: Kind,
}

/// What of a match goes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// All of it.
    Whole,
    /// The group `value`; the rest stays.
    Value,
}

impl Redactor {
    /// With the values of the rack's own secrets.
    ///
    /// # Errors
    /// Never in practice: the shapes are fixed, and tested.
    pub fn knowing(secrets: impl IntoIterator<Item = String>) -> Result<Self, regex::Error> {
        let shapes = [
            // PEM, also one whose end is cut off; on one line too, as JSON writes it.
            (
                Kind::Whole,
                r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)"
                    .to_owned(),
            ),
            (Kind::Whole, r"\bSWM(?:TKN|KEY)-[A-Za-z0-9+/=-]+".to_owned()),
            // Shapes that say themselves what they are: JWT, GitHub, AWS.
            (Kind::Whole, r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*".to_owned()),
            (Kind::Whole, r"\bgh[pousr]_[A-Za-z0-9]{20,}\b".to_owned()),
            (Kind::Whole, r"\bAKIA[A-Z0-9]{16}\b".to_owned()),
            (Kind::Value, r#"\b[a-z][a-z0-9+.-]*://(?P<value>[^\s/@:]*:[^\s/?#"]*)@"#.to_owned()),
            (
                Kind::Value,
                r#"\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+(?P<value>[^\s"',]+)"#.to_owned(),
            ),
            (Kind::Value, r"\bbearer\s+(?P<value>[A-Za-z0-9+/=._~-]{16,})".to_owned()),
            // A hash of a password is a password to whoever has time: $6$..., $2b$..., $y$...
            (Kind::Whole, r"\$(?:1|2[aby]|5|6|y)\$[./A-Za-z0-9$]{13,}".to_owned()),
        ];
        let rule = |(kind, shape): (Kind, String)| {
            let shape = RegexBuilder::new(&shape).case_insensitive(true).build()?;
            Ok(Rule { shape, kind })
        };
        let rules = shapes.into_iter().map(rule).collect::<Result<_, regex::Error>>()?;
        // A secret of several lines may stand line by line.
        let lines = |secret: String| {
            let lines: Vec<String> = secret.lines().map(|line| line.trim().to_owned()).collect();
            std::iter::once(secret.trim().to_owned()).chain(lines)
        };
        // And in JSON, or as Rust writes a text for its programmers, where a quote has a backslash before it.
        let written = |line: String| {
            let json = serde_json::Value::from(line.as_str()).to_string();
            let debug = format!("{line:?}");
            let bare = [json, debug].map(|text| text[1..text.len() - 1].to_owned());
            std::iter::once(line).chain(bare)
        };
        let mut known: Vec<String> =
            secrets.into_iter().flat_map(lines).flat_map(written).filter(|s| s.len() >= SHORTEST).collect();
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        known.dedup();
        Ok(Self { rules, names: Names::new()?, known })
    }

    /// The text without secrets, and how many places were taken out.
    #[must_use]
    pub fn clean(&self, text: &str) -> (String, usize) {
        let mut taken = 0;
        let mut text = text.to_owned();
        for secret in &self.known {
            taken += text.matches(secret.as_str()).count();
            text = text.replace(secret.as_str(), TAKEN);
        }
        for rule in &self.rules {
            let replaced =
                rule.shape.replace_all(&text, |found: &Captures<'_>| rule.replacement(found, &mut taken));
            if let Cow::Owned(replaced) = replaced {
                text = replaced;
            }
        }
        let values = self.names.values(&text, is_told);
        for value in values.iter().rev() {
            text.replace_range(value.clone(), TAKEN);
        }
        (text, taken + values.len())
    }
}

impl Rule {
    fn replacement(&self, found: &Captures<'_>, taken: &mut usize) -> String {
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        match self.kind {
            Kind::Whole => {
                *taken += 1;
                TAKEN.to_owned()
            }
            Kind::Value => match (found.get(0), found.name("value")) {
                (Some(all), Some(value)) if !is_told(value.as_str()) => {
                    *taken += 1;
                    let (from, to) = (value.start() - all.start(), value.end() - all.start());
                    format!("{}{TAKEN}{}", &whole[..from], &whole[to..])
                }
                _ => whole.to_owned(),
            },
        }
    }
}

/// What is no secret whatever it stands beside: nothing at all, what was taken out already, a truth, a scheme, a
/// file's path.
fn is_told(value: &str) -> bool {
    let word = value.to_ascii_lowercase();
    value.is_empty()
        || value.starts_with(TAKEN.trim_end_matches(']'))
        || ["true", "false", "null", "none", "nil", "nothing", "-", "bearer", "basic"]
            .contains(&word.as_str())
        || PLACES.iter().any(|place| value.starts_with(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Redactor::knowing([]).unwrap().clean(text).0
    }

    #[test]
    fn tokens_keys_and_logins_are_taken_out_whatever_they_stand_in() {
        for (text, cleaned) in [
            (
                "join with SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awx 10.0.0.1:2377",
                "join with [redacted] 10.0.0.1:2377",
            ),
            ("SWMKEY-1-7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu8", "[redacted]"),
            ("pull https://ada:s3cret@registry.local/x", "pull https://[redacted]@registry.local/x"),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted]"),
            ("eyJhbGciOi.eyJzdWIiOiIx.c2ln done", "[redacted] done"),
            ("KAFKA_SASL_PASSWORD=hunter22 next=1", "KAFKA_SASL_PASSWORD=[redacted] next=1"),
            ("\"DB_PASSWORD\": \"hunter 22\",", "\"DB_PASSWORD\": \"[redacted]\","),
            ("password = \"a\\nb\"", "password = \"[redacted]\""),
            ("api_key: 'k-123456'", "api_key: '[redacted]'"),
            (
                "-Djavax.net.ssl.keyStorePassword=changeit -Xmx1g",
                "-Djavax.net.ssl.keyStorePassword=[redacted] -Xmx1g",
            ),
            ("X-Cassandra-Token: 3f8a-11", "X-Cassandra-Token: [redacted]"),
            ("run --auth-token t0p5ecret --port 80", "run --auth-token [redacted] --port 80"),
            ("root:$6$abcdefgh$0123456789abcdefghij:19000", "root:[redacted]:19000"),
            ("secret_token: abcdefgh", "secret_token: [redacted]"),
            ("{\"authToken\":\"5d-22\"}", "{\"authToken\":\"[redacted]\"}"),
            ("\"DB_PWD\": \"pwdsecret14\",", "\"DB_PWD\": \"[redacted]\","),
            ("\"DB_PWD\": \"12345\",", "\"DB_PWD\": \"[redacted]\","),
            ("ENCRYPTION_KEY=a,b c", "ENCRYPTION_KEY=[redacted],b c"),
            ("[\"ENCRYPTION_KEY=a,b c\"]", "[\"ENCRYPTION_KEY=[redacted]\"]"),
            ("MASTERKEY = 'x y'", "MASTERKEY = '[redacted]'"),
            ("[\"run\",\"--token\",\"cmdsecret7\"]", "[\"run\",\"--token\",\"[redacted]\"]"),
            ("[\n \"--db-password\",\n \"listsecret20\"\n]", "[\n \"--db-password\",\n \"[redacted]\"\n]"),
            ("env.DB_PWD: \"old\" -> \"new\"", "env.DB_PWD: \"[redacted]\" -> \"[redacted]\""),
            ("command: [\"--token\",\"old\"] -> nothing", "command: [\"--token\",\"[redacted]\"] -> nothing"),
            (
                "\"io.pirack.identity\": \"{\\\"rack\\\":\\\"desk\\\",\\\"secret_key\\\":\\\"5f0c-9e\\\"}\"",
                "\"io.pirack.identity\": \"{\\\"rack\\\":\\\"desk\\\",\\\"secret_key\\\":\\\"[redacted]\\\"}\"",
            ),
            ("amqp://u:p@ss@h/x", "amqp://[redacted]@h/x"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
    }

    #[test]
    fn a_private_key_goes_whole_on_many_lines_on_one_and_cut_short() {
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(clean(&format!("before\n{key}\nafter")), "before\n[redacted]\nafter");
        assert_eq!(clean(&key.replace('\n', "\\n")), "[redacted]");
        assert_eq!(clean(&key[..60]), "[redacted]");
        let public = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
        assert_eq!(clean(public), public, "a certificate is for everybody");
    }

    #[test]
    fn the_racks_own_secrets_go_by_their_values_line_by_line_and_in_the_middle_of_a_word() {
        let secrets = ["correct horse battery\nstaple-of-1844\n".to_owned(), "abc".to_owned()];
        let redactor = Redactor::knowing(secrets).unwrap();
        let (text, taken) = redactor.clean("x=<correct horse battery> staple-of-1844! abc");
        assert_eq!((text.as_str(), taken), ("x=<[redacted]> [redacted]! abc", 2));
        let quoted = r#"pa"ss\word-9"#;
        let redactor = Redactor::knowing([quoted.to_owned()]).unwrap();
        let json = serde_json::json!({ "text": format!("a {quoted} b") }).to_string();
        assert_eq!(redactor.clean(&json).0, r#"{"text":"a [redacted] b"}"#);
        assert_eq!(redactor.clean(&format!("{:?}", [quoted])).0, "[\"[redacted]\"]");
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for text in [
            "secrets = { db = { file = \"/etc/pirack/db\" } }",
            "num_tokens: 16",
            "authenticator: AllowAllAuthenticator",
            "the token of the swarm was rotated",
            "password_encoder = none",
            "sha256:9f86d081884c7d659a2feaa0c55ad015",
            "https://docs.docker.com:443/engine",
            "PasswordAuthentication: false",
            "delegation.token.max.lifetime.ms = 604800000",
            "dockerd --tlskey=/etc/docker/server-key.pem --tlscert /etc/docker/server.pem",
            "[\"--tlskey\", \"/run/secrets/key.pem\", \"--password-file\", \"/run/secrets/db\"]",
            "public_key = \"ssh-ed25519 AAAAC3Nza\"",
            "\"CertIssuerPublicKey\": \"MFkwEwYHKoZI\"",
            "host_key: ssh-ed25519 AAAAC3Nza",
            "host_keys = [\"ssh-ed25519 AAAAC3Nza\"]",
            "b1 shows the host key SHA256:2kz0vXr8 (ED25519)",
            "env.HEAP: \"1G\" -> \"2G\"",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn cleaning_twice_takes_no_more() {
        let once = clean("token=abcdef password: \"x y\" https://a:b@c/ SWMTKN-1-aa-bb");
        assert_eq!(clean(&once), once);
    }
}
