-- A queue of a board: (board, queue uuid) is half of a record's name, the sequence is the other.
CREATE TABLE queues (
    id    INTEGER PRIMARY KEY,
    board TEXT NOT NULL,
    queue TEXT NOT NULL,
    UNIQUE (board, queue)
) STRICT;

-- What a reading has in common with all others of its kind.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    board    TEXT NOT NULL,
    sensor   TEXT NOT NULL,
    chip     TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit     TEXT NOT NULL,
    UNIQUE (board, sensor, chip, quantity)
) STRICT;

-- Every record has three times, each in Unix milliseconds:
--   time_ms     what the board's own clock said when it observed, right or wrong;
--   chart_ms    where a chart shows it: time_ms where that clock was synchronised, else reckoned from
--               the arrival and the seconds since the board's boot, and never later than the arrival;
--   arrived_ms  when this history took it in, by this machine's clock; records are let go by it.
CREATE TABLE readings (
    queue      INTEGER NOT NULL REFERENCES queues (id),
    sequence   INTEGER NOT NULL,
    time_ms    INTEGER NOT NULL,
    chart_ms   INTEGER NOT NULL,
    arrived_ms INTEGER NOT NULL,
    series     INTEGER NOT NULL REFERENCES series (id),
    value      REAL NOT NULL,
    quality    TEXT NOT NULL,
    PRIMARY KEY (queue, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX readings_chart ON readings (series, chart_ms, value);

-- The body is the record's own fields as JSON: `json_extract(body, '$.cpu_ratio')`.
CREATE TABLE health (
    queue      INTEGER NOT NULL REFERENCES queues (id),
    sequence   INTEGER NOT NULL,
    time_ms    INTEGER NOT NULL,
    chart_ms   INTEGER NOT NULL,
    arrived_ms INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (queue, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX health_chart ON health (queue, chart_ms);

CREATE TABLE gaps (
    queue         INTEGER NOT NULL REFERENCES queues (id),
    sequence      INTEGER NOT NULL,
    time_ms       INTEGER NOT NULL,
    chart_ms      INTEGER NOT NULL,
    arrived_ms    INTEGER NOT NULL,
    of_queue      TEXT NOT NULL,
    from_sequence INTEGER NOT NULL,
    to_sequence   INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (queue, sequence)
) STRICT, WITHOUT ROWID;

-- Records that were held and have been let go for their age: still counted, never taken in again.
CREATE TABLE pruned (
    queue         INTEGER NOT NULL REFERENCES queues (id),
    from_sequence INTEGER NOT NULL,
    to_sequence   INTEGER NOT NULL,
    PRIMARY KEY (queue, from_sequence)
) STRICT, WITHOUT ROWID;

-- The outbox: an event is here before anybody hears of it; published once the broker has confirmed it.
CREATE TABLE events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    subject   TEXT NOT NULL,
    body      TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_waiting ON events (id) WHERE published = 0;

-- For a person with sqlite3: every record that is held, whatever its kind.
CREATE VIEW records (board, queue, sequence, kind, time) AS
    SELECT q.board, q.queue, r.sequence, r.kind,
           strftime('%Y-%m-%dT%H:%M:%fZ', r.time_ms / 1000.0, 'unixepoch')
    FROM (
        SELECT queue, sequence, time_ms, 'reading' AS kind FROM readings
        UNION ALL SELECT queue, sequence, time_ms, 'health' FROM health
        UNION ALL SELECT queue, sequence, time_ms, 'gap' FROM gaps
    ) AS r JOIN queues AS q ON q.id = r.queue;
