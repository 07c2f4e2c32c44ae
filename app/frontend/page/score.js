// Scorecards and audits: a figure and a table for each measure, and the whole table below.

import { inkOf, sheet, trace } from "../shared/canvas.js";
import { drawing, outline } from "../shared/marks.js";
import { short, ticks } from "../shared/words.js";
import { choice, command, make, row, table } from "./build.js";

const [LEFT, LOW, TOP] = [58, 44, 10];  // pixels around the figure
const APART = 0.14;  // between the marks of two methods; kinds of pair are 1 apart

export class Scorecards {
  constructor(_page, reports) {
    this.reports = reports;
    this.measure = null;
    this.el = make("section", { className: "scores" });
  }

  link() {
    return { tab: "scorecard", ...(this.measure ? { measure: this.measure } : {}) };
  }

  follow(link) {
    this.measure = link.get("measure");
    return "";
  }

  show() {
    this.figures = [];
    this.el.replaceChildren(...this.reports.flatMap((report) => this.report(report)));
    this.again();
  }

  report({ title, headings, groups, below, command: words, figure }) {
    const whole = table(headings, groups.flat().map((cells) => row(cells)));
    const parts = [make("h2", {}, title)];
    if (figure) parts.push(this.figure(figure), make("details", {}, make("summary", {}, "All measures"), whole));
    else parts.push(whole);
    parts.push(make("details", {}, make("summary", {}, "What the columns are"), make("ul", {}, below.map((each) => make("li", {}, each)))), command(words));
    return parts;
  }

  figure(figure) {
    const names = Object.keys(figure.measures), canvas = make("canvas", { className: "figure" }), values = make("div");
    const draw = () => {
      const measure = names.includes(this.measure) ? this.measure : names[0];
      drawSpreads(canvas, figure, measure);
      const cells = figure.pairs.map((pairs, k) => row([pairs, ...figure.methods.map(({ name }) => figureOf(spreadOf(figure, k, name, measure)))]));
      values.replaceChildren(table(["pairs", ...figure.methods.map((method) => method.title)], cells));
    };
    this.figures.push(draw);
    const legend = make("div", { className: "legend" }, figure.methods.map(({ title, colour, mark }) => {
      const el = make("span");
      el.innerHTML = drawing(mark, /^#\w+$/.test(colour) ? colour : "#888");
      el.append(title);
      return el;
    }));
    const choose = (measure) => {
      this.measure = measure;
      draw();
    };
    const chosen = names.includes(this.measure) ? this.measure : names[0];
    return make("div", {}, choice("Measure", names.map((name) => [name, figure.measures[name]]), chosen, choose), legend, canvas, values);
  }

  hide() {}

  again() {
    this.figures?.forEach((draw) => draw());
  }
}

const spreadOf = ({ spreads }, pairs, method, measure) => spreads.find((each) => each.pairs === pairs && each.method === method)?.measures[measure] ?? null;

function figureOf(spread) {
  if (!spread || spread.median === null) return "–";
  return `${short(spread.median)} [${[spread.q1, spread.q3].map((v) => (v === null ? "–" : short(v))).join(", ")}]`;
}

function drawSpreads(canvas, figure, measure) {  // medians with quartiles
  if (!canvas.clientWidth) return;
  const { pen, width, height } = sheet(canvas), ink = inkOf(canvas), { methods, pairs } = figure;
  const all = pairs.flatMap((_, k) => methods.map(({ name }) => spreadOf(figure, k, name, measure))).filter((s) => s && s.median !== null);
  const known = all.flatMap(({ median, q1, q3 }) => [median, q1, q3]).filter((v) => v !== null);
  if (!known.length) return;
  const [least, most] = [Math.min(...known), Math.max(...known)], margin = 0.06 * (most - least || 1), low = least - margin, high = most + margin;
  const x = (v) => LEFT + ((v + 0.5) / pairs.length) * (width - LEFT), y = (v) => height - LOW - ((v - low) / (high - low)) * (height - LOW - TOP);
  Object.assign(pen, { font: `11px ${ink.font}`, fillStyle: ink.text, strokeStyle: ink.border, lineWidth: 1, textBaseline: "middle", textAlign: "right" });
  const { found, digits } = ticks(low, high, 5);
  for (const v of found) {
    trace(pen, [[LEFT, y(v)], [width, y(v)]]);
    pen.fillText(v.toFixed(digits), LEFT - 8, y(v));
  }
  Object.assign(pen, { textAlign: "center", textBaseline: "top" });
  pairs.forEach((text, k) => text.split(", ").forEach((line, n) => pen.fillText(line, x(k), height - LOW + 8 + 14 * n, (width - LEFT) / pairs.length - 8)));
  pairs.forEach((_, k) => methods.forEach(({ name, colour, mark }, m) => {
    const spread = spreadOf(figure, k, name, measure);
    if (!spread || spread.median === null) return;
    const at = x(k + (m - (methods.length - 1) / 2) * APART);
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 2 });
    trace(pen, [[at, y(spread.q1 ?? spread.median)], [at, y(spread.q3 ?? spread.median)]]);
    outline(pen, mark, at, y(spread.median), 5);
    pen.fill();
  }));
}
