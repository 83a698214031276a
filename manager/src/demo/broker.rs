//! The embedded broker: librdkafka's own, speaking the real wire protocol on a port of this machine.
//!
//! It keeps 5 MiB or 100,000 messages a partition, so it is a channel, not a store; the history is the
//! store. Its handle may not change threads, so one thread owns it and takes orders.

use std::sync::mpsc;
use std::thread::JoinHandle;

use pirack_agent::record::{TOPIC_HEALTH, TOPIC_READINGS};
use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use tokio::sync::oneshot;

use crate::watch::TOPIC_EVENTS;

/// The cluster's only broker.
const BROKER: i32 = 1;

/// Partitions of each topic. Health and events are few; readings share their load over three.
const TOPICS: [(&str, i32); 3] = [(TOPIC_HEALTH, 1), (TOPIC_READINGS, 3), (TOPIC_EVENTS, 1)];

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// librdkafka could not make one.
    #[error("the embedded Kafka broker cannot start")]
    Start(#[source] KafkaError),
    /// Its thread is gone.
    #[error("the embedded Kafka broker has ended")]
    Gone,
    /// It refused an order.
    #[error("the embedded Kafka broker could not be {order}")]
    Order {
        /// "stopped" or "started".
        order: &'static str,
        /// In its own words.
        #[source]
        source: KafkaError,
    },
}

enum Order {
    Stop(oneshot::Sender<Result<(), KafkaError>>),
    Start(oneshot::Sender<Result<(), KafkaError>>),
}

/// A running broker; dropping it ends it.
pub(super) struct Broker {
    address: String,
    orders: Option<mpsc::SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Broker {
    /// Starts a broker on a free port of the loopback, with the rack's topics.
    ///
    /// # Errors
    /// When librdkafka cannot make one.
    pub(super) fn start() -> Result<Self, BrokerError> {
        let (orders, taken) = mpsc::sync_channel(4);
        let (ready, started) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("broker".into())
            .stack_size(256 * 1024)
            .spawn(move || keep(&ready, &taken))
            .map_err(|_| BrokerError::Gone)?;
        let address = started.recv().map_err(|_| BrokerError::Gone)?.map_err(BrokerError::Start)?;
        Ok(Self { address, orders: Some(orders), thread: Some(thread) })
    }

    /// Where any Kafka client finds it.
    #[must_use]
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Takes the broker down: every connection ends and none is taken. What it holds stays.
    ///
    /// # Errors
    /// When the broker is gone or refuses.
    pub(super) async fn stop(&self) -> Result<(), BrokerError> {
        self.order("stopped", Order::Stop).await
    }

    /// Brings it back, at the same address and with all it held.
    ///
    /// # Errors
    /// When the broker is gone or refuses.
    pub(super) async fn resume(&self) -> Result<(), BrokerError> {
        self.order("started", Order::Start).await
    }

    async fn order(
        &self,
        order: &'static str,
        make: impl FnOnce(oneshot::Sender<Result<(), KafkaError>>) -> Order,
    ) -> Result<(), BrokerError> {
        let (answer, answered) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or(BrokerError::Gone)?;
        orders.try_send(make(answer)).map_err(|_| BrokerError::Gone)?;
        let outcome = answered.await.map_err(|_| BrokerError::Gone)?;
        outcome.map_err(|source| BrokerError::Order { order, source })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A broker thread that panicked has nothing left to end.
            drop(thread.join());
        }
    }
}

fn keep(ready: &mpsc::SyncSender<Result<String, KafkaError>>, orders: &mpsc::Receiver<Order>) {
    let cluster = MockCluster::new(1).and_then(|cluster| {
        for (topic, partitions) in TOPICS {
            cluster.create_topic(topic, partitions, 1)?;
        }
        Ok(cluster)
    });
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(error) => {
            // Nobody waiting for the answer means nobody wants the broker.
            drop(ready.send(Err(error)));
            return;
        }
    };
    if ready.send(Ok(cluster.bootstrap_servers())).is_err() {
        return;
    }
    while let Ok(order) = orders.recv() {
        let (answer, outcome) = match order {
            Order::Stop(answer) => (answer, cluster.broker_down(BROKER)),
            Order::Start(answer) => (answer, cluster.broker_up(BROKER)),
        };
        // Whoever gave the order may have stopped waiting; it was carried out all the same.
        drop(answer.send(outcome));
    }
}
