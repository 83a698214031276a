// The keyboard: one table says what each key does, and both the dispatch and the help overlay read it.

import { byId, el } from "./dom";
import type { Direction } from "./neighbour";

export type Command =
  | { kind: "move"; direction: Direction }
  | { kind: "unplug" }
  | { kind: "broker" }
  | { kind: "theme" }
  | { kind: "help" }
  | { kind: "close" };

/** What decides beside the key itself. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const ARROWS: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const LETTERS: Record<string, Command> = {
  u: { kind: "unplug" },
  b: { kind: "broker" },
  t: { kind: "theme" },
  "?": { kind: "help" },
  Escape: { kind: "close" },
};

/** The help overlay's lines. */
const HELP: readonly [keys: readonly string[], does: string][] = [
  [["←", "→", "↑", "↓"], "Move between boards; ← → also while one is open"],
  [["Enter"], "Open the board"],
  [["Esc"], "Close the board, or this help"],
  [["u"], "Unplug the board, or plug it back in"],
  [["b"], "Stop the broker for 20 s, or start it again"],
  [["t"], "Theme: automatic, light, dark"],
  [["?"], "This help"],
];

/** The command a key stands for; null when it is the browser's. */
export function commandFor(press: Press): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const direction = ARROWS[press.key];
  if (direction) return { kind: "move", direction };
  return LETTERS[press.key.length === 1 ? press.key.toLowerCase() : press.key] ?? null;
}

/** Calls `run` for every key that means something here; what it returns true for is done. */
export function listen(run: (command: Command) => boolean): void {
  document.addEventListener("keydown", (press) => {
    if (press.target instanceof HTMLElement && press.target.closest("input, textarea, select, dialog")) return;
    const command = commandFor(press);
    if (command && run(command)) press.preventDefault();
  });
}

/** Fills the help overlay. A dialog closes by Escape and keeps the focus inside by itself. */
export function fillHelp(): HTMLDialogElement {
  const dialog = byId("help") as HTMLDialogElement;
  const rows = HELP.flatMap(([keys, does]) => [
    el("dt", {}, ...keys.map((key) => el("kbd", {}, key))),
    el("dd", {}, does),
  ]);
  byId("help-keys").append(...rows);
  byId("help-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (press) => {
    if (commandFor(press)?.kind === "help") dialog.close();
  });
  return dialog;
}
