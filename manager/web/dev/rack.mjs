// A rack that does not exist, for working on the dashboard without building the manager. Every value here is
// made up; the shapes and the state rules are the HTTP interface's. Never part of what ships.

import { randomUUID } from "node:crypto";

const INTERVAL = 1;
const KEPT_SECONDS = 600;
const BACKFILL_SECONDS = 240;

const NAMES = [
  ["admin", "admin"],
  ["m1", "manager"],
  ["m2", "manager"],
  ["m3", "manager"],
  ["w1", "worker"],
  ["w2", "worker"],
  ["w3", "worker"],
  ["w4", "worker"],
  ["w5", "worker"],
  ["w6", "worker"],
  ["a1", "app"],
  ["a2", "app"],
  ["laptop", "unassigned"],
];

const clamp = (low, value, high) => Math.min(high, Math.max(low, value));
const noise = (width) => (Math.random() - 0.5) * width;
const iso = (seconds) => new Date(seconds * 1000).toISOString();

class Board {
  constructor([name, role], index) {
    Object.assign(this, {
      name,
      role,
      index,
      real: role === "unassigned",
      plugged: true,
      queued: 0,
      state: "well",
      reason: null,
    });
    this.history = new Map();
    this.hot = name === "w5";
    this.celsius = 45;
    this.network = [1e8 * (index + 1), 6e7 * (index + 1)];
    this.lastSeen = null;
    this.health = {};
    this.sensors = [];
  }

  /** One interval's worth of physics: heat follows load, power follows both. */
  measure(at) {
    const wave =
      0.35 + 0.25 * Math.sin(at / (17 + 3 * this.index) + this.index) + 0.12 * Math.sin(at / 4.3 + this.index);
    this.cpu = clamp(0.01, wave + noise(0.08) + (this.hot ? 0.35 : 0), 1);
    this.celsius += (36 + 38 * this.cpu + (this.hot ? 6 : 0) - this.celsius) * 0.06 + noise(0.25);
    this.network = [
      this.network[0] + 2e5 * this.cpu * (1 + Math.random()),
      this.network[1] + 9e4 * this.cpu * (1 + Math.random()),
    ];
    const total = (this.real ? 16 : 8) * 2 ** 30;
    const watts = 2.2 + 4.4 * this.cpu + 0.015 * this.celsius;
    const volts = 5.1 - 0.03 * watts + noise(0.01);
    const health = {
      time: iso(at),
      cpu_ratio: this.cpu,
      cpu_count: 4,
      load_1m: 4 * this.cpu,
      load_5m: 1.3,
      load_15m: 1.1,
      memory_used_bytes: total * clamp(0.1, 0.42 + 0.1 * Math.sin(at / 60 + this.index), 0.9),
      memory_total_bytes: total,
      cpu_temperature_celsius: this.celsius,
      storage_free_bytes: 41e9 - this.index * 1e9,
      storage_total_bytes: 62e9,
      network_receive_bytes_total: Math.round(this.network[0]),
      network_transmit_bytes_total: Math.round(this.network[1]),
      uptime_seconds: at - start + 4000 * (this.index + 1),
      docker: "active",
      containers: 3 + (this.index % 4),
      hostname: this.name,
      address: `10.0.0.${10 + this.index}`,
      os: "Debian GNU/Linux 12 (bookworm)",
      kernel: "6.12.25+rpt-rpi-2712",
    };
    const sensors = [];
    const add = (sensor, chip, quantity, unit, value, quality = "good") =>
      sensors.push({ sensor, chip, quantity, unit, value, quality, time: iso(at) });
    if (this.real) {
      delete health.cpu_temperature_celsius;
      add("/", "filesystem", "storage_free", "bytes", health.storage_free_bytes);
      add("/", "filesystem", "storage_total", "bytes", health.storage_total_bytes);
      add("eth0", "network_interface", "network_receive_total", "bytes", health.network_receive_bytes_total);
    } else {
      Object.assign(health, { supply_volts: volts, supply_amperes: watts / volts, supply_watts: watts });
      add("inlet", "bme280", "temperature", "celsius", 21.5 + 0.05 * this.celsius + noise(0.1));
      add("inlet", "bme280", "relative_humidity", "ratio", 0.43 - 0.001 * this.celsius + noise(0.004));
      add("inlet", "bme280", "pressure", "pascals", 101325 + 60 * Math.sin(at / 200) + noise(8));
      add("supply", "ina219", "voltage", "volts", volts);
      add("supply", "ina219", "current", "amperes", watts / volts);
      add("supply", "ina219", "power", "watts", watts);
      add("outlet", "tmp102", "temperature", "celsius", 19 + 0.35 * this.celsius + noise(0.1));
    }
    this.store(at, health, sensors);
    return { health, sensors };
  }

