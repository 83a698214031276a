// What the page knows. One immutable State, changed only by the pure functions here, kept by one Store that
// tells its readers at most once a frame (and not at all while the page is hidden).

import type { Board, Point, RackEvent, Snapshot } from "./api";
import { append, merge } from "./series";
import type { Connection } from "./stream";

/** How far back a tile's sparkline reaches. */
export const TRAIL_SECONDS = 90;
const EVENTS_KEPT = 200;

export interface State {
  snapshot: Snapshot | null;
  connection: Connection;
  /** Newest first, each id once. */
  events: readonly RackEvent[];
  /** Recent CPU ratios by board. */
  trails: ReadonlyMap<string, readonly Point[]>;
  pace: Pace | null;
  /** The longest remaining stop seen since the broker stopped, in seconds: the whole of its progress bar. */
  stopLength: number | null;
  /** Name of the opened board. */
  open: string | null;
}

/** How fast records are produced, measured between snapshots that are not too close together. */
export interface Pace {
  /** The snapshot measured from: unix seconds, and records produced until then. */
  at: number;
  produced: number;
  /** Records per second, smoothed; null until there is a second snapshot. */
  perSecond: number | null;
}

export const EMPTY: State = {
  snapshot: null,
  connection: { kind: "connecting" },
  events: [],
  trails: new Map(),
  pace: null,
  stopLength: null,
  open: null,
};

/** RFC 3339 to unix seconds. */
export const unixSeconds = (time: string) => Date.parse(time) / 1000;

/** When the board's newest health was made, in unix seconds; null when none ever came. */
export function observedAt(board: Board, snapshot: Snapshot): number | null {
  if (board.health.time !== undefined) return unixSeconds(board.health.time);
  return board.last_seen_seconds === null ? null : unixSeconds(snapshot.time) - board.last_seen_seconds;
}

/** Two samples closer than this are the same sample, seen twice. */
export const apart = (snapshot: Snapshot) => 0.4 * snapshot.interval_seconds;

export function withSnapshot(state: State, snapshot: Snapshot): State {
  const before = state.snapshot?.started === snapshot.started ? state.snapshot : null;
  const trails = new Map<string, readonly Point[]>();
  for (const board of snapshot.boards) {
    const trail = (before && state.trails.get(board.name)) ?? [];
    const at = observedAt(board, snapshot);
    const cpu = board.health.cpu_ratio;
    const grown = at === null || cpu === undefined ? trail : append(trail, [at, cpu], TRAIL_SECONDS, apart(snapshot));
    trails.set(board.name, grown);
  }
  return {
    ...state,
    snapshot,
    trails,
    events: before || !state.snapshot ? state.events : [],
    pace: pace(before && state.pace, snapshot),
    stopLength: stopLength(snapshot, state.stopLength),
  };
}

function pace(before: Pace | null, { embedded, time, totals, interval_seconds }: Snapshot): Pace {
  // What a real rack's agents produced only they know; what came of it is counted here.
  const now = { at: unixSeconds(time), produced: embedded ? totals.produced : totals.stored };
  if (!before) return { ...now, perSecond: null };
  const seconds = now.at - before.at;
  if (seconds < interval_seconds / 2) return before;
  const fresh = Math.max(0, now.produced - before.produced) / seconds;
  return {
    ...now,
    perSecond: before.perSecond === null ? fresh : before.perSecond + 0.25 * (fresh - before.perSecond),
  };
}

/** Seconds' worth of records that are always on their way and mean nothing. */
const IN_FLIGHT_SECONDS = 3;

/** Whether that many records, of `boards` boards, wait for something, and are not just on their way. */
export function isBacklog({ pace, snapshot }: State, queued: number, boards: number): boolean {
  const everyBoard = snapshot?.totals.boards ?? 0;
  if (queued === 0 || everyBoard === 0) return false;
  return queued > (IN_FLIGHT_SECONDS * boards * (pace?.perSecond ?? 0)) / everyBoard;
}

function stopLength(snapshot: Snapshot, longest: number | null): number | null {
  const left = snapshot.broker.resumes_in_seconds;
  if (snapshot.broker.state === "running" || left === null) return null;
  return Math.max(left, longest ?? 0);
}

export function withEvents(state: State, fresh: readonly RackEvent[]): State {
  const known = new Set(state.events.map((event) => event.id));
  const added = fresh.filter((event) => !known.has(event.id));
  if (added.length === 0) return state;
  const newestFirst = (a: RackEvent, b: RackEvent) => Date.parse(b.time) - Date.parse(a.time);
  return { ...state, events: [...added, ...state.events].sort(newestFirst).slice(0, EVENTS_KEPT) };
}

/** Puts a board's stored history before what the stream brought. */
export function withTrail(state: State, board: string, stored: readonly Point[]): State {
  if (!state.snapshot) return state;
  const trails = new Map(state.trails);
  trails.set(board, merge(stored, state.trails.get(board) ?? [], apart(state.snapshot)));
  return { ...state, trails };
}

/** Boards whose stored history holds more than was shown live: back from silence, or their backlog just drained. */
export function caughtUp(before: Snapshot | null, now: Snapshot): string[] {
  const was = new Map(before?.boards.map((board) => [board.name, board]));
  return now.boards
    .filter((board) => {
      const old = was.get(board.name);
      if (!old) return true;
      const spoke = isHeard(board) && !isHeard(old);
      const drained = board.queued === 0 && (old.queued ?? 0) > 3;
      return spoke || drained;
    })
    .map((board) => board.name);
}

export const isHeard = (board: Board) => board.state === "well" || board.state === "warm";

export const boardNamed = (state: State, name: string | null) =>
  state.snapshot?.boards.find((board) => board.name === name) ?? null;

/** Keeps the State and tells readers of it. */
export class Store {
  private current = EMPTY;
  private scheduled = false;

  constructor(private readonly render: (state: State) => void) {}

  get state(): State {
    return this.current;
  }

  change(how: (state: State) => State): void {
    const next = how(this.current);
    if (next === this.current) return;
    this.current = next;
    this.refresh();
  }

  /** Renders at the next frame even though nothing changed: for what depends on the clock. */
  refresh(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.render(this.current);
    });
  }
}
