// Sentences for people. All pure: what the rack, a board or an event is called on screen and read aloud.

import type { Board, RackEvent, Role, Snapshot } from "./api";
import { count, duration } from "./units";

export const ROLE_NAMES: Record<Role, { one: string; many: string }> = {
  admin: { one: "admin", many: "Admin" },
  manager: { one: "manager", many: "Managers" },
  worker: { one: "worker", many: "Workers" },
  app: { one: "app server", many: "App servers" },
  unassigned: { one: "no role", many: "No role" },
};

/** "w1", "w1 and w2", "w1, w2 and 3 more". */
export function list(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

export interface Verdict {
  /** The worst there is; decides colour and shape. */
  state: Board["state"];
  text: string;
}

/** The rack in one sentence, worst first. */
export function verdict(snapshot: Snapshot): Verdict {
  const { boards, broker, totals } = snapshot;
  if (broker.state === "stopped") {
    const kept = totals.queued > 0 ? `: boards hold ${count(totals.queued)} records` : "";
    return { state: "warm", text: `Broker stopped${kept}` };
  }
  if (boards.length === 0) return { state: "silent", text: "No board has reported yet" };
  for (const state of ["gone", "silent", "warm"] as const) {
    const names = boards.filter((board) => board.state === state).map((board) => board.name);
    if (names.length === 0) continue;
    const be = names.length === 1 ? "is" : "are";
    const rest = boards.filter((board) => board.state === "well").length;
    return { state, text: `${list(names)} ${be} ${state}, ${rest} of ${boards.length} well` };
  }
  return { state: "well", text: boards.length === 1 ? "The board is well" : `All ${boards.length} boards are well` };
}

const GAP_REASONS: Record<string, string> = {
  queue_full: "its queue was full",
  disk_full: "its disk was full",
  write_failed: "its disk refused to write",
  corrupt: "its disk returned damaged bytes",
  vanished: "they were on its disk no more",
  refused: "the broker refused them",
};

/** A reason as it is shown: CPU as people write it, a number and its unit on one line. */
export const reasonText = (text: string) =>
  text.replace(/\bcpu\b/g, "CPU").replace(/(\d) (?=(°C|s|%|W|V|A)(?!\w))/g, "$1\u00a0");

function stateSentence(who: string, from: unknown, to: unknown, reason: unknown): string {
  const why = typeof reason === "string" && reason !== "" ? `: ${reasonText(reason)}` : "";
  switch (to) {
    case "well":
      return typeof from === "string" ? `${who} is well again` : `${who} reports and is well`;
    case "warm":
      return `${who} runs warm${why}`;
    case "silent":
      return `${who} fell silent${why}`;
    case "gone":
      return `${who} is gone${why}`;
    default:
      return `${who} is now ${String(to)}${why}`;
  }
}

/** What happened, as a person would say it; an event of an unknown type says its type. */
export function sentence(event: RackEvent): string {
  const who = event.subject ?? "the rack";
  const data = event.data ?? {};
  switch (event.type) {
    case "dev.pirack.board.state_changed":
      return stateSentence(who, data.from, data.to, data.reason);
    case "dev.pirack.board.unplugged":
      return `${who} was unplugged`;
    case "dev.pirack.board.plugged":
      return `${who} was plugged back in`;
    case "dev.pirack.broker.stopped":
      return typeof data.seconds === "number"
        ? `The broker stopped for ${duration(data.seconds)}`
        : "The broker stopped";
    case "dev.pirack.broker.started":
      return "The broker runs again";
    case "dev.pirack.queue.gap": {
      const reason = GAP_REASONS[String(data.reason)] ?? String(data.reason);
      return `${who} lost ${count(Number(data.count))} records (${data.from} to ${data.to}): ${reason}`;
    }
    case "dev.pirack.rack.started":
      return "The rack started";
    case "dev.pirack.rack.stopped":
      return "The rack stopped";
    default:
      return `${who}: ${event.type}`;
  }
}

/** The state an event leaves its subject in, for the feed's mark; null where it says nothing of that. */
export function mark(event: RackEvent): Board["state"] | null {
  const to = event.data?.to;
  switch (event.type) {
    case "dev.pirack.board.state_changed":
      return to === "well" || to === "warm" || to === "silent" || to === "gone" ? to : null;
    case "dev.pirack.board.plugged":
    case "dev.pirack.broker.started":
    case "dev.pirack.rack.started":
      return "well";
    case "dev.pirack.board.unplugged":
    case "dev.pirack.rack.stopped":
      return "silent";
    case "dev.pirack.broker.stopped":
      return "warm";
    case "dev.pirack.queue.gap":
      return "gone";
    default:
      return null;
  }
}
