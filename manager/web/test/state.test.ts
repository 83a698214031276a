import assert from "node:assert/strict";
import { test } from "node:test";
import type { RackEvent } from "../src/api";
import { caughtUp, EMPTY, isBacklog, observedAt, type State, withEvents, withSnapshot, withTrail } from "../src/state";
import { patience, pauseBefore } from "../src/stream";
import { board, snapshot, T0 } from "./rack";

const after = (...snapshots: ReturnType<typeof snapshot>[]): State => snapshots.reduce(withSnapshot, EMPTY);
const event = (id: string, time: string): RackEvent => ({ id, type: "x", time });

test("a silent board's trail stops where it was last heard", () => {
  const state = after(
    snapshot([board("w1")], 0),
    snapshot([board("w1")], 1),
    snapshot([board("w1", { last_seen_seconds: 1 })], 2),
  );
  assert.equal(state.trails.get("w1")?.length, 2);
});

test("a health record's own time wins over the time it arrived", () => {
  const own = board("w1", { last_seen_seconds: 0.5, health: { time: "2026-11-21T08:00:07Z" } });
  assert.equal(observedAt(own, snapshot([own], 10)), Date.parse("2026-11-21T08:00:07Z") / 1000);
  assert.equal(observedAt(board("w1", { last_seen_seconds: null }), snapshot([])), null);
});

test("stored history goes before what came live", () => {
  const state = after(snapshot([board("w1")], 10));
  const start = Date.parse(T0) / 1000;
  const full = withTrail(state, "w1", [
    [start + 8, 0.1],
    [start + 9, 0.2],
  ]);
  assert.deepEqual(
    full.trails.get("w1")?.map(([, cpu]) => cpu),
    [0.1, 0.2, 0.5],
  );
});

test("another run of the rack starts with nothing of the last one", () => {
  const old = withEvents(after(snapshot([board("w1")], 0), snapshot([board("w1")], 1)), [event("a", T0)]);
  const next = withSnapshot(old, snapshot([board("w1")], 60, { started: "2026-11-21T08:00:50Z" }));
  assert.equal(next.trails.get("w1")?.length, 1);
  assert.deepEqual(next.events, []);
  assert.equal(next.pace?.perSecond, null);
});

test("two snapshots close together do not make a wild rate", () => {
  const near = snapshot([board("w1")], 0.01);
  near.totals.produced = 100;
  assert.equal(after(snapshot([board("w1")], 0), near).pace?.perSecond, null);
  assert.equal(after(snapshot([board("w1")], 0), near, snapshot([board("w1")], 2)).pace?.perSecond, 100);
});

test("records on their way are no backlog, many seconds' worth are", () => {
  const state = after(snapshot([board("w1"), board("w2")], 0), snapshot([board("w1"), board("w2")], 1));
  assert.equal(isBacklog(state, 100, 1), false);
  assert.equal(isBacklog(state, 151, 1), true);
  assert.equal(isBacklog(state, 0, 1), false);
});

test("an event is kept once, newest first, whichever way it came", () => {
  const state = withEvents(withEvents(EMPTY, [event("b", "2026-11-21T08:00:02Z")]), [
    event("c", "2026-11-21T08:00:03Z"),
    event("b", "2026-11-21T08:00:02Z"),
    event("a", "2026-11-21T08:00:01Z"),
  ]);
  assert.deepEqual(
    state.events.map(({ id }) => id),
    ["c", "b", "a"],
  );
  assert.equal(withEvents(state, [event("a", "2026-11-21T08:00:01Z")]), state);
});

test("history is read again for boards that came back or whose backlog drained, and no others", () => {
  const before = snapshot([
    board("w1"),
    board("w2", { state: "gone" }),
    board("w3", { queued: 400 }),
    board("w4", { queued: 2 }),
  ]);
  const now = snapshot([board("w1"), board("w2"), board("w3"), board("w4")], 1);
  assert.deepEqual(caughtUp(before, now), ["w2", "w3"]);
});

test("the whole of a stop is the longest rest seen, and forgotten when the broker runs", () => {
  const stopped = (left: number, at: number) =>
    snapshot([], at, { broker: { address: "", state: "stopped", resumes_in_seconds: left } });
  assert.equal(after(stopped(20, 0), stopped(19, 1)).stopLength, 20);
  assert.equal(after(stopped(20, 0), snapshot([], 1)).stopLength, null);
});

test("attempts to reconnect come ever later, and never more than some 15 s apart", () => {
  const pauses = [0, 1, 2, 3, 4, 50].map((attempt) => pauseBefore(attempt, 0.5));
  assert.deepEqual(pauses, [1, 2, 4, 8, 15, 15]);
  assert.ok(pauseBefore(0, 0) < 1 && pauseBefore(50, 1) < 19);
});

test("a slow rack is given time before its stream counts as broken", () => {
  assert.equal(patience(1), 5);
  assert.equal(patience(10), 50);
});
