// Points in time, and what is done with them before they are drawn. All pure.
// A series is oldest first, its times strictly grow, and it never reaches back further than its window.

import type { Point } from "./api";

/** A series with `point` at its end, without what is older than `windowSeconds`; itself if nothing is new. */
export function append(
  points: readonly Point[],
  point: Point,
  windowSeconds: number,
  apartSeconds: number,
): readonly Point[] {
  const last = points[points.length - 1];
  if (last && point[0] < last[0] + apartSeconds) return points;
  const from = point[0] - windowSeconds;
  const kept = points.length > 0 && points[0]![0] < from ? points.filter(([at]) => at >= from) : points;
  return [...kept, point];
}

/** What the manager stored, followed by what the stream brought since. */
export function merge(stored: readonly Point[], live: readonly Point[], apartSeconds: number): Point[] {
  const end = stored[stored.length - 1]?.[0] ?? -Infinity;
  return [...stored, ...live.filter(([at]) => at >= end + apartSeconds)];
}

/**
 * A counter's growth per second. Compared over at least `overSeconds`, so that a sample that came a little
 * early or late makes no spike; a counter that fell was reset, and starts anew.
 */
export function rates(points: readonly Point[], overSeconds: number): Point[] {
  const out: Point[] = [];
  let start = 0;
  for (let i = 1; i < points.length; i++) {
    const [at, value] = points[i]!;
    if (value < points[i - 1]![1]) {
      start = i;
      continue;
    }
    while (start + 1 < i && at - points[start + 1]![0] >= overSeconds) start++;
    const [before, was] = points[start]!;
    if (at - before >= overSeconds) out.push([at, (value - was) / (at - before)]);
  }
  return out;
}

/** Whether there is a hole between two points: much longer than the series' usual step. */
function holeSeconds(points: readonly Point[]): number {
  const steps = points.slice(1).map(([at], i) => at - points[i]![0]);
  steps.sort((a, b) => a - b);
  return Math.max(3.5, 3 * (steps[Math.floor(steps.length / 2)] ?? 0));
}

/** Times and values for a chart; a hole in time gets a null, so that no line bridges what was not measured. */
export function withHoles(points: readonly Point[]): [times: number[], values: (number | null)[]] {
  const hole = holeSeconds(points);
  const times: number[] = [];
  const values: (number | null)[] = [];
  let previous: number | undefined;
  for (const [at, value] of points) {
    if (previous !== undefined && at - previous > hole) {
      times.push((previous + at) / 2);
      values.push(null);
    }
    times.push(at);
    values.push(value);
    previous = at;
  }
  return [times, values];
}

/** What a chart shows: it grows with what there is, from a minute up to the window. */
export function shownRange(first: number | undefined, now: number, windowSeconds: number): [number, number] {
  const age = first === undefined ? 0 : now - first;
  const span = Math.min(windowSeconds, Math.max(60, age));
  return [now - span, now];
}

/** SVG paths of the last `windowSeconds` of values from 0 to 1: the line, and the area under it. */
export function sparkPaths(
  points: readonly Point[],
  now: number,
  windowSeconds: number,
  box: { width: number; height: number },
): { line: string; area: string } {
  const hole = holeSeconds(points);
  let line = "";
  let area = "";
  let previous: { at: number } | null = null;
  for (const [at, value] of points) {
    const place = 1 - (now - at) / windowSeconds;
    if (place < 0 || place > 1.05) continue;
    const x = (box.width * place).toFixed(1);
    const y = (box.height * (1 - Math.min(1, Math.max(0, value)))).toFixed(1);
    const begins = previous === null || at - previous.at > hole;
    if (begins && previous) area += `V${box.height}Z`;
    line += `${begins ? "M" : "L"}${x} ${y}`;
    area += begins ? `M${x} ${box.height}V${y}` : `L${x} ${y}`;
    previous = { at };
  }
  return { line, area: previous ? `${area}V${box.height}Z` : "" };
}
