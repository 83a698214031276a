import assert from "node:assert/strict";
import { test } from "node:test";
import { list, mark, sentence, shelfTitle, verdict } from "../src/words";
import { board, snapshot, T0 } from "./rack";

const said = (type: string, subject: string | undefined, data: Record<string, unknown> = {}) =>
  sentence({ id: "1", type: `dev.pirack.${type}`, time: T0, data, ...(subject === undefined ? {} : { subject }) });

test("the verdict names the worst first", () => {
  const well = [board("w1"), board("w2")];
  assert.equal(verdict(snapshot(well)).text, "All 2 boards are well");
  assert.deepEqual(verdict(snapshot([...well, board("w3", { state: "silent" })])), {
    state: "silent",
    text: "w3 is silent, 2 of 3 well",
  });
  const worse = [...well, board("w3", { state: "gone" }), board("w4", { state: "warm" })];
  assert.equal(verdict(snapshot(worse)).text, "w3 is gone, 2 of 4 well");
  assert.equal(verdict(snapshot([])).state, "silent");
});

test("a stopped broker explains the silence of every board", () => {
  const stopped = snapshot([board("w1", { state: "silent" })], 0, {
    broker: { address: "", state: "stopped", resumes_in_seconds: 3 },
  });
  stopped.totals.queued = 1204;
  assert.equal(verdict(stopped).text, "Broker stopped: boards hold 1,204 records");
});

test("beside simulated boards, a real one without a role is this machine", () => {
  const real = [board("vm", { simulated: false })];
  assert.equal(shelfTitle("unassigned", real, true), "This machine");
  assert.equal(shelfTitle("unassigned", real, false), "No role");
  assert.equal(shelfTitle("worker", [board("w1")], true), "Workers");
});

test("many names are summed up", () => {
  assert.equal(list(["a", "b", "c"]), "a, b and c");
  assert.equal(list(["a", "b", "c", "d"]), "a, b and 2 more");
});

test("every kind of event is a sentence", () => {
  assert.equal(
    said("board.state_changed", "w3", { from: "well", to: "silent", reason: "no record for 3.2 s" }),
    "w3 fell silent: no record for 3.2\u00a0s",
  );
  assert.equal(said("board.state_changed", "w3", { from: "gone", to: "well", reason: null }), "w3 is well again");
  assert.equal(said("board.state_changed", "w3", { from: null, to: "well" }), "w3 reports and is well");
  assert.equal(
    said("board.state_changed", "w3", { from: "well", to: "warm", reason: "cpu at 81.2 °C" }),
    "w3 runs warm: CPU at 81.2\u00a0°C",
  );
  assert.equal(said("board.unplugged", "w3"), "w3 was unplugged");
  assert.equal(said("broker.stopped", undefined, { seconds: 20 }), "The broker stopped for 20\u00a0s");
  assert.equal(
    said("queue.gap", "w3", { from: 1, to: 1200, count: 1200, reason: "queue_full" }),
    "w3 lost 1,200 records (1 to 1200): its queue was full",
  );
});

test("a real rack's events are sentences too", () => {
  const of = { operation: "x", kind: "apply", by: "ada@desk" };
  assert.equal(said("operation.scheduled", "rack", of), "ada@desk asked for apply");
  const step = { ...of, number: 3, of: 24, what: "add board b2" };
  assert.equal(said("operation.step", "rack", { ...step, seconds: null }), "Apply [3/24] add board b2");
  assert.equal(said("operation.failed", "rack", { ...of, why: "b2 is away" }), "Apply failed: b2 is away");
  assert.equal(
    said("drift.began", "rack", { count: 1, differences: ["service kafka-b1: none runs"] }),
    "The rack is not what its file says: service kafka-b1: none runs",
  );
  assert.equal(said("drift.began", "rack", { count: 3 }), "The rack is not what its file says: 3 differences");
});

test("a rack that is not what its file says is not simply well", () => {
  const drift = { state: "differs" as const, since: T0, looked: T0, count: 2, differences: [], why: null };
  const differs = snapshot([board("b1")], 0, { embedded: false, drift });
  assert.equal(verdict(differs).state, "warm");
  assert.match(verdict(differs).text, /not what its file says: 2 differences/);
  const away = { address: "", state: "away" as const, resumes_in_seconds: null };
  assert.equal(verdict(snapshot([board("b1")], 0, { embedded: false, broker: away })).state, "gone");
});

test("an event nobody foresaw still says what it is", () => {
  assert.equal(said("moon.rose", "w3"), "w3: dev.pirack.moon.rose");
  assert.equal(mark({ id: "1", type: "dev.pirack.moon.rose", time: T0 }), null);
});
