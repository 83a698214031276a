// Which tile an arrow key leads to. Pure geometry over the tiles' boxes, so that it follows what the eye sees
// at every width. At a row's end, left and right go on in reading order.

export type Direction = "left" | "right" | "up" | "down";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const middle = (box: Box) => ({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 });
const sameRow = (a: Box, b: Box) => a.top < b.bottom && b.top < a.bottom;

/** The index of the box that lies in that direction from `from`; `from` itself where there is none. */
export function neighbour(boxes: readonly Box[], from: number, direction: Direction): number {
  const here = boxes[from];
  if (!here) return 0;
  const sideways = direction === "left" || direction === "right";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  let best = from;
  let least = Infinity;
  boxes.forEach((box, i) => {
    if (i === from || sameRow(here, box) !== sideways) return;
    const dx = middle(box).x - middle(here).x;
    const dy = middle(box).y - middle(here).y;
    const along = sign * (sideways ? dx : dy);
    if (along <= 0) return;
    // Up and down stay in the nearest row first, and in the column second.
    const distance = sideways ? along : along * 1000 + Math.abs(dx);
    if (distance < least) [best, least] = [i, distance];
  });
  if (best === from && sideways) return Math.min(boxes.length - 1, Math.max(0, from + sign));
  return best;
}
