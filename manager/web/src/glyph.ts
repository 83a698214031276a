// A board's state as a shape: four outlines that differ without any colour, and the colour on top.
// well: a full disc with a tick · warm: a triangle · silent: a dashed ring · gone: a square with a cross.

import type { BoardState } from "./api";
import { svg } from "./dom";

const SHAPES: Record<BoardState, () => SVGElement[]> = {
  well: () => [
    svg("circle", { cx: "12", cy: "12", r: "10", class: "full" }),
    svg("path", { d: "M7 12.5l3.5 3.5L17 9", class: "cut" }),
  ],
  warm: () => [
    svg("path", { d: "M12 2 23 21.5H1z", class: "full" }),
    svg("path", { d: "M12 9v6M12 17.5v1.5", class: "cut" }),
  ],
  silent: () => [
    svg("circle", { cx: "12", cy: "12", r: "9", class: "outline dashed" }),
    svg("path", { d: "M7.5 12h.01M12 12h.01M16.5 12h.01", class: "outline dots" }),
  ],
  gone: () => [
    svg("rect", { x: "2", y: "2", width: "20", height: "20", rx: "3", class: "full" }),
    svg("path", { d: "M7.5 7.5l9 9M16.5 7.5l-9 9", class: "cut" }),
  ],
};

export function glyph(state: BoardState): SVGElement {
  return svg("svg", { viewBox: "0 0 24 24", class: "glyph", "aria-hidden": "true" }, ...SHAPES[state]());
}
