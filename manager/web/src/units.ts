// Units as people read them: one table for every unit that the manager sends, used by tiles, facts and charts.

export interface Unit {
  /** A value with its unit, for reading. */
  show(value: number): string;
  /** A value without its unit, for an axis. */
  tick(value: number): string;
  /** The unit's sign, for a title. */
  sign: string;
  /** An axis is never narrower than this, or noise would look like a storm. */
  leastSpan: number;
  /** Whether an axis starts at zero. */
  fromZero: boolean;
  /** Steps between an axis' ticks, where powers of ten are not round. */
  steps?: readonly number[];
}

const fixed = (digits: number) => (value: number) => value.toFixed(digits);

function unit(sign: string, digits: number, factor: number, leastSpan: number, fromZero: boolean): Unit {
  return {
    sign,
    leastSpan,
    fromZero,
    show: (value) => `${fixed(digits)(value * factor)}\u00a0${sign}`,
    // Enough digits to tell two ticks apart, and no more.
    tick: (value) => String(Number((value * factor).toFixed(Math.max(digits, 1)))),
  };
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL = ["B/s", "kB/s", "MB/s", "GB/s"];

function scaled(value: number, base: number, names: readonly string[]): string {
  let size = value;
  let step = 0;
  while (Math.abs(size) >= base && step < names.length - 1) {
    size /= base;
    step++;
  }
  return `${size >= 100 || step === 0 ? size.toFixed(0) : size.toFixed(1)}\u00a0${names[step]}`;
}

export const bytes = (value: number) => scaled(value, 1024, BINARY);
export const bytesPerSecond = (value: number) => scaled(value, 1000, DECIMAL);

/** 1, 2, 4 ... bytes, up to a pebibyte. */
const POWERS_OF_TWO = Array.from({ length: 51 }, (_, power) => 2 ** power);

/** A unit whose prefix grows with the value. */
function growing(show: (value: number) => string, leastSpan: number): Unit {
  return {
    sign: "",
    show,
    tick: (value) => show(value).replace("\u00a0", "").replace(".0", ""),
    leastSpan,
    fromZero: true,
  };
}

const UNITS: Record<string, Unit> = {
  celsius: unit("°C", 1, 1, 4, false),
  ratio: unit("%", 0, 100, 0.04, false),
  pascals: unit("hPa", 1, 0.01, 200, false),
  volts: unit("V", 2, 1, 0.2, false),
  amperes: unit("A", 2, 1, 0.4, true),
  watts: unit("W", 1, 1, 4, true),
  packets: unit("packets", 0, 1, 10, true),
  packets_per_second: unit("packets/s", 1, 1, 10, true),
  bytes: { ...growing(bytes, 1 << 20), steps: POWERS_OF_TWO },
  bytes_per_second: growing(bytesPerSecond, 2000),
};

/** The unit of that name; an unknown one is shown as it is called. */
export function unitNamed(name: string): Unit {
  return UNITS[name] ?? unit(name, 2, 1, 1, false);
}

/** A count with its thousands apart. */
export const count = (value: number) => Math.round(value).toLocaleString("en");

/** A span of time in its two largest parts: "3 d 4 h", "12 min 5 s", "40 s". */
export function duration(seconds: number): string {
  const parts: [number, string][] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const whole = Math.max(0, Math.round(seconds));
  const at = parts.findIndex(([size]) => whole >= size);
  if (at < 0) return "0\u00a0s";
  const [size, name] = parts[at]!;
  const rest = parts[at + 1];
  const second = rest ? Math.floor((whole % size) / rest[0]) : 0;
  return `${Math.floor(whole / size)}\u00a0${name}${rest && second > 0 ? ` ${second}\u00a0${rest[1]}` : ""}`;
}

/** The time of day where the reader is, 24 hours. */
export function timeOfDay(ms: number, withSeconds = true): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}
