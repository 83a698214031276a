// The header: the rack in one sentence, what became of every record from the boards to the history, and the
// broker, with the button that stops it.

import type { Drift, OperationNow, Totals } from "./api";
import { byId, el, setAttribute, setChildren, setText } from "./dom";
import { glyph } from "./glyph";
import { isBacklog, type State } from "./state";
import { count, duration } from "./units";
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

/** What a real rack's manager counts itself; the rest only its agents know. What it sees again is mostly what it
 * reads again after its own start, and no news of the rack. */
const COUNTED: ReadonlySet<Counter> = new Set<Counter>(["stored"]);

/** Whether a counter's value means trouble, or work ahead. */
function isNotable(name: Counter, state: State): boolean {
  const totals = state.snapshot?.totals;
  if (!totals) return false;
  return name === "queued" ? isBacklog(state, totals.queued, totals.boards) : name === "dropped" && totals.dropped > 0;
}

export class Header {
  private readonly values = new Map<Counter, { card: HTMLElement; label: HTMLElement; number: HTMLElement; note: HTMLElement }>();
  private shown: Verdict | null = null;
  private readonly brokerState = el("strong", { class: "broker-state" });
  private readonly brokerNote = el("span", { class: "note" });
  private readonly bar = el("span", { class: "bar-fill" });
  private readonly button = el("button", { type: "button", "aria-keyshortcuts": "b" });
  private readonly fileState = el("strong", { class: "broker-state" });
  private readonly fileNote = el("span", { class: "note" });
  private readonly fileList = el("ul", { class: "differences" });
  private readonly file = el(
    "div",
    { class: "broker", role: "group", "aria-label": "The rack's file", hidden: "" },
    el("span", { class: "label" }, "Rack file"),
    this.fileState,
    this.fileNote,
    this.fileList,
  );
  private readonly workState = el("strong", { class: "broker-state" });
  private readonly workNote = el("span", { class: "note" });
  private readonly workBar = el("span", { class: "bar-fill" });
  private readonly work = el(
    "div",
    { class: "broker", role: "group", "aria-label": "Operation", hidden: "" },
    el("span", { class: "label" }, "Operation"),
    this.workState,
    this.workNote,
    el("span", { class: "bar", "aria-hidden": "true" }, this.workBar),
  );
  private readonly label = el("span", { class: "label" }, "Broker");
  private readonly broker = el(
    "div",
    { class: "broker", role: "group", "aria-label": "Broker" },
    this.label,
    this.brokerState,
    this.brokerNote,
    this.button,
    el("span", { class: "bar", "aria-hidden": "true" }, this.bar),
  );

  constructor(onBroker: () => void) {
    const cards = COUNTERS.map(([name, label, says]) => {
      const number = el("dd", { class: "number", "data-total": name }, "–");
      const note = el("dd", { class: "note" }, says);
      const title = el("dt", { class: "label" }, label);
      const card = el(
        "div",
        { class: "total", "data-counter": name },
        title,
        number,
        note,
      );
      this.values.set(name, { card, label: title, number, note });
      return card;
    });
    byId("totals").append(el("dl", { class: "counters" }, ...cards), this.broker, this.file, this.work);
    this.button.addEventListener("click", onBroker);
  }

  render(state: State): void {
    const { snapshot } = state;
    byId("totals").hidden = !snapshot;
    if (!snapshot) return;
    setText(byId("rack-name"), snapshot.rack);
    this.renderVerdict(verdict(snapshot));
    for (const [name] of COUNTERS) {
      this.values.get(name)!.card.hidden = !snapshot.embedded && !COUNTED.has(name);
      this.renderCounter(name, snapshot.totals[name], isNotable(name, state));
    }
    const perSecond = state.pace?.perSecond ?? null;
    const paced = this.values.get(snapshot.embedded ? "produced" : "stored")!;
    if (perSecond !== null) setText(paced.note, `${count(perSecond)} a second`);
    if (!snapshot.embedded) setText(this.values.get("stored")!.label, "Received");
    setAttribute(byId("totals"), "data-real", snapshot.embedded ? null : "");
    this.renderBroker(state);
    this.renderFile(snapshot.drift, snapshot.operation !== null);
    this.renderWork(snapshot.operation);
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
    const away = broker.state === "away" ? "Does not answer" : snapshot.embedded ? "Running" : "Answers";
    setText(this.brokerState, stopped ? (left === null ? "Stopped" : `Back in ${Math.ceil(left)} s`) : away);
    setText(this.label, snapshot.embedded ? "Broker" : "Kafka");
    this.button.hidden = !snapshot.embedded;
    setText(this.brokerNote, broker.address.split(",").join(", "));
    setAttribute(this.button, "data-action", stopped ? "start-broker" : "stop-broker");
    setText(this.button, stopped ? "Start it now" : `Stop it for ${STOP_SECONDS} s`);
    const share = stopped && left !== null && stopLength ? left / stopLength : 0;
    this.bar.style.transform = `scaleX(${share})`;
  }

  /** Whether the rack is what its file says; nothing where nobody looks. */
  private renderFile(drift: Drift | null, underway: boolean): void {
    this.file.hidden = drift === null;
    if (!drift) return;
    setAttribute(this.file, "data-drift", drift.state);
    const states = { same: "As it says", differs: drift.count === 1 ? "1 difference" : `${drift.count} differences`, unknown: "Unknown" };
    setText(this.fileState, states[drift.state]);
    const since = duration((Date.now() - Date.parse(drift.since)) / 1000);
    setText(this.fileNote, drift.why ?? (drift.state === "differs" && !underway ? `for ${since}: run pirack apply` : `for ${since}`));
    this.fileNote.title = drift.differences.join("\n");
    const shown = drift.differences.slice(0, 3).map((text) => el("li", { title: text }, text));
    this.fileList.hidden = shown.length === 0;
    this.fileList.replaceChildren(...shown);
  }

  /** What changes the rack now. */
  private renderWork(now: OperationNow | null): void {
    this.work.hidden = now === null;
    if (!now) return;
    setText(this.workState, now.number === 0 ? `${now.kind} begins` : `${now.kind} ${now.number}/${now.of}`);
    const what = now.waits ?? now.what;
    setText(this.workNote, what === "" ? `for ${now.by}` : what);
    this.workNote.title = `${now.what}, for ${now.by}`;
    this.workBar.style.transform = `scaleX(${now.of > 0 ? (now.number - 1) / now.of : 0})`;
  }
}
