// What is known of a board beside its charts, as pairs of a name and a value. Pure; what a board has not got
// is left out.

import type { Board, Health } from "./api";
import { bytes, count, duration, unitNamed } from "./units";

export interface Fact {
  name: string;
  value: string;
  /** 0 to 1 for what has a whole: drawn as a bar. */
  share?: number;
}

function storage(name: string, free: number | undefined, total: number | undefined): Fact | null {
  if (free === undefined || total === undefined || total <= 0) return null;
  return { name, value: `${bytes(free)} free of ${bytes(total)}`, share: 1 - free / total };
}

function used(name: string, part: number | undefined, total: number | undefined): Fact | null {
  if (part === undefined || total === undefined || total <= 0) return null;
  return { name, value: `${bytes(part)} of ${bytes(total)}`, share: part / total };
}

function plain(name: string, value: string | undefined): Fact | null {
  return value === undefined || value === "" ? null : { name, value };
}

function load(health: Health): string | undefined {
  const loads = [health.load_1m, health.load_5m, health.load_15m].filter((one) => one !== undefined);
  if (loads.length === 0) return undefined;
  const cores = health.cpu_count === undefined ? "" : ` on ${count(health.cpu_count)} cores`;
  return loads.map((one) => one.toFixed(2)).join("  ") + cores;
}

function supply(health: Health): string | undefined {
  const parts = [
    health.supply_volts === undefined ? "" : unitNamed("volts").show(health.supply_volts),
    health.supply_amperes === undefined ? "" : unitNamed("amperes").show(health.supply_amperes),
    health.under_voltage ? "too low" : "",
    health.throttled ? "throttled" : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** File systems that the board reads as sensors: free and total of one sensor make one fact. */
function fileSystems(board: Board): (Fact | null)[] {
  const value = (sensor: string, quantity: string) =>
    board.sensors.find((one) => one.sensor === sensor && one.quantity === quantity)?.value;
  return board.sensors
    .filter((one) => one.quantity === "storage_total")
    .map(({ sensor }) => storage(`Storage ${sensor}`, value(sensor, "storage_free"), value(sensor, "storage_total")));
}

export function factsOf(board: Board): Fact[] {
  const { health } = board;
  const facts: (Fact | null)[] = [
    plain("Host name", health.hostname),
    plain("Address", health.address),
    plain("System", health.os),
    plain("Kernel", health.kernel),
    plain("Up for", health.uptime_seconds === undefined ? undefined : duration(health.uptime_seconds)),
    plain("Docker", health.docker),
    plain("Containers", health.containers === undefined ? undefined : `${count(health.containers)} running`),
    plain("Load", load(health)),
    plain("Supply", supply(health)),
    used("Memory", health.memory_used_bytes, health.memory_total_bytes),
    used("Swap", health.swap_used_bytes, health.swap_total_bytes),
    storage("Storage", health.storage_free_bytes, health.storage_total_bytes),
    storage("Data disk", health.data_free_bytes, health.data_total_bytes),
    ...fileSystems(board),
    plain("Queued", board.queued === null ? undefined : `${count(board.queued)} records`),
    plain("Dropped", board.dropped ? `${count(board.dropped)} records` : undefined),
  ];
  return facts.filter((fact) => fact !== null);
}
