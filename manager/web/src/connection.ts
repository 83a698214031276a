// What the page says of its own news: nothing while they are fresh; when the stream broke, since when, and
// when it is tried again. Everything on screen is marked stale until then.

import { byId, setAttribute, setText } from "./dom";
import type { State } from "./state";
import { duration, timeOfDay } from "./units";

export class ConnectionBar {
  private readonly bar = byId("connection");
  private readonly words = byId("connection-words");
  private readonly countdown = byId("connection-countdown");

  constructor(retry: () => void) {
    byId("connection-retry").addEventListener("click", retry);
  }

  render({ connection, snapshot }: State): void {
    setAttribute(document.body, "data-connection", connection.kind);
    setAttribute(byId("rack"), "aria-busy", snapshot ? null : "true");
    this.bar.hidden = connection.kind !== "lost";
    byId("waiting").hidden = snapshot !== null || connection.kind === "lost";
    if (connection.kind !== "lost") return;
    const from = snapshot ? ` What you see is from ${timeOfDay(Date.parse(snapshot.time))}.` : "";
    setText(this.words, `No news from the manager.${from}`);
    const left = Math.ceil((connection.retryAt - Date.now()) / 1000);
    setText(this.countdown, left > 0 ? `Trying again in ${duration(left)}` : "Trying again now");
  }
}
