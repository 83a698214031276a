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

/** Over a shelf of boards. Beside simulated boards, a real one without a role is the machine they run on. */
export const shelfTitle = (role: Role, boards: readonly Board[], mixed: boolean): string =>
  role === "unassigned" && mixed && boards.every((board) => !board.simulated) ? "This machine" : ROLE_NAMES[role].many;

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
  const { boards, broker, drift, totals } = snapshot;
  if (broker.state === "away") return { state: "gone", text: "Kafka does not answer: what you see is from before" };
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
  if (drift?.state === "differs") {
    const what = drift.count === 1 ? "1 difference" : `${drift.count} differences`;
    return { state: "warm", text: `All boards are well, but the rack is not what its file says: ${what}` };
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

/** As a sentence begins; a path stays as it is. */
export const capital = (word: unknown) => {
  const text = String(word);
  return text.charAt(0).toUpperCase() + text.slice(1);
};

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
      return "The rack is watched from now on";
    case "dev.pirack.rack.stopped":
      return "The rack is watched no longer";
    case "dev.pirack.operation.scheduled":
      return `${data.by} asked for ${data.kind}`;
    case "dev.pirack.operation.started":
      return `${capital(data.kind)} begins`;
    case "dev.pirack.operation.step": {
      const step = `${capital(data.kind)} [${data.number}/${data.of}] ${data.what}`;
      return typeof data.seconds === "number" ? `${step}: done in ${duration(data.seconds)}` : step;
    }
    case "dev.pirack.operation.completed":
      return data.steps === 0
        ? `${capital(data.kind)} completed: nothing was to do`
        : `${capital(data.kind)} completed: ${data.steps === 1 ? "1 step" : `${data.steps} steps`} in ${duration(Number(data.seconds))}`;
    case "dev.pirack.operation.failed":
      return `${capital(data.kind)} failed: ${String(data.why).split("\n")[0]}`;
    case "dev.pirack.drift.began":
      return data.count === 1
        ? `The rack is not what its file says: ${String((data.differences as unknown[] | undefined)?.[0])}`
        : `The rack is not what its file says: ${data.count} differences`;
    case "dev.pirack.drift.ended":
      return `The rack is what its file says again, after ${duration(Number(data.seconds))}`;
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
    case "dev.pirack.operation.completed":
    case "dev.pirack.drift.ended":
      return "well";
    case "dev.pirack.board.unplugged":
    case "dev.pirack.rack.stopped":
      return "silent";
    case "dev.pirack.broker.stopped":
    case "dev.pirack.drift.began":
      return "warm";
    case "dev.pirack.operation.failed":
      return "gone";
    case "dev.pirack.queue.gap":
      return "gone";
    default:
      return null;
  }
}
