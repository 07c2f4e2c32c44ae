// Curves of runs over their steps.

import { dashed, haloed, sheet, trace } from "../../shared/canvas.js";
import { outline, stamped } from "../../shared/marks.js";
import { ticks } from "../../shared/words.js";

const ROOM = 0.07;  // of the range, above and below

// Draws groups of curves, each { run, colour, values, dash, star }, star: the index of a value that is marked.
//   planned: steps of the longest run;  marks: values that lines are drawn at, { value, words }
//   log: whether the axis is logarithmic;  limit: of the axis at most;  hot: { run, line } that is pointed at
// Returns where steps and values lie.
export function drawCurves(canvas, curves, { planned, marks, log, limit, hot, ink }) {
  const { pen, width, height } = sheet(canvas);
  if (!width) return null;
  const place = scales(curves, marks, { planned, log, limit, width, height });
  axes(pen, place, { planned, log, width, height, some: curves.length > 0 }, ink);
  for (const { value, words } of marks) {
    Object.assign(pen, { strokeStyle: ink.text, textAlign: "left", lineWidth: 1.2 });
    dashed(pen, [1, 4], [[place.left, place.y(value)], [place.right, place.y(value)]]);
    haloed(pen, words, place.left + 4, place.y(value) - 8 > place.top - 4 ? place.y(value) - 8 : place.y(value) + 9, ink.paper);
  }
  for (const curve of curves.toReversed()) draw(pen, place, curve, hot, ink.paper);
  return place;
}

function scales(curves, marks, { planned, log, limit, width, height }) {
  const [left, right, top, low] = [38, width - 10, 10, height - 20];
  const to = log ? Math.log10 : (v) => v;
  const all = [...curves.flatMap(({ values }) => values).filter((v) => v !== null), ...marks.map(({ value }) => value)].map(to);
  let [least, most] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = (most - least) * ROOM || 0.05;
  [least, most] = [least - room, Math.min(most + room, limit)];
  return {
    left, right, top, low, least, most, to, known: all.length > 0,
    x: (step) => left + (step / planned) * (right - left), y: (value) => low - ((to(value) - least) / (most - least)) * (low - top),
  };
}

function axes(pen, { left, right, low, least, most, to, known, x, y }, { planned, log, width, height, some }, { text, border, font }) {
  Object.assign(pen, { font: `10.5px ${font}`, textBaseline: "middle", lineWidth: 1, fillStyle: text, strokeStyle: border, lineJoin: "round", textAlign: "right" });
  const { found, digits } = log ? { found: decades(least, most, to) } : ticks(least, most, Math.max(3, height / 34));
  const said = log ? (v) => (v >= 0.01 ? Number(v.toPrecision(2)) : v.toExponential(0)) : (v) => v.toFixed(digits);
  for (const value of known ? found : []) {
    trace(pen, [[left, y(value)], [right, y(value)]]);
    pen.globalAlpha = 0.8;
    pen.fillText(said(value), left - 6, y(value));
    pen.globalAlpha = 1;
  }
  trace(pen, [[left, low], [right, low]]);
  pen.globalAlpha = 0.8;
  (some ? ticks(0, planned, Math.max(2, width / 90)).found : []).forEach((step, k) => {
    pen.textAlign = k === 0 ? "left" : x(step) > right - 12 ? "right" : "center";
    pen.fillText(Math.round(step), x(step), height - 9);
  });
  pen.globalAlpha = 1;
}

function decades(least, most, to) {  // 1 and 3 of each
  const powers = Array.from({ length: Math.floor(most) - Math.floor(least) + 1 }, (_, k) => Math.floor(least) + k);
  return powers.flatMap((e) => [1, 3].map((k) => k * 10 ** e)).filter((v) => to(v) >= least && to(v) <= most);
}

function draw(pen, { x, y }, { run, colour, values, dash, star }, hot, paper) {
  const places = values.map((v, k) => (v === null ? null : [x(run.at[k]), y(v)]));
  Object.assign(pen, { strokeStyle: colour, lineWidth: 2, fillStyle: colour });
  dashed(pen, dash, places);
  places.forEach((place, k) => {  // a point with unknown neighbours is a line of no length
    if (!place || places[k - 1] || places[k + 1]) return;
    outline(pen, "circle", ...place, 2.5);
    pen.fill();
  });
  const marked = (place, mark, radius) => place && stamped(pen, mark, ...place, radius, { colour, paper, rim: 3 });
  marked(places[star], "star", 6);
  if (hot?.run === run) marked(places[hot.line], "circle", 4);
}
