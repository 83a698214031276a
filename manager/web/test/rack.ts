// Boards and snapshots for tests: everything well, but for what a test changes.

import type { Board, Snapshot } from "../src/api";

export const T0 = "2026-11-21T08:00:00Z";

export function board(name: string, change: Partial<Board> = {}): Board {
  return {
    name,
    role: "worker",
    simulated: true,
    state: "well",
    reason: null,
    plugged: true,
    last_seen_seconds: 0,
    queued: 0,
    dropped: 0,
    health: { cpu_ratio: 0.5 },
    sensors: [],
    ...change,
  };
}

/** A snapshot taken `seconds` after T0. */
export function snapshot(boards: Board[], seconds = 0, change: Partial<Snapshot> = {}): Snapshot {
  return {
    rack: "demo",
    embedded: true,
    drift: null,
    operation: null,
    time: new Date(Date.parse(T0) + seconds * 1000).toISOString(),
    interval_seconds: 1,
    started: T0,
    broker: { address: "127.0.0.1:40123", state: "running", resumes_in_seconds: null },
    totals: {
      boards: boards.length,
      seconds,
      produced: 100 * seconds,
      delivered: 0,
      stored: 0,
      queued: 0,
      dropped: 0,
      redelivered: 0,
    },
    boards,
    ...change,
  };
}
