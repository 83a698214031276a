// The feed: what happened, newest first, as sentences with their times. New ones are also said to screen
// readers, a few at a time; what was there when the page opened is not.

import type { RackEvent } from "./api";
import { byId, el, setChildren } from "./dom";
import { glyph } from "./glyph";
import { hashOf } from "./route";
import { boardNamed, type State } from "./state";
import { timeOfDay } from "./units";
import { mark, sentence } from "./words";

const SHOWN = 100;
/** More than this at once is summed up rather than read out. */
const SPOKEN = 3;

export class Feed {
  private readonly list = byId("feed");
  private readonly announcer = byId("announcer");
  private readonly items = new Map<string, HTMLElement>();

  render(state: State): void {
    const shown = state.events.slice(0, SHOWN);
    const items = shown.map((event) => this.items.get(event.id) ?? this.add(event, state));
    setChildren(this.list, items.length > 0 ? items : [this.nothing]);
    const ids = new Set(shown.map((event) => event.id));
    for (const id of this.items.keys()) if (!ids.has(id)) this.items.delete(id);
  }

  /** Says events that just happened. */
  announce(fresh: readonly RackEvent[]): void {
    const said = fresh.slice(0, SPOKEN).map(sentence);
    if (fresh.length > SPOKEN) said.push(`and ${fresh.length - SPOKEN} more`);
    this.announcer.textContent = said.join(". ");
  }

  private readonly nothing = el("li", { class: "nothing" }, "Nothing has happened yet.");

  private add(event: RackEvent, state: State): HTMLElement {
    const at = Date.parse(event.time);
    const time = el("time", { datetime: event.time, title: new Date(at).toLocaleString() }, timeOfDay(at));
    const now = mark(event);
    const item = el("li", { "data-type": event.type }, now ? glyph(now) : el("span"), this.words(event, state), time);
    if (now) item.dataset.state = now;
    this.items.set(event.id, item);
    return item;
  }

  /** The sentence; its subject is a link where it is a board. */
  private words(event: RackEvent, state: State): HTMLElement {
    const text = sentence(event);
    const board = boardNamed(state, event.subject ?? null)?.name;
    if (board === undefined || !text.startsWith(board)) return el("span", { class: "words" }, text);
    return el("span", { class: "words" }, el("a", { href: hashOf(board) }, board), text.slice(board.length));
  }
}
