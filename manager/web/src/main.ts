// The dashboard as a whole: one stream in, one state, and the views that show it. Only this file knows them all.

import { ApiError, fetchEvents, fetchHistory, plugBoard, startBroker, stopBroker, unplugBoard } from "./api";
import { BoardPanel } from "./board";
import { ConnectionBar } from "./connection";
import { byId, setText } from "./dom";
import { Feed } from "./events";
import { type Command, fillHelp, listen } from "./keys";
import { Rack } from "./rack";
import { boardIn, go } from "./route";
import { boardNamed, caughtUp, type State, Store, TRAIL_SECONDS, withEvents, withSnapshot, withTrail } from "./state";
import { Stream } from "./stream";
import { currentTheme, nextTheme, restoreTheme, setTheme } from "./theme";
import { Header, STOP_SECONDS } from "./totals";
import type { RackEvent, Snapshot } from "./api";

const NOTICE_MS = 8000;
/** A backlog that just arrived is in the history a moment later. */
const SETTLE_MS = 1500;

class Dashboard {
  private readonly store = new Store((state) => this.render(state));
  private readonly rack = new Rack();
  private readonly feed = new Feed();
  private readonly header = new Header(() => this.toggleBroker());
  private readonly connection = new ConnectionBar(() => this.stream.connect());
  private readonly help = fillHelp();
  private readonly panel = new BoardPanel({
    close: () => go(null),
    togglePlug: (board) => this.togglePlug(board),
    failed: (error) => this.unread(error),
  });
  private readonly stream: Stream;
  private noticeTimer: number | undefined;

  constructor() {
    this.stream = new Stream("/api/stream", {
      snapshot: (snapshot) => this.heard(snapshot),
      event: (event) => this.happened(event),
      connection: (connection) => {
        this.missed ||= connection.kind === "lost";
        this.store.change((state) => ({ ...state, connection }));
      },
    });
    listen((command) => this.run(command));
    byId("theme").addEventListener("click", () => this.run({ kind: "theme" }));
    byId("help-open").addEventListener("click", () => this.run({ kind: "help" }));
    byId("notice-close").addEventListener("click", () => this.hush());
    addEventListener("hashchange", () => this.turn());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.panel.recolour());
    setInterval(() => this.store.state.connection.kind === "lost" && this.store.refresh(), 1000);
    this.nameTheme();
    this.turn();
  }

  private render(state: State): void {
    this.connection.render(state);
    this.header.render(state);
    this.rack.render(state);
    this.panel.render(state);
    this.feed.render(state);
  }

  private heard(snapshot: Snapshot): void {
    const before = this.store.state.snapshot;
    const sameRun = before?.started === snapshot.started ? before : null;
    this.store.change((state) => withSnapshot(state, snapshot));
    if (this.missed || !sameRun) {
      void this.readEvents();
      void this.readBack(
        snapshot.boards.map((board) => board.name),
        snapshot,
      );
    } else {
      const behind = caughtUp(sameRun, snapshot);
      if (behind.length > 0) setTimeout(() => void this.readBack(behind, snapshot), SETTLE_MS);
    }
    this.missed = false;
  }

  /** Whether news may have been missed: at first, and after the stream broke. */
  private missed = true;

  private happened(event: RackEvent): void {
    const before = this.store.state;
    this.store.change((state) => withEvents(state, [event]));
    if (this.store.state !== before) this.say(event);
  }

  private unsaid: RackEvent[] = [];

  /** Events of one moment are said together. */
  private say(event: RackEvent): void {
    this.unsaid.push(event);
    if (this.unsaid.length > 1) return;
    setTimeout(() => this.feed.announce(this.unsaid.splice(0)), 500);
  }

  private async readEvents(): Promise<void> {
    try {
      const events = await fetchEvents();
      this.store.change((state) => withEvents(state, events));
    } catch (error) {
      this.unread(error);
    }
  }

  /** Reads the stored history of boards that were seen live only in part: one request at a time, the opened board's first. */
  private async readBack(boards: readonly string[], snapshot: Snapshot): Promise<void> {
    this.panel.reload(boards, snapshot);
    try {
      for (const board of boards) {
        const stored = await fetchHistory(board, "health.cpu_ratio", TRAIL_SECONDS);
        this.store.change((state) => withTrail(state, board, stored));
      }
    } catch (error) {
      this.unread(error);
    }
  }

  private turn(): void {
    const was = this.store.state.open;
    const open = boardIn(location.hash);
    this.store.change((state) => ({ ...state, open }));
    if (open === null && was !== null) requestAnimationFrame(() => this.rack.focus(was));
  }

  private run(command: Command): boolean {
    const { open } = this.store.state;
    switch (command.kind) {
      case "move":
        return this.move(command.direction, open);
      case "unplug": {
        const board = open ?? this.rack.current;
        if (board !== null) this.togglePlug(board);
        return board !== null;
      }
      case "broker":
        this.toggleBroker();
        return true;
      case "theme":
        setTheme(nextTheme(currentTheme()));
        this.nameTheme();
        this.panel.recolour();
        return true;
      case "help":
        this.help.showModal();
        return true;
      case "close":
        if (open !== null) go(null);
        return open !== null;
    }
  }

  /** Within an opened board left and right turn to the next one, and up and down scroll as ever. */
  private move(direction: "left" | "right" | "up" | "down", open: string | null): boolean {
    if (open === null || !this.panel.hasFocus) {
      this.rack.move(direction);
      return true;
    }
    if (direction === "up" || direction === "down") return false;
    go(this.rack.beside(open, direction === "right" ? 1 : -1) ?? open);
    return true;
  }

  private togglePlug(name: string): void {
    const { snapshot } = this.store.state;
    const board = boardNamed(this.store.state, name);
    if (board && snapshot?.embedded) void this.attempt(() => (board.plugged ? unplugBoard(name) : plugBoard(name)));
  }

  private toggleBroker(): void {
    const { snapshot } = this.store.state;
    const broker = snapshot?.broker;
    if (broker && snapshot.embedded) void this.attempt(() => (broker.state === "running" ? stopBroker(STOP_SECONDS) : startBroker()));
  }

  /** Does what somebody asked for, and tells them when it fails. */
  private async attempt(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.notice(error);
    }
  }

  /** What the page reads by itself may fail while the stream is broken: its bar says so already. */
  private unread(error: unknown): void {
    if (this.store.state.connection.kind !== "lost") this.notice(error);
  }

  /** Says what went wrong, long enough to be read. */
  private notice(error: unknown): void {
    setText(
      byId("notice-words"),
      error instanceof ApiError ? error.message : `Something went wrong in this page: ${String(error)}`,
    );
    byId("notice").hidden = false;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = window.setTimeout(() => this.hush(), NOTICE_MS);
  }

  private hush(): void {
    byId("notice").hidden = true;
  }

  private nameTheme(): void {
    const theme = currentTheme();
    setText(byId("theme-name"), theme === "auto" ? "Auto" : theme === "light" ? "Light" : "Dark");
  }
}

restoreTheme();
document.addEventListener("DOMContentLoaded", () => new Dashboard());
