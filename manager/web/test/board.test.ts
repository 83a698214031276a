import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reading } from "../src/api";
import { chartsOf } from "../src/catalogue";
import { factsOf } from "../src/facts";
import { bytes, duration, unitNamed } from "../src/units";
import { board, T0 } from "./rack";

const reading = (sensor: string, quantity: string, unit: string, value = 1): Reading => ({
  sensor,
  chip: "x",
  quantity,
  unit,
  value,
  quality: "good",
  time: T0,
});

test("a board has charts only of what it measures", () => {
  const { health, sensors } = chartsOf(
    board("w1", { health: { cpu_ratio: 0.1, supply_watts: 3 }, sensors: [reading("inlet", "temperature", "celsius")] }),
  );
  assert.deepEqual(
    health.map(({ id }) => id),
    ["cpu_ratio", "supply_watts"],
  );
  assert.deepEqual(
    sensors.map(({ id }) => id),
    ["inlet/temperature"],
  );
});

test("counters are charted as rates, and a file system by what is free of the whole", () => {
  const sensors = [
    reading("eth0", "network_receive_total", "bytes"),
    reading("/", "storage_free", "bytes"),
    reading("/", "storage_total", "bytes", 64),
  ];
  const [network, free, ...rest] = chartsOf(board("w1", { sensors })).sensors;
  assert.equal(network?.unit, "bytes_per_second");
  assert.ok(network?.counter);
  assert.equal(free?.top, 64);
  assert.equal(free?.lines[0]?.series, "//storage_free");
  assert.deepEqual(rest, []);
});

test("a line finds its own newest sample, and none where the board fell back", () => {
  const with_ = board("w1", { sensors: [reading("inlet", "temperature", "celsius", 21.4)] });
  const line = chartsOf(with_).sensors[0]!.lines[0]!;
  assert.deepEqual(line.newest(with_, null), [Date.parse(T0) / 1000, 21.4]);
  assert.equal(line.newest(board("w1"), null), null);
});

test("facts leave out what the board has not got", () => {
  const names = (health: object) => factsOf(board("w1", { health, queued: null })).map(({ name }) => name);
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ hostname: "w1", storage_free_bytes: 1 }), ["Host name"]);
  assert.deepEqual(names({ swap_used_bytes: 0, swap_total_bytes: 8 }), ["Swap"]);
});

test("values are shown in units that people read", () => {
  assert.equal(unitNamed("ratio").show(0.234), "23\u00a0%");
  assert.equal(unitNamed("pascals").show(101325), "1013.3\u00a0hPa");
  assert.equal(bytes(2 ** 31), "2.0\u00a0GiB");
  assert.equal(unitNamed("bytes_per_second").show(12345), "12.3\u00a0kB/s");
  assert.equal(unitNamed("furlongs").show(2), "2.00\u00a0furlongs");
});

test("a duration has its two largest parts", () => {
  assert.equal(duration(0.2), "0\u00a0s");
  assert.equal(duration(59.6), "1\u00a0min");
  assert.equal(duration(725), "12\u00a0min 5\u00a0s");
  assert.equal(duration(3 * 86400 + 4 * 3600), "3\u00a0d 4\u00a0h");
});
