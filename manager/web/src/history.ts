// The opened board's series: what the manager stored, continued by what the stream brings. A fetch that
// returns after another board was opened changes nothing.

import { type Board, fetchHistory, type Point, type Snapshot } from "./api";
import type { Line, Plan } from "./catalogue";
import { append, merge } from "./series";
import { apart, observedAt } from "./state";

/** How far back an opened board's charts reach. */
export const WINDOW_SECONDS = 300;

export class History {
  private readonly series = new Map<string, readonly Point[]>();
  private closed = false;

  constructor(
    private readonly board: string,
    private readonly changed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  points(line: Line): readonly Point[] {
    return this.series.get(line.series) ?? [];
  }

  /** Takes the newest sample of every line. */
  observe(board: Board, snapshot: Snapshot, plans: readonly Plan[]): void {
    const healthAt = observedAt(board, snapshot);
    for (const line of plans.flatMap((plan) => plan.lines)) {
      const sample = line.newest(board, healthAt);
      if (sample) this.series.set(line.series, append(this.points(line), sample, WINDOW_SECONDS, apart(snapshot)));
    }
  }

  /** Fetches what is stored; what came live meanwhile stays at its end. */
  async load(snapshot: Snapshot, plans: readonly Plan[]): Promise<void> {
    const lines = plans.flatMap((plan) => plan.lines);
    const one = async (line: Line) => {
      const stored = await fetchHistory(this.board, line.series, WINDOW_SECONDS);
      if (!this.closed) this.series.set(line.series, merge(stored, this.points(line), apart(snapshot)));
    };
    const failure = (await Promise.allSettled(lines.map(one))).find((result) => result.status === "rejected");
    if (this.closed) return;
    if (failure) this.failed(failure.reason);
    this.changed();
  }

  close(): void {
    this.closed = true;
  }
}