  store(at, health, sensors) {
    const keep = (series, value) => {
      const points = this.history.get(series) ?? [];
      points.push([at, value]);
      if (points.length > KEPT_SECONDS / INTERVAL) points.shift();
      this.history.set(series, points);
    };
    for (const [field, value] of Object.entries(health)) if (typeof value === "number") keep(`health.${field}`, value);
    for (const one of sensors) keep(`${one.sensor}/${one.quantity}`, one.value);
  }

  judge(at) {
    const silence = this.lastSeen === null ? Infinity : at - this.lastSeen;
    const hot = (this.health.cpu_temperature_celsius ?? 0) >= (this.state === "warm" ? 67 : 70);
    if (silence >= 15) return ["gone", `no record for ${Math.floor(silence)} s`];
    if (silence >= 3) return ["silent", `no record for ${silence.toFixed(1)} s`];
    if (hot) return ["warm", `cpu at ${this.health.cpu_temperature_celsius.toFixed(1)} °C`];
    return ["well", null];
  }

  json(at) {
    const { name, role, real, state, reason, plugged, queued, health, sensors } = this;
    const last_seen_seconds = this.lastSeen === null ? null : at - this.lastSeen;
    return {
      name,
      role,
      simulated: !real,
      state,
      reason,
      plugged,
      last_seen_seconds,
      queued,
      dropped: 0,
      health,
      sensors,
    };
  }
}

const start = Date.now() / 1000;

export class MadeUpRack {
  boards = NAMES.map((name, index) => new Board(name, index));
  events = [];
  listeners = new Set();
  totals = { produced: 0, delivered: 0, stored: 0, dropped: 0, redelivered: 0 };
  stoppedUntil = null;

  constructor() {
    for (let age = BACKFILL_SECONDS; age > 0; age -= INTERVAL)
      this.boards.forEach((board) => board.measure(start - age));
    this.say("dev.pirack.rack.started", undefined, {});
    setInterval(() => this.tick(), INTERVAL * 1000);
  }

  say(type, subject, data) {
    const event = {
      specversion: "1.0",
      id: randomUUID(),
      source: "/racks/made-up",
      type,
      subject,
      time: new Date().toISOString(),
      datacontenttype: "application/json",
      data,
    };
    this.events.unshift(event);
    this.events.length = Math.min(this.events.length, 500);
    this.tell("event", event);
  }

  tell(kind, body) {
    for (const listener of this.listeners) listener(kind, body);
  }

  tick() {
    const at = Date.now() / 1000;
    if (this.stoppedUntil !== null && at >= this.stoppedUntil) this.startBroker();
    for (const board of this.boards) {
      const { health, sensors } = board.measure(at);
      const records = 1 + sensors.length;
      this.totals.produced += records;
      board.queued += records;
      if (board.plugged && this.stoppedUntil === null) {
        const sent = Math.min(board.queued, records + 60);
        board.queued -= sent;
        this.totals.delivered += sent;
        this.totals.stored += sent;
        Object.assign(board, { lastSeen: at, health, sensors });
      }
      const [state, reason] = board.judge(at);
      if (state !== board.state)
        this.say("dev.pirack.board.state_changed", board.name, { from: board.state, to: state, reason });
      Object.assign(board, { state, reason });
    }
    this.tell("rack", this.snapshot());
  }

  snapshot() {
    const at = Date.now() / 1000;
    const queued = this.boards.reduce((sum, board) => sum + board.queued, 0);
    return {
      rack: "made-up",
      embedded: true,
      drift: null,
      operation: null,
      time: iso(at),
      interval_seconds: INTERVAL,
      started: iso(start),
      broker: {
        address: "127.0.0.1:40123",
        state: this.stoppedUntil === null ? "running" : "stopped",
        resumes_in_seconds: this.stoppedUntil === null ? null : this.stoppedUntil - at,
      },
      totals: { boards: this.boards.length, seconds: at - start, ...this.totals, queued },
      boards: this.boards.map((board) => board.json(at)),
    };
  }

  named(name) {
    return this.boards.find((board) => board.name === name);
  }

  plug(board, plugged) {
    if (board.plugged === plugged) return;
    board.plugged = plugged;
    this.say(`dev.pirack.board.${plugged ? "plugged" : "unplugged"}`, board.name, {});
  }

  stopBroker(seconds) {
    this.stoppedUntil = Date.now() / 1000 + seconds;
    this.say("dev.pirack.broker.stopped", undefined, { seconds });
  }

  startBroker() {
    if (this.stoppedUntil === null) return;
    this.stoppedUntil = null;
    this.totals.redelivered += 7;
    this.say("dev.pirack.broker.started", undefined, {});
  }
}
