// The live stream: one EventSource at a time, judged by what arrives and not by what the browser believes.
// When nothing has come for a while, or the browser reports a break, the connection is lost: it is said at
// once, and tried again with a growing, jittered pause, for as long as the page is open.

import type { RackEvent, Snapshot } from "./api";

export type Connection =
  | { kind: "connecting" }
  | { kind: "live" }
  /** Times in milliseconds as Date.now() counts them. */
  | { kind: "lost"; since: number; retryAt: number };

export interface Listener {
  snapshot(snapshot: Snapshot): void;
  event(event: RackEvent): void;
  connection(connection: Connection): void;
}

const LONGEST_PAUSE_SECONDS = 15;

/** Seconds to wait before attempt number `attempt` (from 0); `chance` in 0..1 spreads many pages apart. */
export function pauseBefore(attempt: number, chance: number): number {
  const pause = Math.min(LONGEST_PAUSE_SECONDS, 2 ** Math.min(attempt, 10));
  return pause * (0.75 + chance / 2);
}

/** Seconds without a snapshot after which the stream counts as broken. */
export function patience(intervalSeconds: number): number {
  return Math.max(5, 5 * intervalSeconds);
}

export class Stream {
  private source: EventSource | null = null;
  private retry: number | undefined;
  private attempt = 0;
  private lostSince: number | null = null;
  private heardAt = Date.now();
  private interval = 1;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    listener.connection({ kind: "connecting" });
    this.connect();
    setInterval(() => this.watch(), 1000);
  }

  /** Tries again now, whatever the pause. */
  connect(): void {
    clearTimeout(this.retry);
    this.source?.close();
    this.heardAt = Date.now();
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener("rack", (message) => {
      const snapshot = parse<Snapshot>(message.data);
      if (snapshot?.boards) this.heard(snapshot);
    });
    source.addEventListener("event", (message) => {
      const event = parse<RackEvent>(message.data);
      if (event?.id) this.listener.event(event);
    });
    source.onerror = () => this.lose();
  }

  private heard(snapshot: Snapshot): void {
    this.heardAt = Date.now();
    this.interval = snapshot.interval_seconds;
    this.attempt = 0;
    this.lostSince = null;
    this.listener.connection({ kind: "live" });
    this.listener.snapshot(snapshot);
  }

  private watch(): void {
    const quiet = (Date.now() - this.heardAt) / 1000;
    if (this.source && quiet > patience(this.interval)) this.lose();
  }

  private lose(): void {
    this.source?.close();
    this.source = null;
    this.lostSince ??= this.heardAt;
    const pause = pauseBefore(this.attempt++, Math.random()) * 1000;
    this.listener.connection({ kind: "lost", since: this.lostSince, retryAt: Date.now() + pause });
    clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.connect(), pause);
  }
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    // A line cut short by a dying server; the watchdog notices if no whole one follows.
    return null;
  }
}
