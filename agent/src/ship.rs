//! From the queue to a sink: the only place that moves cursors.
