-- How long after this machine's boot the broker confirmed an event, and in which boot that was: a broker that loses its
-- power loses what it confirmed and had not written to its disk yet.
ALTER TABLE events ADD COLUMN confirmed_uptime_ms INTEGER NOT NULL DEFAULT 0;
CREATE TABLE publisher (boot TEXT NOT NULL) STRICT;
