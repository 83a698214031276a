//! Which names are likely to have a secret beside them: the one list, by which a rack's file is judged and texts are
//! cleaned before somebody else reads them.
//!
//! A name is judged by its words, whatever parts them and however they are written. What it only says about a secret
//! (where it is read, how long it holds) is none, and neither is a key that everybody may know.

/// A word that ends so is of a secret, wherever in the name it stands: `authToken`, `keystorePassword`.
const ENDS: [&str; 9] =
    ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY"];
/// Or a word that is this one: longer ones that end so may be others, `OVERPASS_URL`,
const WORDS: [&str; 2] = ["PASS", "PWD"];
/// but for the last of the name, `DBPASS`,
const LAST: [&str; 3] = ["PASS", "PWD", "AUTHORIZATION"];
/// where it is none of these.
const OTHERS: [&str; 2] = ["BYPASS", "COMPASS"];
/// Keys whose kind may be said after them: `API_KEY_PROD`, `private_key_pem`.
const KEYS: [&str; 3] = ["ACCESS", "API", "PRIVATE"];
/// Keys that everybody may know.
const OPEN_KEYS: [&str; 5] = ["HOST", "PARTITION", "PRIMARY", "PUB", "PUBLIC"];
/// A last word that makes the name say something about a secret: `DB_PASSWORD_FILE`, `token.lifetime.ms`.
const ABOUT: [&str; 6] = ["ALGORITHM", "DIR", "FILE", "MS", "PATH", "STDIN"];

/// Whether a name says that its value is a secret.
pub(crate) fn is_likely(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let Some((last, before)) = words.split_last() else { return false };
    if ABOUT.contains(last) {
        return false;
    }
    let ends = |word: &str, all: &[&str]| all.iter().any(|end| word.ends_with(end));
    words.iter().any(|word| WORDS.contains(word) || ends(word, &ENDS))
        || ends(last, &LAST) && !ends(last, &OTHERS)
        || *last != "ID" && words.windows(2).any(|pair| KEYS.contains(&pair[0]) && pair[1] == "KEY")
        || is_secret_key(last, before)
}

/// Whether it is a key, and of what it is one is not for everybody. A mere `key` may be anything.
fn is_secret_key(last: &str, before: &[&str]) -> bool {
    let Some(stem) = last.strip_suffix("KEY") else { return false };
    let of = if stem.is_empty() { before.last().copied().unwrap_or_default() } else { stem };
    !of.is_empty() && !before.contains(&"PUBLIC") && !OPEN_KEYS.iter().any(|open| of.ends_with(open))
}

/// Whether a word of a command line is likely to have a secret behind it: `--db-password`, `-token`.
pub(crate) fn is_likely_flag(word: &str) -> bool {
    word.starts_with('-') && !word.contains(|c: char| c == '=' || c.is_whitespace()) && is_likely(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name() {
        for name in [
            "DB_PASS",
            "DBPASS",
            "DB_PWD",
            "MYSQL_PWD",
            "DB_PASSWORD",
            "PGPASSWORD",
            "GITHUB_TOKEN",
            "TOKEN_VALUE",
            "authToken",
            "PRIVATE_KEY",
            "privateKey",
            "private_key_pem",
            "APIKEY",
            "API_KEY_PROD",
            "ENCRYPTION_KEY",
            "MASTERKEY",
            "SECRET_KEY_BASE",
            "AWS_SECRET_ACCESS_KEY",
            "GOOGLE_CREDENTIALS",
            "Proxy-Authorization",
            "ssl.keystore.password",
            "-Djavax.net.ssl.keyStorePassword",
            "\"client-secret\"",
        ] {
            assert!(is_likely(name), "{name}");
        }
        for name in [
            "DB_PASSWORD_FILE",
            "SSH_KEY_PATH",
            "delegation.token.max.lifetime.ms",
            "--password-stdin",
            "PUBLIC_KEY",
            "publicKey",
            "PUBLIC_SSH_KEY",
            "CertIssuerPublicKey",
            "host_key",
            "HostKey",
            "host_keys",
            "partition_key",
            "KEY",
            "KEYSPACE",
            "MONKEYS",
            "PASSENGERS",
            "OVERPASS_URL",
            "BYPASS",
            "num_tokens",
            "AWS_ACCESS_KEY_ID",
            "PasswordAuthentication",
            "",
        ] {
            assert!(!is_likely(name), "{name}");
        }
    }

    #[test]
    fn a_flag_is_a_word_that_begins_with_a_dash_and_has_its_value_behind_it() {
        for word in ["--token", "--db-password", "-api-key"] {
            assert!(is_likely_flag(word), "{word}");
        }
        for word in ["token", "--token=abc", "--password-file", "- a token", "--port", "-"] {
            assert!(!is_likely_flag(word), "{word}");
        }
    }
}
