//! How often a message is kept, as a rule over the number of brokers: one broker is a rack too.

/// How many replicas, and how many of them may be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replication {
    /// Never more replicas than this.
    pub most: usize,
    /// Writing goes on while so many of them are away.
    pub spare: usize,
}

impl Replication {
    /// The rule, where it keeps anything at all; otherwise what is wrong with it and what to do.
    pub(super) fn checked(most: usize, spare: usize) -> Result<Self, (String, &'static str)> {
        if most == 0 || spare >= most {
            let what = format!("replication: most = {most} with spare = {spare}");
            return Err((what, "keep at least one replica, and spare fewer than there are"));
        }
        Ok(Self { most, spare })
    }

    /// Replicas of a topic that is created among so many brokers.
    #[must_use]
    pub fn replicas(self, brokers: usize) -> usize {
        brokers.clamp(1, self.most)
    }

    /// `min.insync.replicas` of a topic with so many replicas.
    #[must_use]
    pub fn in_sync(self, replicas: usize) -> usize {
        replicas.saturating_sub(self.spare).max(1)
    }
}
