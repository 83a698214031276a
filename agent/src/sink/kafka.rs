//! Records to Kafka.
