// Accuracies along a path: one line a side, with bands where they are estimates, and of a family its architectures.

import { dashed, dot, haloed, sheet, trace } from "../../shared/canvas.js";
import { outline } from "../../shared/marks.js";
import { archMark, archOf, BAND, drawRibbon, LANE } from "./family.js";

const GUTTER = 40, THUMB = 8, TOP = 22, BOTTOM = 20;  // its positions stand above those of the slider

export const share = (v) => v.toFixed(3);

const accuracyOf = (entry) => entry.correct / entry.count;
const edge = (entry, which) => (entry.full ? accuracyOf(entry) : entry[which]);

// The share of the way along the path at a place of the canvas.
export const shareAt = (x, width) => Math.max(0, Math.min(1, (x - GUTTER - THUMB) / (width - GUTTER - 2 * THUMB)));

// Returns where the ribbon of probabilities lies, if there is one.
export function drawChart(view, canvas) {
  const { pen, width, height } = sheet(canvas);
  if (!width) return null;
  const { steps, sides, family } = view.data;
  const lines = sides.map((side) => Array.from({ length: steps }, (_, i) => view.entry(side, i)));
  const place = scales(view.data, lines, width, height);
  const { x, low } = place;
  axes(view, pen, place, width, height);
  view.annotate(pen, x, TOP - 8, low, view.ink);
  references(view, pen, place);
  const ribbon = family ? { x, top: low + LANE, low: low + LANE + BAND, above: TOP - 8 } : null;
  if (ribbon) drawRibbon(view, pen, ribbon);
  Object.assign(pen, { strokeStyle: view.ink.text, globalAlpha: 0.5, lineWidth: 1 });
  trace(pen, [[x(view.kept.frame), TOP - 8], [x(view.kept.frame), family ? height - BOTTOM : low]]);
  pen.globalAlpha = 1;
  lines.forEach((line, k) => band(pen, place, line, sides[k].colour));
  lines.forEach((line, k) => curve(view, pen, place, line, sides[k]));
  lines.forEach((line, k) => here(view, pen, place, line, sides[k]));
  return ribbon;
}

function scales({ steps, ends, chance, family }, lines, width, height) {
  const known = lines.flat().filter(Boolean), measured = [ends.a.accuracy, ends.b.accuracy].filter((v) => v !== null);
  const top = Math.min(1, Math.ceil(Math.max(...known.map((e) => edge(e, "high")), ...measured, 2 * chance) * 10 + 0.2) / 10);
  const lowest = Math.min(...known.map((e) => edge(e, "low")), ...measured, 1);
  const base = family && lowest > 0.5 ? Math.floor(lowest * 20 - 0.2) / 20 : 0;  // good networks of different sizes are close
  const left = GUTTER + THUMB, right = width - THUMB, low = height - BOTTOM - (family ? LANE + BAND : 0);
  return {
    left, right, low, base, top,
    x: (i) => left + (i / (steps - 1)) * (right - left), y: (v) => low - ((v - base) / (top - base)) * (low - TOP),
  };
}

function axes(view, pen, { left, right, base, top, x, y }, width, height) {
  const { steps, axis } = view.data, { text, border, font } = view.ink;
  Object.assign(pen, { font: `11px ${font}`, fillStyle: text, strokeStyle: border, lineWidth: 1, textBaseline: "middle", textAlign: "right", globalAlpha: 0.8 });
  const range = top - base, every = range > 0.5 ? 0.2 : range > 0.25 ? 0.1 : range > 0.12 ? 0.05 : 0.02;
  for (let v = Math.ceil(base / every - 1e-9) * every; v <= top + 1e-9; v += every) {
    trace(pen, [[left, y(v)], [right, y(v)]]);
    pen.fillText(v.toFixed(every < 0.1 ? 2 : 1), left - 10, y(v));
  }
  pen.textAlign = "center";
  for (const at of [0, 0.25, 0.5, 0.75, 1]) {
    const said = axis ? view.positionAt(Math.round(at * (steps - 1))) : `${at}`;
    pen.fillText(said, Math.min(x(at * (steps - 1)), width - pen.measureText(said).width / 2), height - 8);
  }
  pen.textAlign = "left";
  pen.fillText("accuracy", 4, 7);
  if (!axis) pen.fillText("gamma", 0, height - 8);
}

