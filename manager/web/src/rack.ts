// The rack as people see it: boards as tiles, grouped by role. A tile is a link to its board, so that Enter,
// a click, a middle click and a screen reader all do what they always do; one tile at a time is in the tab
// order, and the arrow keys move which.

import type { Board, BoardState, Role } from "./api";
import { byId, el, setAttribute, setChildren, setText, svg } from "./dom";
import { glyph } from "./glyph";
import { type Direction, neighbour } from "./neighbour";
import { hashOf } from "./route";
import { sparkPaths } from "./series";
import { boardNamed, isBacklog, isHeard, type State, TRAIL_SECONDS, unixSeconds } from "./state";
import { count, duration } from "./units";
import { reasonText, ROLE_NAMES } from "./words";

const SPARK_WIDTH = 200;
const SPARK_HEIGHT = 40;
/** A name with more letters than this is set smaller, on as many lines as it needs, up to three. */
const LONG_NAME = 9;
const METRICS = [
  ["cpu_ratio", "CPU", "%", 100, 0],
  ["cpu_temperature_celsius", "Temp.", "°C", 1, 0],
  ["supply_watts", "Power", "W", 1, 1],
] as const;

class Tile {
  readonly item = el("li");
  private readonly link = el("a", { class: "tile", tabindex: "-1" });
  private readonly name = el("span", { class: "name" });
  private readonly badge = el("span", { class: "badge" });
  private readonly numbers = METRICS.map(() => el("span"));
  private readonly line = svg("path", { class: "line" });
  private readonly area = svg("path", { class: "area" });
  private readonly remark = el("span", { class: "remark" });
  private readonly backlog = el("span", { class: "backlog" });
  private state: BoardState | null = null;

  constructor(readonly board: string) {
    const metrics = METRICS.map(([, label, sign], i) => {
      const value = el("span", { class: "value" }, this.numbers[i]!, el("small", {}, sign));
      return el("span", { class: "metric" }, el("span", { class: "label" }, label), value);
    });
    const spark = svg(
      "svg",
      {
        class: "spark",
        viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      this.area,
      this.line,
    );
    this.link.append(
      el("span", { class: "head" }, this.name, this.badge),
      el("span", { class: "metrics" }, ...metrics),
      spark,
      el("span", { class: "foot" }, this.remark, this.backlog),
    );
    this.link.href = hashOf(board);
    this.link.dataset.board = board;
    this.item.append(this.link);
    setText(this.name, board);
    this.name.title = board;
    setAttribute(this.name, "data-long", board.length > LONG_NAME ? "" : null);
  }

  get element(): HTMLAnchorElement {
    return this.link;
  }

  render(board: Board, state: State, now: number, mixed: boolean): void {
    this.link.dataset.role = board.role;
    this.link.dataset.plugged = String(board.plugged);
    setAttribute(this.link, "aria-current", state.open === board.name ? "true" : null);
    if (board.state !== this.state) {
      this.state = board.state;
      this.link.dataset.state = board.state;
      this.badge.replaceChildren(glyph(board.state), board.state);
    }
    METRICS.forEach(([field, , , factor, digits], i) => {
      const value = board.health[field];
      setText(this.numbers[i]!, value === undefined ? "–" : (value * factor).toFixed(digits));
      setAttribute(this.numbers[i]!, "data-absent", value === undefined ? "" : null);
    });
    const trail = state.trails.get(board.name) ?? [];
    const spark = sparkPaths(trail, now, TRAIL_SECONDS, { width: SPARK_WIDTH, height: SPARK_HEIGHT });
    setAttribute(this.line, "d", spark.line);
    setAttribute(this.area, "d", spark.area);
    this.renderFoot(board, state, mixed && !board.simulated ? "a real board" : null);
  }

  /** The most telling remark there is (the silence, what is too warm, else `calm`), and the backlog. */
  private renderFoot(board: Board, state: State, calm: string | null): void {
    const seen = board.last_seen_seconds;
    const heard =
      seen === null ? "never heard" : board.plugged ? `heard ${duration(seen)} ago` : `unplugged, ${duration(seen)}`;
    const unplugged = board.plugged ? null : "unplugged";
    const remark = isHeard(board)
      ? (unplugged ?? (board.state === "warm" ? reasonText(board.reason ?? "") : calm))
      : heard;
    setText(this.remark, remark ?? "");
    setText(this.backlog, board.queued ? `${count(board.queued)} queued` : "");
    setAttribute(this.backlog, "data-queued", board.queued ? String(board.queued) : null);
    setAttribute(this.backlog, "data-notable", isBacklog(state, board.queued ?? 0, 1) ? "" : null);
  }
}

class Shelf {
  private readonly tally = el("span", { class: "tally" });
  private readonly list = el("ul");
  readonly element: HTMLElement;

