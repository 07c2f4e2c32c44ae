// Architectures of a family along a path: what the class head says of them, and what their size buys.

import { dashed, haloed, sheet, trace } from "../../shared/canvas.js";
import { drawing, outline, stamped } from "../../shared/marks.js";
import { escaped, many } from "../../shared/words.js";

export const LANE = 22;  // below the chart: height of the stars' lane
export const BAND = 46;  // and of the probabilities
const ROOM = 20;  // beside the accuracies, for the letters of A and B
const TILE = 7;  // pixels of a pattern of strokes
const BOUGHT = "Accuracies of the networks on this path, by architecture; large: the network at gamma. Hollow: the originals A and B.";

// ClassId of a network: as it was measured, else as the class head says, else that of the ends.
export function archOf(view, side, frame = view.kept.frame) {
  const { archs, probabilities, ends } = view.data.family;
  const known = archs.findIndex(({ name }) => name === view.entry(side, frame)?.arch);
  if (known >= 0) return known;
  return side.embedded ? probabilities[frame].indexOf(Math.max(...probabilities[frame])) : ends[0];
}

// The mark of an architecture, on a rim of paper; hollow: an estimate.
export function archMark(view, pen, arch, x, y, radius, full = true) {
  const { colour, mark } = view.data.family.archs[arch], { paper } = view.ink;
  stamped(pen, mark, x, y, radius, { colour, inside: full ? colour : paper, paper, rim: 2.4 });
}

// -- the table of sizes -------------------------------------------------------------------------------------------

export class Sizes {
  constructor(view, el) {
    Object.assign(this, { view, el });
  }

  lay(family) {
    this.el.hidden = !family;
    if (!family || this.of === this.view.kept.path) return;
    this.of = this.view.kept.path;
    const largest = Math.max(...family.archs.map(({ parameters }) => parameters));
    this.axis = cell("head axis", 1, 3, "<span></span><span>accuracy</span><span></span>", BOUGHT);
    this.rows = family.archs.map(({ title, colour, mark, parameters }, k) => {
      const cells = [
        cell("name", k + 2, 1, `${drawing(mark, colour)}${escaped(title)}`, `ClassId ${k}: ${title}`),
        cell("size", k + 2, 2, `<i></i>${many(parameters)}`, `${many(parameters)} parameters`),
        cell("along", k + 2, 3, "", BOUGHT),
      ];
      cells.forEach((el) => el.style.setProperty("--arch", colour));
      cells[1].style.setProperty("--size", `${Math.max(4, (100 * parameters) / largest)}%`);
      return cells;
    });
    this.strips = document.createElement("canvas");
    this.el.style.setProperty("--archs", family.archs.length);
    this.el.replaceChildren(
      cell("head", 1, 1, "architecture", "Of this family, by increasing size"), cell("head number", 1, 2, "parameters", "Batch norm fused into the convolutions"),
      this.axis, ...this.rows.flat(), this.strips,
    );
  }

  write(here) {
    this.rows.forEach((cells, k) => cells.forEach((el) => el.classList.toggle("here", k === here)));
  }

  draw() {  // accuracies of the path's networks in the row of their architecture: what size buys
    const { view } = this, { ink, focus, kept, data: { family, steps, ends } } = view;
    const { pen, width, height } = sheet(this.strips);
    const rows = family.archs.length;
    const entries = Array.from({ length: steps }, (_, i) => view.entry(focus, i));
    const known = [...entries.filter(Boolean).map((e) => e.correct / e.count), ends.a.accuracy, ends.b.accuracy].filter((v) => v !== null);
    if (!width || !known.length) return;
    const low = Math.max(0, Math.floor(Math.min(...known) * 20 - 1e-9) / 20), high = Math.max(low + 0.05, Math.ceil(Math.max(...known) * 20) / 20);
    const x = (v) => ROOM + ((v - low) / (high - low)) * (width - 2 * ROOM), y = (arch) => ((arch + 0.5) / rows) * height;
    [this.axis.firstChild.textContent, this.axis.lastChild.textContent] = [low.toFixed(2), high.toFixed(2)];
    Object.assign(pen, { strokeStyle: ink.border, lineWidth: 1 });
    for (let k = 0; k < rows; k++) trace(pen, [[x(low), y(k)], [x(high), y(k)]]);
    pen.globalAlpha = 0.5;
    entries.forEach((e, i) => e && archMark(view, pen, archOf(view, focus, i), x(e.correct / e.count), y(archOf(view, focus, i)), 3.2));
    pen.globalAlpha = 1;
    Object.entries(ends).forEach(([which, { accuracy, letter }], k) => {
      if (accuracy === null) return;
      const [at, up] = [x(accuracy), y(family.ends[k])];
      Object.assign(pen, { strokeStyle: ink.text, lineWidth: 1.2, font: `600 10px ${ink.font}`, fillStyle: ink.text, textBaseline: "middle", textAlign: k ? "left" : "right" });
      outline(pen, family.archs[family.ends[k]].mark, at, up, 6);
      pen.stroke();
      pen.fillText(letter ?? which.toUpperCase(), at + (k ? 10 : -10), up + 0.5);
    });
    const here = entries[kept.frame], arch = archOf(view, focus);
    if (here) archMark(view, pen, arch, x(here.correct / here.count), y(arch), 5.5, here.full);
  }
}

function cell(kind, row, column, content, title) {
  const el = document.createElement("div");
  el.className = kind;
  Object.assign(el, { innerHTML: content, title });
  for (const [name, value] of Object.entries({ row, column })) el.style.setProperty(`--${name}`, value);
  return el;
}

// -- the ribbon under the chart -------------------------------------------------------------------------------------

