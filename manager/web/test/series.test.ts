import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../src/api";
import { append, merge, rates, shownRange, sparkPaths, withHoles } from "../src/series";

const every = (step: number, values: number[], from = 1000): Point[] =>
  values.map((value, i) => [from + i * step, value]);

test("a sample seen twice is kept once", () => {
  const points = every(1, [1, 2]);
  assert.equal(append(points, [1001.2, 2], 60, 0.4), points);
  assert.deepEqual(append(points, [1002, 3], 60, 0.4), every(1, [1, 2, 3]));
});

test("a series never reaches back further than its window", () => {
  const points = append(every(1, [1, 2, 3, 4, 5]), [1005, 6], 3, 0.4);
  assert.deepEqual(
    points.map(([at]) => at),
    [1002, 1003, 1004, 1005],
  );
});

test("what was stored comes first, and what came live meanwhile is not lost", () => {
  assert.deepEqual(merge(every(1, [1, 2, 3]), every(1, [9, 9, 9, 4, 5]), 0.4), every(1, [1, 2, 3, 4, 5]));
  assert.deepEqual(merge([], every(1, [7]), 0.4), every(1, [7]));
});

test("a steady counter has a steady rate", () => {
  const found = rates(every(1, [0, 100, 200, 300, 400, 500]), 2);
  assert.deepEqual(
    found.map(([, value]) => value),
    [100, 100, 100, 100],
  );
});

test("a sample that came late makes no spike", () => {
  const late: Point[] = [
    [0, 0],
    [1, 100],
    [2, 200],
    [2.1, 300],
    [4, 400],
    [5, 500],
    [6, 600],
  ];
  const highest = Math.max(...rates(late, 2.5).map(([, value]) => value));
  assert.ok(highest <= 130, `${highest} a second`);
});

test("a counter that was reset starts anew and never shows a negative rate", () => {
  const found = rates(every(1, [1000, 1100, 1200, 1300, 5, 105, 205, 305]), 2);
  assert.ok(
    found.every(([, value]) => value === 100),
    JSON.stringify(found),
  );
});

test("no line bridges what was not measured", () => {
  const [times, values] = withHoles([...every(1, [1, 2, 3]), ...every(1, [4, 5], 1060)]);
  assert.deepEqual(values, [1, 2, 3, null, 4, 5]);
  assert.ok(
    times.every((at, i) => i === 0 || at > times[i - 1]!),
    "times grow",
  );
});

test("history thinned to one point in 5 s is still one line", () => {
  assert.ok(!withHoles(every(5, [1, 2, 3, 4]))[1].includes(null));
});

test("a chart grows from a minute to its window and no further", () => {
  assert.deepEqual(shownRange(undefined, 1000, 300), [940, 1000]);
  assert.deepEqual(shownRange(880, 1000, 300), [880, 1000]);
  assert.deepEqual(shownRange(0, 1000, 300), [700, 1000]);
});

test("a sparkline stays in its box, breaks at a hole, and closes every area", () => {
  const points = [...every(1, [0, 0.5, 2]), ...every(1, [1, 0.25], 1060)];
  const { line, area } = sparkPaths(points, 1061, 90, { width: 90, height: 40 });
  assert.equal(line, "M29.0 40.0L30.0 20.0L31.0 0.0M89.0 0.0L90.0 30.0");
  assert.equal(area.match(/Z/g)?.length, 2);
  assert.deepEqual(sparkPaths([], 0, 90, { width: 90, height: 40 }), { line: "", area: "" });
});