  constructor(role: Role) {
    const heading = el("h2", {}, el("span", {}, ROLE_NAMES[role].many), this.tally);
    this.element = el(
      "section",
      { class: "shelf", "aria-label": ROLE_NAMES[role].many, "data-shelf": role },
      heading,
      this.list,
    );
  }

  render(boards: readonly Board[], tiles: readonly Tile[]): void {
    const well = boards.filter((board) => board.state === "well").length;
    setText(this.tally, well === boards.length ? `${well} well` : `${well} of ${boards.length} well`);
    this.element.style.setProperty("--n", String(boards.length));
    setChildren(
      this.list,
      tiles.map((tile) => tile.item),
    );
  }
}

export class Rack {
  private readonly root = byId("rack");
  private readonly tiles = new Map<string, Tile>();
  private readonly shelves = new Map<Role, Shelf>();
  private focused: string | null = null;

  constructor() {
    this.root.addEventListener("focusin", (event) => {
      const tile = (event.target as Element).closest<HTMLElement>("[data-board]");
      if (tile?.dataset.board) this.rove(tile.dataset.board);
    });
  }

  render(state: State): void {
    const { snapshot } = state;
    if (!snapshot) return;
    const { boards } = snapshot;
    const now = unixSeconds(snapshot.time);
    const mixed = boards.some((board) => board.simulated) && boards.some((board) => !board.simulated);
    const roles = [...new Set(boards.map((board) => board.role))];
    for (const role of roles) {
      const members = boards.filter((board) => board.role === role);
      this.shelf(role).render(
        members,
        members.map((board) => this.tile(board.name)),
      );
    }
    setChildren(
      this.root,
      roles.map((role) => this.shelf(role).element),
    );
    for (const board of boards) this.tile(board.name).render(board, state, now, mixed);
    for (const name of this.tiles.keys()) if (!boardNamed(state, name)) this.tiles.delete(name);
    if (!this.focused || !this.tiles.has(this.focused)) this.rove(state.open ?? boards[0]?.name ?? null);
  }

  /** The board whose tile has, or last had, the focus. */
  get current(): string | null {
    return this.focused;
  }

  focus(board: string | null): void {
    if (board !== null) this.tiles.get(board)?.element.focus();
  }

  /** Moves the focus one tile on, from `start` or from where it is. */
  move(direction: Direction, start: string | null = this.focused): void {
    const links = [...this.root.querySelectorAll<HTMLElement>("[data-board]")];
    const from = links.findIndex((link) => link.dataset.board === start);
    const to = neighbour(
      links.map((link) => link.getBoundingClientRect()),
      from,
      direction,
    );
    links[to]?.focus();
  }

  /** The board `by` places further in reading order, around the end. */
  beside(board: string, by: number): string | null {
    const names = [...this.root.querySelectorAll<HTMLElement>("[data-board]")].map((link) => link.dataset.board ?? "");
    const at = names.indexOf(board);
    return at < 0 ? null : (names[(at + by + names.length) % names.length] ?? null);
  }

  private rove(board: string | null): void {
    this.focused = board;
    for (const tile of this.tiles.values()) tile.element.tabIndex = tile.board === board ? 0 : -1;
  }

  private tile(name: string): Tile {
    const tile = this.tiles.get(name) ?? new Tile(name);
    this.tiles.set(name, tile);
    return tile;
  }

  private shelf(role: Role): Shelf {
    const shelf = this.shelves.get(role) ?? new Shelf(role);
    this.shelves.set(role, shelf);
    return shelf;
  }
}
