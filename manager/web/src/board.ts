// One board opened: who it is and how it is, what can be done to it, its charts, its facts.

import type { Board, BoardState, Snapshot } from "./api";
import { chartsOf, type Plan } from "./catalogue";
import { Chart } from "./charts";
import { byId, el, setAttribute, setChildren, setText } from "./dom";
import { type Fact, factsOf } from "./facts";
import { glyph } from "./glyph";
import { History } from "./history";
import { boardNamed, type State, unixSeconds } from "./state";
import { list, reasonText, ROLE_NAMES } from "./words";

export interface BoardActions {
  close(): void;
  togglePlug(board: string): void;
  failed(error: unknown): void;
}

export class BoardPanel {
  private readonly root = byId("board");
  private readonly name = el("h2", { id: "board-name", tabindex: "-1" });
  private readonly badge = el("span", { class: "badge" });
  private readonly kind = el("span", { class: "note" });
  private readonly reason = el("strong");
  private readonly remark = el("span", { class: "remark" });
  private readonly plug = el("button", { type: "button", "aria-keyshortcuts": "u" });
  private readonly facts = el("dl", { class: "facts" });
  private readonly charts = el("div", { class: "charts" });
  private view: View | null = null;
  private open: string | null = null;
  private state: BoardState | null = null;

  constructor(private readonly actions: BoardActions) {
    const close = el(
      "button",
      {
        type: "button",
        class: "close",
        "aria-label": "Close the board",
        "aria-keyshortcuts": "Escape",
        "data-action": "close",
      },
      "Close",
    );
    const title = el("div", { class: "board-title" }, this.name, this.badge, this.kind);
    const said = el("p", { class: "said" }, this.reason, " ", this.remark);
    this.root.append(
      el("header", { class: "board-head" }, title, el("div", { class: "board-buttons" }, this.plug, close), said),
      this.charts,
      this.facts,
    );
    close.addEventListener("click", () => actions.close());
    this.plug.addEventListener("click", () => this.open && actions.togglePlug(this.open));
  }

  render(state: State): void {
    this.root.hidden = state.open === null;
    setAttribute(document.body, "data-open", state.open);
    if (state.open !== this.open) this.turnTo(state.open);
    const { snapshot } = state;
    if (!snapshot || state.open === null) return;
    const board = boardNamed(state, state.open);
    this.root.dataset.known = String(board !== null);
    if (!board) {
      setText(
        this.reason,
        `No board is named ${state.open}. There are ${list(snapshot.boards.map((one) => one.name))}.`,
      );
      return;
    }
    this.renderHead(board, state.snapshot?.embedded ?? false);
    this.renderFacts(factsOf(board));
    this.renderCharts(board, snapshot);
  }

  /** Moves the focus to the board's name, as when it was just opened. */
  focus(): void {
    this.name.focus();
  }

  get hasFocus(): boolean {
    return this.root.contains(document.activeElement);
  }

  /** Reads the stored history again: more of it arrived than was seen live. */
  reload(boards: readonly string[], snapshot: Snapshot): void {
    if (this.open !== null && boards.includes(this.open)) this.view?.load(snapshot);
  }

  recolour(): void {
    this.view?.recolour();
  }

  private turnTo(board: string | null): void {
    this.view?.close();
    this.view = null;
    this.state = null;
    this.open = board;
    this.charts.replaceChildren();
    this.facts.replaceChildren();
    this.badge.replaceChildren();
    this.root.scrollTop = 0;
    setText(this.name, board ?? "");
    setText(this.kind, "");
    setText(this.reason, "");
    setText(this.remark, "");
    if (board !== null) requestAnimationFrame(() => this.focus());
  }

  private renderHead(board: Board, embedded: boolean): void {
    if (board.state !== this.state) {
      this.state = board.state;
      setAttribute(this.root, "data-of", board.state);
      this.badge.replaceChildren(glyph(board.state), board.state);
    }
    setText(this.kind, `${ROLE_NAMES[board.role].one}${!embedded ? "" : board.simulated ? ", simulated" : ", a real board"}`);
    const quiet = board.state === "silent" || board.state === "gone";
    const last = quiet && board.last_seen_seconds !== null ? "What you see is the last it said." : "";
    const link = board.plugged ? "" : "Its network is unplugged: it goes on measuring and keeps every record.";
    setText(this.reason, board.reason ? capital(reasonText(board.reason)) : "");
    setText(this.remark, [link, last].filter(Boolean).join(" "));
    this.plug.hidden = !embedded;
    setAttribute(this.plug, "data-action", board.plugged ? "unplug" : "plug");
    setText(this.plug, board.plugged ? "Unplug" : "Plug in");
  }

  private renderFacts(facts: readonly Fact[]): void {
    const known = new Map(
      [...this.facts.children].map((row) => [(row as HTMLElement).dataset.fact, row as HTMLElement]),
    );
    setChildren(
      this.facts,
      facts.map((fact) => {
        const row = known.get(fact.name) ?? el("div", { "data-fact": fact.name }, el("dt", {}, fact.name), el("dd"));
        setText(row.lastElementChild!, fact.value);
        setAttribute(row, "data-share", fact.share === undefined ? null : fact.share.toFixed(2));
        row.style.setProperty("--share", String(fact.share ?? 0));
        return row;
      }),
    );
  }

  private renderCharts(board: Board, snapshot: Snapshot): void {
    const catalogue = chartsOf(board);
    const plans = [...catalogue.health, ...catalogue.sensors];
    if (!this.view?.fits(plans)) {
      this.view?.close();
      this.view = new View(board.name, plans, this.actions);
      this.charts.replaceChildren(...this.view.elements);
      this.view.load(snapshot);
    }
    this.view.observe(board, snapshot);
    this.view.draw();
  }
}

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** The charts of one board, and the series they draw. */
class View {
  private readonly charts: Chart[];
  private readonly history: History;
  private now = 0;

  constructor(
    board: string,
    private readonly plans: readonly Plan[],
    actions: BoardActions,
  ) {
    this.charts = plans.map((plan) => new Chart(plan));
    this.history = new History(
      board,
      () => this.draw(),
      (error) => actions.failed(error),
    );
  }

  get elements(): HTMLElement[] {
    return this.charts.map((chart) => chart.element);
  }

  fits(plans: readonly Plan[]): boolean {
    return plans.length === this.plans.length && plans.every((plan, i) => plan.id === this.plans[i]!.id);
  }

  load(snapshot: Snapshot): void {
    void this.history.load(snapshot, this.plans);
  }

  observe(board: Board, snapshot: Snapshot): void {
    this.now = unixSeconds(snapshot.time);
    this.history.observe(board, snapshot, this.plans);
  }

  draw(): void {
    this.charts.forEach((chart, i) =>
      chart.draw(
        this.plans[i]!.lines.map((line) => this.history.points(line)),
        this.now,
      ),
    );
  }

  recolour(): void {
    for (const chart of this.charts) chart.recolour();
  }

  close(): void {
    this.history.close();
    for (const chart of this.charts) chart.close();
  }
}
