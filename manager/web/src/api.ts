// The manager's HTTP interface as TypeScript: what its JSON looks like, and the calls that fetch it.
// Every call has a deadline, and every failure is an ApiError whose message is meant for a person.

export type Role = "admin" | "manager" | "worker" | "app" | "unassigned";
export type BoardState = "well" | "warm" | "silent" | "gone";

/** A health record's fields; what a board has not got is absent, never zero. */
export interface Health {
  /** When the record was made, RFC 3339; used for exact chart positions where the manager sends it. */
  time?: string;
  cpu_ratio?: number;
  cpu_count?: number;
  load_1m?: number;
  load_5m?: number;
  load_15m?: number;
  memory_used_bytes?: number;
  memory_total_bytes?: number;
  swap_used_bytes?: number;
  swap_total_bytes?: number;
  cpu_temperature_celsius?: number;
  storage_free_bytes?: number;
  storage_total_bytes?: number;
  data_free_bytes?: number;
  data_total_bytes?: number;
  network_receive_bytes_total?: number;
  network_transmit_bytes_total?: number;
  uptime_seconds?: number;
  supply_volts?: number;
  supply_amperes?: number;
  supply_watts?: number;
  under_voltage?: boolean;
  throttled?: boolean;
  docker?: string;
  containers?: number;
  hostname?: string;
  address?: string;
  os?: string;
  kernel?: string;
}

/** The newest reading of one quantity of one sensor. */
export interface Reading {
  sensor: string;
  chip: string;
  quantity: string;
  unit: string;
  value: number;
  quality: "good" | "out_of_range" | "suspect";
  time: string;
}

export interface Board {
  name: string;
  role: Role;
  simulated: boolean;
  state: BoardState;
  /** One short sentence; null when well. */
  reason: string | null;
  plugged: boolean;
  last_seen_seconds: number | null;
  queued: number | null;
  dropped: number | null;
  health: Health;
  sensors: Reading[];
}

export interface Broker {
  address: string;
  state: "running" | "stopped" | "away";
  resumes_in_seconds: number | null;
}

export interface Totals {
  boards: number;
  seconds: number;
  produced: number;
  delivered: number;
  stored: number;
  queued: number;
  dropped: number;
  redelivered: number;
}

/** How a real rack stands to its file. */
export interface Drift {
  state: "same" | "differs" | "unknown";
  since: string;
  looked: string;
  count: number;
  /** The first of them. */
  differences: string[];
  why: string | null;
}

/** The operation under way; step 0 is before the first. */
export interface OperationNow {
  id: string;
  kind: string;
  by: string;
  since: string;
  number: number;
  of: number;
  what: string;
  waits: string | null;
}

export interface Snapshot {
  rack: string;
  /** Whether links can be pulled and the broker stopped. */
  embedded: boolean;
  drift: Drift | null;
  operation: OperationNow | null;
  time: string;
  interval_seconds: number;
  started: string;
  broker: Broker;
  totals: Totals;
  boards: Board[];
}

/** A CloudEvent (1.0, structured JSON) about the rack. */
export interface RackEvent {
  id: string;
  type: string;
  subject?: string;
  time: string;
  data?: Record<string, unknown>;
}

/** One value at one time: unix seconds, then the value in the series' unit. */
export type Point = readonly [seconds: number, value: number];

const DEADLINE_MS = 5000;

/** What was tried and what came of it, in words for whoever looks at the screen. */
export class ApiError extends Error {}

async function request<T>(what: string, path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch {
    throw new ApiError(`Could not ${what}: the manager does not answer. Is pirack still running?`);
  }
  if (response.status === 401) location.assign("/login");
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const said = (body as { error?: unknown } | null)?.error;
    throw new ApiError(`Could not ${what}: ${typeof said === "string" ? said : `status ${response.status}`}`);
  }
  return body as T;
}

function post(what: string, path: string, body?: object): Promise<unknown> {
  const payload = body ? { headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
  return request(what, path, { method: "POST", ...payload });
}

const boardPath = (name: string) => `/api/boards/${encodeURIComponent(name)}`;

/** The newest events, newest first. */
export const fetchEvents = (limit = 100) => request<RackEvent[]>("read the events", `/api/events?limit=${limit}`);

/** One series of a board, oldest first, at most 1000 points. */
export async function fetchHistory(board: string, series: string, seconds: number): Promise<Point[]> {
  const query = new URLSearchParams({ series, seconds: String(seconds) });
  const path = `${boardPath(board)}/history?${query}`;
  const answer = await request<{ points: Point[] }>(`read the history of ${board}`, path);
  return answer.points;
}

export const unplugBoard = (name: string) => post(`unplug ${name}`, `${boardPath(name)}/unplug`);
export const plugBoard = (name: string) => post(`plug ${name} in`, `${boardPath(name)}/plug`);
export const stopBroker = (seconds: number) => post("stop the broker", "/api/broker/stop", { seconds });
export const startBroker = () => post("start the broker", "/api/broker/start");
