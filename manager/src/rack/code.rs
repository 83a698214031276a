//! The codes of everything that can be wrong with a rack's file. A code never changes its meaning, and one that
//! is no more needed is not given to another; docs/rack.md lists them all.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// There is no rack in this file.
    Error,
    /// There is, and somebody should know this of it.
    Warning,
}

macro_rules! codes {
    ($($name:ident $number:literal $severity:ident $meaning:literal;)*) => {
        /// What is wrong, for programs and for people who search.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// `RF` and three digits.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $number,)* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it means, as docs/rack.md says it.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    Unreadable "RF001" Error "the file is not there, cannot be read, or is no text";
    Syntax "RF002" Error "the text is not TOML";
    NoVersion "RF003" Error "the file does not say which version of the format it is";
    OtherVersion "RF004" Error "the file's version is not one that this program reads";
    UnknownKey "RF005" Error "a key that the format does not have";
    WrongKind "RF006" Error "a value of another type than its key takes";
    Missing "RF007" Error "something without a default is not said";
    Range "RF008" Error "a number or a time outside of its range";
    Size "RF009" Error "a text that is no size";
    Time "RF010" Error "a text that is no time";
    Name "RF011" Error "a text that is no name of its kind";
    TwoNames "RF012" Error "two things of one name";
    Address "RF013" Error "a text that is no board's address";
    TwoAddresses "RF014" Error "two boards at one address";
    Path "RF015" Error "a path that leads nowhere";
    Contradiction "RF016" Error "two keys of which one excludes the other";
    RoleUnknown "RF020" Error "a role that does not exist";
    RolesMissing "RF021" Error "a board of a rack of more than three without roles";
    NoManager "RF022" Error "a rack without a manager";
    EvenManagers "RF023" Warning "an even number of managers: one more than needed for what may fail";
    TwoAdmins "RF024" Error "more than one admin";
    NoAdmin "RF025" Warning "a rack without an admin: nobody serves, nobody tells the time";
    HostKey "RF026" Error "a text that is no host key";
    DiskUuid "RF027" Error "a text that is no UUID of a file system";
    Sensor "RF028" Error "a sensor that its agent would refuse";
    DiskTwice "RF029" Error "one disk's UUID at two boards";
    NoSuchBoard "RF030" Error "a board that the file does not have";
    NamedTwice "RF031" Error "a board, or a role, that one list names twice";
    NoBoards "RF032" Error "a stack or an app without a board to run on";
    WrongRole "RF033" Error "a board whose roles do not fit what it is named for";
    Image "RF034" Error "a text that is no image";
    ImageVersion "RF035" Error "an image without a version, or `latest`";
    Voters "RF036" Error "another number of voters than 1, 3 or 5";
    KafkaSettings "RF037" Error "settings of Kafka that it cannot have";
    OtherImage "RF038" Error "an image of another program than its section's, or of another version than its companion's";
    SeedNoNode "RF040" Error "a seed that is none of Cassandra's nodes";
    Replication "RF041" Error "more copies than Cassandra has nodes";
    CassandraVersion "RF042" Error "a Cassandra of which the version is unknown or contradictory";
    PlacesUneven "RF043" Warning "fewer places than copies: rows pile up where a place is small";
    StargateVersion "RF044" Error "Stargate without a Cassandra that it can speak to";
    StargateBeside "RF045" Error "Stargate on a board with Cassandra";
    TwoPlaces "RF046" Error "Cassandra at two places: a third node that is no seed could not choose its tokens";
    Memory "RF050" Error "a board with less memory than what runs on it may take";
    Heap "RF051" Error "a heap that does not fit its limit, or a young part its heap";
    Port "RF052" Error "two services on one port of a board";
    ReplicasPort "RF053" Error "more tasks on a board than its port can have";
    SecretValue "RF060" Error "a secret's value where a reference belongs";
    SecretReference "RF061" Error "a secret's reference that is none, or two for one name";
    SecretLike "RF062" Warning "a text that looks like a secret";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_of_a_kind_and_in_order() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        assert!(codes.iter().all(|code| code.len() == 5 && code.starts_with("RF")), "{codes:?}");
    }
}
