//! Charts out of the rack's Cassandra: `images/cassandra/schema.cql`, one partition a board and UTC day.
//!
//! The connection is made when somebody first looks at a chart, and kept. Every question has a deadline, and a
//! cluster that did not answer is left alone for a few seconds. Rows are thinned as they come, so that a long
//! window costs time and no memory. A record whose board had no clock lies under the date that the board believed
//! in, and is in no chart of the present.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use scylla::client::PoolSize;
use scylla::client::caching_session::CachingSession;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session_builder::SessionBuilder;
use scylla::serialize::row::SerializeRow;
use scylla::statement::Consistency;
use scylla::value::{CqlDate, CqlTimestamp};
use tokio::sync::{Mutex, MutexGuard};

use super::history::{HEALTH_FIELDS, HistoryError, MOST_POINTS, Points};

/// How long one chart may take.
const ANSWERING: Duration = Duration::from_secs(8);
/// How long a node may take to take a connection.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long a cluster that did not answer is left alone.
const AGAIN: Duration = Duration::from_secs(5);
/// Statements kept prepared: one a field and one for sensors.
const STATEMENTS: usize = 32;
/// Rows that are fetched at once.
const PAGE: i32 = 2000;
/// `date` counts days from so long before 1970, see CQL's native protocol, section 6.5.
const EPOCH: i64 = 1 << 31;
const DAY_SECONDS: i64 = 86_400;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The rack's records in Cassandra.
pub struct Archive {
    nodes: Vec<String>,
    keyspace: String,
    inner: Mutex<Inner>,
    /// Whether it is known, and said, that it does not answer.
    silent: AtomicBool,
}

#[derive(Default)]
struct Inner {
    session: Option<std::sync::Arc<CachingSession>>,
    again_at: Option<Instant>,
}

impl Archive {
    /// That at these nodes, each `host:port`, in this keyspace. Nothing is asked yet.
    #[must_use]
    pub fn new(nodes: Vec<String>, keyspace: &str) -> Self {
        Self { nodes, keyspace: keyspace.to_owned(), inner: Mutex::default(), silent: AtomicBool::new(false) }
    }

    /// The points of a chart, as [`super::History::points`] has them.
    ///
    /// # Errors
    /// When a health record has no such number, or Cassandra does not answer in time.
    pub async fn points(
        &self,
        board: &str,
        series: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Points, HistoryError> {
        let question = Question::of(&self.keyspace, board, series)?;
        let window = Window { since, until };
        let asked = tokio::time::timeout(ANSWERING, self.ask(&question, window)).await;
        let answer = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", ANSWERING.as_secs()).into()));
        match &answer {
            Ok(_) if self.silent.swap(false, Ordering::Relaxed) => {
                tracing::info!("Cassandra answers again: charts have their past");
            }
            Err(error) if !self.silent.swap(true, Ordering::Relaxed) => {
                let error: &dyn std::error::Error = error.as_ref();
                tracing::warn!(error, "Cassandra does not answer: charts have no past");
            }
            _ => {}
        }
        let (unit, points) =
            answer.map_err(|source| HistoryError::Archive { address: self.nodes.join(","), source })?;
        Ok(Points { series: series.to_owned(), unit, points })
    }

    async fn ask(&self, question: &Question, window: Window) -> Result<(String, Vec<(f64, f64)>), Failure> {
        let session = self.session().await?;
        let mut thin = Thin::over(window);
        let mut unit = question.unit.clone();
        let (from, to) =
            (CqlTimestamp(window.since.as_millisecond()), CqlTimestamp(window.until.as_millisecond()));
        for date in window.dates() {
            match &question.of {
                Of::Health { board } => {
                    let rows = rows(&session, &question.cql, (board, date, from, to)).await?;
                    let mut rows = rows.rows_stream::<(CqlTimestamp, Option<f64>)>()?;
                    while let Some(row) = rows.next().await {
                        let (time, value) = row?;
                        value.into_iter().for_each(|value| thin.push(time.0, value));
                    }
                }
                Of::Sensor { board, sensor, quantity } => {
                    let rows =
                        rows(&session, &question.cql, (board, sensor, date, quantity, from, to)).await?;
                    let mut rows = rows.rows_stream::<(CqlTimestamp, Option<f64>, Option<String>)>()?;
                    while let Some(row) = rows.next().await {
                        let (time, value, its) = row?;
                        value.into_iter().for_each(|value| thin.push(time.0, value));
                        its.into_iter().for_each(|its| unit = its);
                    }
                }
            }
        }
        Ok((unit, thin.points()))
    }

    async fn session(&self) -> Result<std::sync::Arc<CachingSession>, Failure> {
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock().await;
        if let Some(session) = &inner.session {
            return Ok(std::sync::Arc::clone(session));
        }
        if inner.again_at.is_some_and(|at| Instant::now() < at) {
            return Err("it did not answer a moment ago".into());
        }
        // Noted first: a question whose deadline passes is dropped in the middle of what follows.
        inner.again_at = Some(Instant::now() + AGAIN);
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::LocalOne)
            .request_timeout(Some(ANSWERING))
            .build();
        let session = SessionBuilder::new()
            .known_nodes(&self.nodes)
            .default_execution_profile_handle(profile.into_handle())
            .connection_timeout(CONNECTING)
            .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
            .fetch_schema_metadata(false)
            .keepalive_interval(Duration::from_secs(10))
            .keepalive_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .build()
            .await?;
        let session = std::sync::Arc::new(CachingSession::from(session, STATEMENTS));
        inner.session = Some(std::sync::Arc::clone(&session));
        Ok(session)
    }
}

