//! Where commands log: to standard error, so that standard output is the answer alone.

use tracing_subscriber::EnvFilter;

use super::global;

/// Logs what `PIRACK_LOG` asks for, or what `otherwise` does.
pub(crate) fn to_stderr(otherwise: &str) {
    let filter = EnvFilter::try_from_env("PIRACK_LOG").unwrap_or_else(|_| EnvFilter::new(otherwise));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    builder.with_ansi(global::colour(&std::io::stderr())).with_writer(std::io::stderr).init();
}
