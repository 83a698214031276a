//! What a person may do to an embedded rack: the trait that faces call and whoever runs the rack keeps.

/// The levers of an embedded rack. Every call returns at once; what came of it shows in the snapshot.
pub trait Controls: Send + Sync {
    /// Pulls a board's link: its agent goes on reading and queueing, nothing leaves it.
    ///
    /// # Errors
    /// When there is no such board, or its link cannot be pulled.
    fn unplug(&self, board: &str) -> Result<(), ControlError>;

    /// Puts a board's link back.
    ///
    /// # Errors
    /// As [`Controls::unplug`].
    fn plug(&self, board: &str) -> Result<(), ControlError>;

    /// Stops the broker; it comes back by itself after `seconds`.
    ///
    /// # Errors
    /// When this rack's broker is not ours to stop.
    fn stop_broker(&self, seconds: f64) -> Result<(), ControlError>;

    /// Starts the broker now.
    ///
    /// # Errors
    /// As [`Controls::stop_broker`].
    fn start_broker(&self) -> Result<(), ControlError>;
}

/// Why a lever was not pulled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No board of that name.
    #[error("no board is named {board}; boards: {boards}")]
    UnknownBoard {
        /// The name that was asked for.
        board: String,
        /// The names there are, with commas.
        boards: String,
    },
    /// The lever is there and is not to be pulled now; says why and what to do.
    #[error("{0}")]
    Refused(String),
}
