// Which charts a board has: its health's five, where it has the fields, then one for every quantity of every
// sensor. Pure; the charts themselves are drawn elsewhere.

import type { Board, Health, Point, Reading } from "./api";
import { unixSeconds } from "./state";

/** One line of a chart. */
export interface Line {
  /** What the history calls it. */
  series: string;
  label: string;
  /** The newest sample, given when the board's health was observed; null when it has none. */
  newest(board: Board, healthAt: number | null): Point | null;
}

export interface Plan {
  /** Stable: `cpu_ratio`, `inlet/temperature`. */
  id: string;
  title: string;
  /** What measured it. */
  note: string;
  unit: string;
  lines: Line[];
  /** The series count up, and the chart shows their growth per second. */
  counter: boolean;
  /** The axis' top where the whole is known. */
  top: number | null;
  /** A value from which on the board counts as warm. */
  limit: number | null;
}

/** CPU temperature from which the manager calls a board warm. */
const WARM_CELSIUS = 70;

type NumberField = { [K in keyof Health]-?: Health[K] extends number | undefined ? K : never }[keyof Health];

function healthLine(field: NumberField, label: string): Line {
  return {
    series: `health.${field}`,
    label,
    newest: (board, healthAt) => {
      const value = board.health[field];
      return value === undefined || healthAt === null ? null : [healthAt, value];
    },
  };
}

function healthPlan(field: NumberField, title: string, unit: string, more: Partial<Plan> = {}): Plan {
  const lines = [healthLine(field, title)];
  return { id: field, title, note: "", unit, lines, counter: false, top: null, limit: null, ...more };
}

function healthPlans(health: Health): Plan[] {
  const plans = [
    healthPlan("cpu_ratio", "CPU", "ratio", { top: 1 }),
    healthPlan("cpu_temperature_celsius", "CPU temperature", "celsius", { limit: WARM_CELSIUS }),
    healthPlan("memory_used_bytes", "Memory", "bytes", { top: health.memory_total_bytes ?? null }),
    healthPlan("supply_watts", "Power", "watts"),
    healthPlan("network_receive_bytes_total", "Network", "bytes_per_second", {
      id: "network",
      counter: true,
      lines: [healthLine("network_receive_bytes_total", "↓"), healthLine("network_transmit_bytes_total", "↑")],
    }),
  ];
  const fieldOf = (plan: Plan) => plan.lines[0]!.series.slice("health.".length) as NumberField;
  return plans.filter((plan) => health[fieldOf(plan)] !== undefined);
}

const QUANTITY_NAMES: Record<string, string> = { relative_humidity: "humidity", storage_free: "free space" };

/** Quantities that make no chart: the whole of a file system stands among the facts, errors are rarely any. */
const UNCHARTED = new Set(["storage_total", "network_receive_errors_total", "network_transmit_errors_total"]);

export const seriesOf = (reading: Reading) => `${reading.sensor}/${reading.quantity}`;

function sensorPlan(reading: Reading, board: Board): Plan {
  const series = seriesOf(reading);
  const counter = reading.quantity.endsWith("_total");
  const quantity = reading.quantity.replace(/_total$/, "");
  const whole = board.sensors.find((one) => one.sensor === reading.sensor && one.quantity === "storage_total");
  const newest = (now: Board): Point | null => {
    const found = now.sensors.find((one) => seriesOf(one) === series);
    return found ? [unixSeconds(found.time), found.value] : null;
  };
  return {
    id: series,
    title: `${reading.sensor} ${QUANTITY_NAMES[quantity] ?? quantity.replaceAll("_", " ")}`,
    note: reading.chip.replaceAll("_", " "),
    unit: counter ? `${reading.unit}_per_second` : reading.unit,
    lines: [{ series, label: reading.sensor, newest }],
    counter,
    top: reading.quantity === "storage_free" ? (whole?.value ?? null) : null,
    limit: null,
  };
}

export interface Catalogue {
  health: Plan[];
  sensors: Plan[];
}

export function chartsOf(board: Board): Catalogue {
  const charted = board.sensors.filter((reading) => !UNCHARTED.has(reading.quantity));
  return { health: healthPlans(board.health), sensors: charted.map((reading) => sensorPlan(reading, board)) };
}
