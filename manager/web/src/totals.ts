// The header: the rack in one sentence, what became of every record from the boards to the history, and the
// broker, with the button that stops it.

import type { Totals } from "./api";
import { byId, el, setAttribute, setChildren, setText } from "./dom";
import { glyph } from "./glyph";
import { isBacklog, type State } from "./state";
import { count } from "./units";
import { type Verdict, verdict } from "./words";

/** How long the button and the key stop the broker. */
export const STOP_SECONDS = 20;

type Counter = Exclude<keyof Totals, "boards" | "seconds">;

/** In the order a record passes them; then what went wrong. */
const COUNTERS: readonly [name: Counter, label: string, says: string][] = [
  ["produced", "Produced", "by all boards"],
  ["queued", "Queued", "on the boards' disks"],
  ["delivered", "Delivered", "acknowledged"],
  ["stored", "Stored", "in the history"],
  ["redelivered", "Redelivered", "stored once"],
  ["dropped", "Dropped", "by full queues"],
];

/** Whether a counter's value means trouble, or work ahead. */
function isNotable(name: Counter, state: State): boolean {
  const totals = state.snapshot?.totals;
  if (!totals) return false;
  return name === "queued" ? isBacklog(state, totals.queued, totals.boards) : name === "dropped" && totals.dropped > 0;
}

export class Header {
  private readonly values = new Map<Counter, { card: HTMLElement; number: HTMLElement; note: HTMLElement }>();
  private shown: Verdict | null = null;
  private readonly brokerState = el("strong", { class: "broker-state" });
  private readonly brokerNote = el("span", { class: "note" });
  private readonly bar = el("span", { class: "bar-fill" });
  private readonly button = el("button", { type: "button", "aria-keyshortcuts": "b" });
  private readonly broker = el(
    "div",
    { class: "broker", role: "group", "aria-label": "Broker" },
    el("span", { class: "label" }, "Broker"),
    this.brokerState,
    this.brokerNote,
    this.button,
    el("span", { class: "bar", "aria-hidden": "true" }, this.bar),
  );

  constructor(onBroker: () => void) {
    const cards = COUNTERS.map(([name, label, says]) => {
      const number = el("dd", { class: "number", "data-total": name }, "–");
      const note = el("dd", { class: "note" }, says);
      const card = el(
        "div",
        { class: "total", "data-counter": name },
        el("dt", { class: "label" }, label),
        number,
        note,
      );
      this.values.set(name, { card, number, note });
      return card;
    });
    byId("totals").append(el("dl", { class: "counters" }, ...cards), this.broker);
    this.button.addEventListener("click", onBroker);
  }

  render(state: State): void {
    const { snapshot } = state;
    if (!snapshot) return;
    setText(byId("rack-name"), snapshot.rack);
    this.renderVerdict(verdict(snapshot));
    for (const [name] of COUNTERS) this.renderCounter(name, snapshot.totals[name], isNotable(name, state));
    const perSecond = state.pace?.perSecond ?? null;
    if (perSecond !== null) setText(this.values.get("produced")!.note, `${count(perSecond)} a second`);
    this.renderBroker(state);
  }

  private renderVerdict(now: Verdict): void {
    if (this.shown?.text === now.text && this.shown.state === now.state) return;
    this.shown = now;
    const heading = byId("verdict");
    setAttribute(heading, "data-state", now.state);
    setChildren(heading, [glyph(now.state), el("span", {}, now.text)]);
    document.title = `${now.text} · pirack`;
  }

  private renderCounter(name: Counter, value: number, notable: boolean): void {
    const { card, number } = this.values.get(name)!;
    setText(number, count(value));
    setAttribute(number, "data-value", String(value));
    setAttribute(card, "data-notable", notable ? "" : null);
  }

  private renderBroker({ snapshot, stopLength }: State): void {
    if (!snapshot) return;
    const { broker } = snapshot;
    const stopped = broker.state === "stopped";
    const left = broker.resumes_in_seconds;
    setAttribute(this.broker, "data-broker", broker.state);
    setText(this.brokerState, stopped ? (left === null ? "Stopped" : `Back in ${Math.ceil(left)} s`) : "Running");
    setText(this.brokerNote, broker.address);
    setAttribute(this.button, "data-action", stopped ? "start-broker" : "stop-broker");
    setText(this.button, stopped ? "Start it now" : `Stop it for ${STOP_SECONDS} s`);
    const share = stopped && left !== null && stopLength ? left / stopLength : 0;
    this.bar.style.transform = `scaleX(${share})`;
  }
}
