// One chart: a title with the newest value, and a uPlot canvas under it. Colours come from the style sheet at
// every drawing, so that a chart follows the theme; the cursor is shared by all charts of a board.
// `data-points` on the figure and its canvas says how many values are drawn.

import uPlot from "uplot";
import type { Plan } from "./catalogue";
import { capital } from "./words";
import { el, setAttribute, setText } from "./dom";
import { rates, shownRange, withHoles } from "./series";
import { timeOfDay, type Unit, unitNamed } from "./units";
import type { Point } from "./api";
import { WINDOW_SECONDS } from "./history";

const HEIGHT = 132;
const AXIS_FONT = "11px system-ui, sans-serif";
/** A counter's growth is compared over this, to outlast a late sample. */
const RATE_SECONDS = 2.5;

/** Whether a time's label fits under the plot without running into the other axis' labels. */
function hasRoom(plot: uPlot, at: number): boolean {
  const x = plot.valToPos(at, "x");
  return x >= 18 && x <= plot.over.clientWidth - 14;
}

export class Chart {
  readonly element: HTMLElement;
  private readonly value = el("span", { class: "now" });
  private readonly note = el("span", { class: "note" });
  private readonly host = el("div", { class: "plot" });
  private readonly unit: Unit;
  private readonly plot: uPlot;
  private readonly resizer: ResizeObserver;
  private hovered: number | null = null;

  constructor(private readonly plan: Plan) {
    this.unit = unitNamed(plan.unit);
    const caption = el("figcaption", {}, el("span", { class: "title" }, capital(plan.title)), this.note, this.value);
    this.element = el("figure", { class: "chart", "data-chart": plan.id, "data-points": "0" }, caption, this.host);
    this.plot = new uPlot(this.options(), [[], ...plan.lines.map(() => [])], this.host);
    setAttribute(this.plot.ctx.canvas, "role", "img");
    this.resizer = new ResizeObserver(() => {
      const width = Math.floor(this.host.clientWidth);
      if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    });
    this.resizer.observe(this.host);
  }

  /** Draws the lines' points, one series a line, up to `now` in unix seconds. */
  draw(series: readonly (readonly Point[])[], now: number): void {
    const shown = series.map((points) => (this.plan.counter ? rates(points, RATE_SECONDS) : points));
    const tables = shown.map((points) => withHoles(points) as uPlot.AlignedData);
    const first = Math.min(...shown.map((points) => points[0]?.[0] ?? Infinity));
    const [min, max] = shownRange(Number.isFinite(first) ? first : undefined, now, WINDOW_SECONDS);
    this.plot.batch(() => {
      this.plot.setData(tables.length > 1 ? uPlot.join(tables) : tables[0]!, false);
      this.plot.setScale("x", { min, max });
    });
    const points = String(shown.reduce((sum, one) => sum + one.length, 0));
    setAttribute(this.element, "data-points", points);
    setAttribute(this.plot.ctx.canvas, "data-points", points);
    this.label(shown);
    this.readout();
  }

  /** Draws the same again, in the colours that now hold. */
  recolour(): void {
    this.plot.redraw(false, true);
  }

  close(): void {
    this.resizer.disconnect();
    this.plot.destroy();
  }

  /** What the canvas shows, for who cannot see it. */
  private label(shown: readonly (readonly Point[])[]): void {
    const values = shown.flatMap((points) => points.map(([, value]) => value));
    const range =
      values.length === 0
        ? "no values yet"
        : `from ${this.unit.show(Math.min(...values))} to ${this.unit.show(Math.max(...values))}`;
    setAttribute(this.plot.ctx.canvas, "aria-label", `${this.plan.title}: ${range}`);
  }

  /** The value under the cursor, or the newest. */
  private readout(): void {
    const { data } = this.plot;
    const at = this.hovered;
    const texts = this.plan.lines.map((line, i) => {
      const column = data[i + 1] ?? [];
      const value = at === null ? [...column].reverse().find((one) => one != null) : column[at];
      const text = value == null ? "–" : this.unit.show(value);
      return this.plan.lines.length > 1 ? `${line.label} ${text}` : text;
    });
    setText(this.note, at === null ? this.plan.note : timeOfDay((data[0]![at] ?? 0) * 1000));
    setText(this.value, texts.join("  "));
    setAttribute(this.value, "data-hovered", at === null ? null : "");
  }

  /** A colour of the style sheet as it holds here and now; colours.css registers those a canvas asks for. */
  private colour(name: "line" | "wash" | "grid" | "text"): string {
    return getComputedStyle(this.host).getPropertyValue(`--chart-${name}`);
  }

  private options(): uPlot.Options {
    const { plan } = this;
    const grid = { stroke: () => this.colour("grid"), width: 1 };
    const axis = { stroke: () => this.colour("text"), font: AXIS_FONT, grid, ticks: { show: false } };
    // An area says "so much of something", which is true only on an axis that starts at zero.
    const grounded = this.unit.fromZero || plan.top !== null;
    const steps = this.unit.steps ? { incrs: [...this.unit.steps] } : {};
    return {
      width: 280,
      height: HEIGHT,
      padding: [6, 4, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "board" }, y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: true }, y: { range: (_plot, low, high) => this.range(low, high) } },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 2,
          space: 44,
          values: (plot, ticks, _axis, _space, step) =>
            ticks.map((at) => (hasRoom(plot, at) ? timeOfDay(at * 1000, step < 60) : "")),
        },
        {
          ...axis,
          ...steps,
          size: 52,
          gap: 4,
          space: 26,
          values: (_plot, ticks) => ticks.map((tick) => this.unit.tick(tick)),
        },
      ],
      series: [
        {},
        ...plan.lines.map((line, i) => ({
          label: line.label,
          stroke: () => this.colour("line"),
          ...(i > 0 ? { dash: [4, 3] } : grounded ? { fill: () => this.colour("wash") } : {}),
          width: i === 0 ? 2 : 1.5,
          points: { show: false },
        })),
      ],
      hooks: {
        setCursor: [
          (plot) => {
            this.hovered = plot.cursor.idx ?? null;
            this.readout();
          },
        ],
        draw: [(plot) => this.drawLimit(plot)],
      },
    };
  }

  /** The axis: the whole where it is known, else a little air around the values, never absurdly narrow. */
  private range(low: number | null, high: number | null): [number, number] {
    if (this.plan.top !== null) return [0, this.plan.top];
    if (low === null || high === null) return [0, this.unit.leastSpan];
    const bottom = this.unit.fromZero ? Math.min(0, low) : low;
    const span = Math.max(this.unit.leastSpan, (high - bottom) * 1.25);
    if (this.unit.fromZero) return [bottom, bottom + span];
    const middle = (low + high) / 2;
    return [middle - span / 2, middle + span / 2];
  }

  /** A dashed rule at the value from which the board counts as warm, once it is in sight. */
  private drawLimit(plot: uPlot): void {
    const { limit } = this.plan;
    const { min, max } = plot.scales.y ?? {};
    if (limit === null || min == null || max == null || limit < min || limit > max) return;
    const y = Math.round(plot.valToPos(limit, "y", true));
    const { ctx } = plot;
    ctx.save();
    ctx.strokeStyle = this.colour("text");
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(plot.bbox.left, y);
    ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}