// The class head's probabilities, stacked, the smallest architecture at the bottom; above them stars where the
// interpolation loss asks for an architecture. Place: x of a frame, top and low of the ribbon, above: the chart's top.
export function drawRibbon(view, pen, place) {
  const { archs, probabilities, stars } = view.data.family, { text, border, paper } = view.ink;
  const { x, top, low } = place, last = view.data.steps - 1;
  const under = probabilities.map(() => low);  // upper edge of what is drawn so far
  const spans = archs.map(({ colour, hatch }, k) => {
    const upper = under.map((edge, i) => edge - probabilities[i][k] * (low - top));
    pen.beginPath();
    upper.forEach((up, i) => pen.lineTo(x(i), up));
    for (let i = last; i >= 0; i--) pen.lineTo(x(i), under[i]);
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
    if (hatch) {
      pen.fillStyle = hatching(pen, hatch, paper);
      pen.fill();
    }
    const span = upper.map((up, i) => [up, under[i]]);
    upper.forEach((up, i) => (under[i] = up));
    return span;
  });
  Object.assign(pen, { strokeStyle: border, lineWidth: 1 });
  pen.strokeRect(x(0), top, x(last) - x(0), low - top);
  spans.forEach((span, k) => nameBand(view, pen, archs[k], span, x));
  Object.assign(pen, { fillStyle: text, globalAlpha: 0.8 });
  for (const [words, at, up, align] of [["1", x(0) - 10, top + 4, "right"], ["0", x(0) - 10, low - 4, "right"], ["architecture", 4, top - LANE / 2, "left"]]) {
    pen.textAlign = align;
    haloed(pen, words, at, up, paper);
  }
  pen.globalAlpha = 1;
  for (const { gamma, arch } of stars) {
    const at = x(gamma * last);
    Object.assign(pen, { strokeStyle: archs[arch].colour, lineWidth: 1.2 });
    dashed(pen, [1.5, 3.5], [[at, place.above], [at, top - LANE + 4]]);
    Object.assign(pen, { fillStyle: archs[arch].colour, strokeStyle: text, lineWidth: 0.9, lineJoin: "round" });
    outline(pen, "star", at, top - LANE / 2 + 1, 5.6);
    pen.fill();
    pen.stroke();
  }
}

// Words about what the pointer is over, in and above the ribbon.
export function saidAt(view, place, x, y) {
  const { family, steps } = view.data;
  if (y < place.top - LANE) return "";
  const star = family.stars.find(({ gamma }) => Math.abs(place.x(gamma * (steps - 1)) - x) < 9);
  if (star && y < place.top) return `gamma ${star.gamma.toFixed(3)}: here the interpolation loss asks for a ${family.archs[star.arch].title} (Eqs. 7 to 12; stars in Fig. 5)`;
  const i = Math.round((x - place.x(0)) / (place.x(1) - place.x(0)));
  if (y < place.top || y > place.low || i < 0 || i >= steps) return "";
  const shares = family.archs.map(({ title }, k) => `${title} ${family.probabilities[i][k].toFixed(3)}`);
  return `${view.parameter.title} ${view.positionAt(i)}, softmax of the class head\n${shares.join("\n")}`;
}

function nameBand(view, pen, { title, colour, mark }, span, x) {  // where it is thick over the longest stretch
  const thick = span.map(([up, down]) => down - up > 17);
  let best = [0, -1];
  for (let i = 0, from = 0; i <= thick.length; i++) {
    if (thick[i]) continue;
    if (i - 1 - from > best[1] - best[0]) best = [from, i - 1];
    from = i + 1;
  }
  const [from, to] = best, room = x(to) - x(from), wide = pen.measureText(title).width;
  if (to < from || room < 14) return;
  const named = room > wide + 22, across = named ? wide + 24 : 16;
  const i = Math.round((from + to) / 2), up = (span[i][0] + span[i][1]) / 2;
  const left = Math.max(x(0) + 3, Math.min(x(view.data.steps - 1) - across - 3, (x(from) + x(to) - across) / 2));
  Object.assign(pen, { fillStyle: view.ink.paper, globalAlpha: 0.92 });
  pen.beginPath();
  pen.roundRect(left, up - 8, across, 16, 8);
  pen.fill();
  Object.assign(pen, { fillStyle: colour, globalAlpha: 1 });
  outline(pen, mark, left + (named ? 10 : 8), up, 4);
  pen.fill();
  if (!named) return;
  Object.assign(pen, { fillStyle: view.ink.text, textAlign: "left" });
  pen.fillText(title, left + 18, up + 0.5);
}

const patterns = new Map();

function hatching(pen, hatch, paper) {  // strokes of paper, one kind an architecture
  const scale = window.devicePixelRatio || 1, key = `${hatch}${paper}${scale}`;
  if (!patterns.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = TILE * scale;
    const ink = tile.getContext("2d");
    ink.scale(scale, scale);
    Object.assign(ink, { strokeStyle: paper, fillStyle: paper, globalAlpha: 0.45, lineWidth: 1.2 });
    for (const shift of [-TILE, 0, TILE]) {
      if (hatch === "/") trace(ink, [[shift, TILE], [shift + TILE, 0]]);
      if (hatch === "\\") trace(ink, [[shift, 0], [shift + TILE, TILE]]);
    }
    if (hatch === "-") trace(ink, [[0, TILE / 2], [TILE, TILE / 2]]);
    for (const at of hatch === "." ? [1.8, 5.3] : []) {
      outline(ink, "circle", at, at, 1.1);
      ink.fill();
    }
    const pattern = pen.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / scale));
    patterns.set(key, pattern);
  }
  return patterns.get(key);
}