function references(view, pen, { left, right, low, base, top, y }) {  // accuracies of the originals, and chance
  const { ends: { a, b }, chance } = view.data, { text, paper, font } = view.ink;
  const rule = (v, dash, strength) => {
    Object.assign(pen, { strokeStyle: text, lineWidth: 1, globalAlpha: strength });
    dashed(pen, dash, [[left, y(v)], [right, y(v)]]);
    pen.globalAlpha = 1;
  };
  const words = (said, up, first = false) => {
    Object.assign(pen, { textAlign: first ? "left" : "right", font: `11px ${font}`, fillStyle: text, textBaseline: "middle" });
    haloed(pen, said, first ? left + 4 : right - 4, up, paper);
  };
  pen.globalAlpha = 1;
  if (chance >= base) rule(chance, [1, 4], 0.9);
  for (const { accuracy } of [a, b]) if (accuracy !== null) rule(accuracy, [], 0.45);
  const apart = Math.abs(a.accuracy - b.accuracy) > 0.1 * (top - base);  // then where the other's curve is not
  for (const [end, usual, first] of [[a, "A", !apart], [b, "B", apart]])
    if (end.accuracy !== null) words(`${end.letter ?? usual} ${share(end.accuracy)}`, y(end.accuracy) - 8, first);
  const chances = `chance ${chance.toFixed(chance < 0.01 ? 3 : 2)}`;
  if (chance < base) words(`${chances} ↓`, low - 9);
  else words(chances, y(chance) + (y(0) - y(chance) > 16 ? 9 : -8));  // where no curve runs
}

function band(pen, { x, y }, line, colour) {  // 95 % confidence of estimates
  Object.assign(pen, { fillStyle: colour, globalAlpha: 0.16 });
  for (let i = 0; i + 1 < line.length; i++) {
    const [a, b] = [line[i], line[i + 1]];
    if (!a || !b || (a.full && b.full)) continue;
    pen.beginPath();
    pen.moveTo(x(i), y(edge(a, "low")));
    pen.lineTo(x(i), y(edge(a, "high")));
    pen.lineTo(x(i + 1), y(edge(b, "high")));
    pen.lineTo(x(i + 1), y(edge(b, "low")));
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function curve(view, pen, { x, y }, line, side) {
  Object.assign(pen, { strokeStyle: side.colour, lineWidth: side === view.focus ? 2.5 : 2, lineJoin: "round" });
  dashed(pen, side.dash, line.map((e, i) => e && [x(i), y(accuracyOf(e))]));
  line.forEach((e, i) => {  // a point with unknown neighbours is a line of no length
    if (e && !line[i - 1] && !line[i + 1]) dot(pen, x(i), y(accuracyOf(e)), 2, side.colour);
  });
  if (view.data.family && side.embedded) line.forEach((e, i) => e && archMark(view, pen, archOf(view, side, i), x(i), y(accuracyOf(e)), 3.4));
}

function here(view, pen, { x, y }, line, side) {  // the network at the slider
  const { frame } = view.kept, e = line[frame];
  if (!e) return;
  const [at, up] = [x(frame), y(accuracyOf(e))];
  if (view.data.family && side.embedded) return archMark(view, pen, archOf(view, side), at, up, 7, e.full);
  Object.assign(pen, { strokeStyle: side.colour, fillStyle: e.full ? side.colour : view.ink.paper, lineWidth: 2 });
  outline(pen, side.mark, at, up, 5);
  pen.fill();
  pen.stroke();
}
