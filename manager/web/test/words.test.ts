import assert from "node:assert/strict";
import { test } from "node:test";
import { list, mark, sentence, verdict } from "../src/words";
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

test("an event nobody foresaw still says what it is", () => {
  assert.equal(said("moon.rose", "w3"), "w3: dev.pirack.moon.rose");
  assert.equal(mark({ id: "1", type: "dev.pirack.moon.rose", time: T0 }), null);
});
