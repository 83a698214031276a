import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFor } from "../src/keys";
import { type Box, neighbour } from "../src/neighbour";
import { boardIn, hashOf } from "../src/route";
import { nextTheme, themeFrom } from "../src/theme";

const press = (key: string, ctrlKey = false) => ({ key, ctrlKey, metaKey: false, altKey: false });

/** Three tiles above, two below: the lower two stand under the first and the third. */
const BOXES: Box[] = [
  [0, 0],
  [10, 0],
  [20, 0],
  [0, 10],
  [21, 10],
].map(([x, y]) => ({ left: x!, top: y!, right: x! + 8, bottom: y! + 8 }));

test("arrows lead where the eye goes", () => {
  assert.equal(neighbour(BOXES, 0, "right"), 1);
  assert.equal(neighbour(BOXES, 2, "down"), 4);
  assert.equal(neighbour(BOXES, 3, "up"), 0);
  assert.equal(neighbour(BOXES, 4, "left"), 3);
});

test("at a row's end sideways goes on reading, and at the rack's edge nothing moves", () => {
  assert.equal(neighbour(BOXES, 2, "right"), 3);
  assert.equal(neighbour(BOXES, 3, "left"), 2);
  assert.equal(neighbour(BOXES, 4, "right"), 4);
  assert.equal(neighbour(BOXES, 0, "up"), 0);
  assert.equal(neighbour(BOXES, -1, "down"), 0);
});

test("the browser keeps its own shortcuts", () => {
  assert.deepEqual(commandFor(press("u")), { kind: "unplug" });
  assert.deepEqual(commandFor(press("U")), { kind: "unplug" });
  assert.equal(commandFor(press("u", true)), null);
  assert.equal(commandFor(press("Enter")), null);
});

test("an opened board's address leads back to it", () => {
  assert.equal(boardIn(hashOf("w3")), "w3");
  assert.equal(boardIn(hashOf(null)), null);
  for (const hash of ["", "#", "#/boards/", "#/boards/%E0%A4%A", "#rack"]) assert.equal(boardIn(hash), null, hash);
});

test("a theme that storage does not know is the system's", () => {
  assert.equal(themeFrom("purple"), "auto");
  assert.equal(themeFrom(null), "auto");
  assert.deepEqual(
    ["auto", "light", "dark"].map((theme) => nextTheme(themeFrom(theme))),
    ["light", "dark", "auto"],
  );
});