async fn rows(
    session: &CachingSession,
    cql: &str,
    values: impl SerializeRow,
) -> Result<scylla::client::pager::QueryPager, Failure> {
    let mut statement = scylla::statement::Statement::new(cql);
    statement.set_page_size(PAGE);
    Ok(session.execute_iter(statement, values).await?)
}

/// What is asked, as CQL.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    cql: String,
    /// The unit, where it is known beforehand.
    unit: String,
    of: Of,
}

#[derive(Debug, PartialEq, Eq)]
enum Of {
    Health { board: String },
    Sensor { board: String, sensor: String, quantity: String },
}

impl Question {
    fn of(keyspace: &str, board: &str, series: &str) -> Result<Self, HistoryError> {
        let board = board.to_owned();
        if let Some((sensor, quantity)) = series.rsplit_once('/') {
            let cql = format!(
                "SELECT time, value, unit FROM {keyspace}.readings_by_sensor_date WHERE node = ? AND sensor = ? \
                 AND date = ? AND quantity = ? AND time >= ? AND time <= ?"
            );
            let (sensor, quantity) = (sensor.to_owned(), quantity.to_owned());
            return Ok(Self { cql, unit: String::new(), of: Of::Sensor { board, sensor, quantity } });
        }
        let field = series.strip_prefix("health.").unwrap_or(series);
        let known = HEALTH_FIELDS.iter().find(|(name, _)| *name == field);
        // Only a name of that list gets into the statement.
        let Some((field, unit)) = known else { return Err(HistoryError::UnknownField(field.to_owned())) };
        let cql = format!(
            "SELECT time, CAST({field} AS double) FROM {keyspace}.node_health_by_node_date WHERE node = ? \
             AND date = ? AND time >= ? AND time <= ?"
        );
        Ok(Self { cql, unit: (*unit).to_owned(), of: Of::Health { board } })
    }
}

/// From when to when.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    until: Timestamp,
}

impl Window {
    /// The days that it touches, newest first, as rows come.
    fn dates(self) -> impl Iterator<Item = CqlDate> {
        let day = |time: Timestamp| time.as_second().div_euclid(DAY_SECONDS);
        let days = day(self.since)..=day(self.until);
        days.rev().filter_map(|day| u32::try_from(day + EPOCH).ok().map(CqlDate))
    }
}

/// Keeps one row of each thousandth of a window: the newest, since rows come newest first.
#[derive(Debug)]
struct Thin {
    since: i64,
    width: i64,
    last: Option<i64>,
    points: Vec<(f64, f64)>,
}

impl Thin {
    fn over(window: Window) -> Self {
        let (since, until) = (window.since.as_millisecond(), window.until.as_millisecond());
        Self { since, width: ((until - since) / MOST_POINTS + 1).max(1), last: None, points: Vec::new() }
    }

    fn push(&mut self, time: i64, value: f64) {
        let slot = (time - self.since).div_euclid(self.width);
        if self.last != Some(slot) {
            self.last = Some(slot);
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 have 41 bits")]
            self.points.push((time as f64 / 1000.0, value));
        }
    }

    /// Oldest first.
    fn points(mut self) -> Vec<(f64, f64)> {
        self.points.reverse();
        self.points
    }
}

#[cfg(test)]
mod tests;
