-- Operations that ran on this machine, whoever asked for them. owner names the process that runs one, so that one
-- whose process died is known as such. Times are Unix milliseconds by this machine's clock.
CREATE TABLE operations (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    rack         TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    owner        TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('scheduled', 'running', 'completed', 'failed')),
    scheduled_ms INTEGER NOT NULL,
    started_ms   INTEGER,
    ended_ms     INTEGER,
    steps        INTEGER,
    seconds      REAL,
    why          TEXT
) STRICT;
CREATE INDEX operations_scheduled ON operations (scheduled_ms);

-- What was heard of each, as JSON; the number is the place in the order of all.
CREATE TABLE progress (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    time_ms   INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX progress_of ON progress (operation, number);
