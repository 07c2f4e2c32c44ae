// Pictures along a path: one column for each method between the originals, and a number of every network as a curve.

import { haloed, inkOf, sheet, trace } from "../shared/canvas.js";
import { linesHtml } from "../shared/marks.js";
import { OFF, PathView } from "../shared/path.js";
import { mounted } from "../shared/view.js";
import { escaped, number, ticks } from "../shared/words.js";

const THUMB = 8;  // half of the slider's, under the chart

const made = (html) => {
  const el = document.createElement("template");
  el.innerHTML = html;
  return el.content.firstElementChild;
};

// A picture of bytes, [height, width, channels], as the canvas takes it; null where there is none.
function imageOf([height, width, channels], body) {
  if (!body.length) return null;
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = body[i * channels + (channels < 3 ? 0 : k)];
    image.data[4 * i + 3] = 255;
  }
  return image;
}

function paint(canvas, image) {
  if (!image || canvas.shown === image) return;
  Object.assign(canvas, { shown: image, width: image.width, height: image.height });
  canvas.style.aspectRatio = `${image.width} / ${image.height}`;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

class Raster extends PathView {
  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, { panes: find(".panes"), chart: find(".chart"), label: find(".label"), rows: find(".rows") });
    this.originals = new Map();
  }

  keyRows() {
    return [...super.keyRows(), ["a click", "on a picture: choose its method; on a number: draw it along the path"]];
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  lay(data) {
    this.root.classList.toggle("still", data.still);
    const laid = JSON.stringify([data.sides, data.numbers, data.absent, data.ends, !!data.axis]);
    if (this.laid !== laid) {
      this.laid = laid;
      this.layPanes(data);
    }
    this.places.forEach(({ pane }, k) => pane.classList.toggle("chosen", data.sides[k].name === data.method && data.sides.length > 1));
  }

  layPanes({ sides, numbers, absent, ends, axis, still }) {
    this.places = sides.map((side) => {
      const pane = made('<div class="pane side"><span class="name"></span><span class="kind"></span><div class="frame"><canvas></canvas><p class="message"></p><span class="off" hidden></span></div></div>');
      Object.assign(pane.querySelector(".name"), { textContent: side.title, title: side.help });
      pane.style.setProperty("--method", side.colour);
      pane.onclick = () => this.choose(side.name);
      const [kind, canvas, message, off] = [".kind", "canvas", ".message", ".off"].map((selector) => pane.querySelector(selector));
      const { row, cells } = this.numbersOf(side, numbers);
      return { pane, kind, canvas, message, off, row, cells };
    });
    this.ends = (axis || still ? [] : ["a", "b"]).map((end) => {
      const pane = made('<div class="pane original"><span class="name"></span><span class="kind">original</span><div class="frame"><canvas></canvas></div></div>');
      Object.assign(pane.querySelector(".name"), { textContent: `${end.toUpperCase()} ${ends[end].name}`, title: ends[end].words });
      return { end, pane, canvas: pane.querySelector("canvas") };
    });
    const missing = absent.map(({ title, help }) => Object.assign(made('<span class="absent"></span>'), { textContent: `no ${title}`, title: help }));
    const [a, b] = this.ends.map(({ pane }) => pane);
    this.el.panes.replaceChildren(...[a, ...this.places.map(({ pane }) => pane), ...missing, b].filter(Boolean));
    this.el.rows.replaceChildren(...this.places.map(({ row }) => row));
    this.root.dataset.columns = sides.length;
  }

  numbersOf(side, numbers) {  // a row with them, of which one is drawn along the path
    const row = made('<div class="numbers"><div class="whose"></div></div>');
    row.style.setProperty("--method", side.colour);
    row.firstChild.textContent = side.title;
    const cells = numbers.map(({ key, label, help }) => {
      const cell = made(`<button class="cell ${key}"><span></span><b></b></button>`);
      cell.title = `${help}\nClick: draw it along the path`;
      cell.firstChild.textContent = label;
      cell.onclick = () => this.plot(key);
      row.append(cell);
      return cell;
    });
    return { row, cells };
  }

  choose(method) {
    if (!this.data.still && method !== this.data.method) this.setStateValue("method", method);
  }

  plot(key) {
    this.kept.plotted = key;
    this.write();
    this.redraw();
  }

  get plotted() {
    const { numbers } = this.data;
    return numbers.find(({ key }) => key === this.kept.plotted) ?? numbers[0];
  }

  view() {
    return { frame: this.kept.frame };
  }

  // -- what arrives ---------------------------------------------------------------------------------------------

  forget() {
    super.forget();
    this.originals?.clear();
  }

  arrive(entry, body) {
    entry.image = imageOf(entry.size, body);
  }

  pictures({ header, body }) {  // the originals
    let at = 0;
    for (const entry of header.ends ?? []) {
      this.originals.set(entry.side, imageOf(entry.size, body.subarray(at, at + entry.bytes)));
      at += entry.bytes;
    }
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    const { sides, numbers, still } = this.data, { plotted } = this;
    sides.forEach((side, k) => {
      const { kind, message, off, cells } = this.places[k], entry = this.entry(side);
      kind.textContent = kind.title = this.whatIs(side);
      message.hidden = !!entry?.image;
      message.classList.toggle("waiting", !entry);
      message.textContent = entry ? "no picture" : "decoding";
      off.hidden = still || !this.isOff(side);
      off.textContent = OFF;
      numbers.forEach(({ key, digits }, n) => {
        cells[n].lastChild.textContent = number(entry?.numbers[key], digits);
        cells[n].setAttribute("aria-pressed", key === plotted?.key);
      });
    });
    const label = plotted ? `<b>${escaped(plotted.label)}</b>${linesHtml(sides)}` : "";
    if (this.labelled !== label) this.el.label.innerHTML = this.labelled = label;
    Object.assign(this.root.dataset, {
      frame: this.kept.frame, frames: this.frames.size, messages: this.kept.sent, originals: this.originals.size, plotted: plotted?.key ?? "",
    });
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    this.data.sides.forEach((side, k) => paint(this.places[k].canvas, this.entry(side)?.image));
    for (const { end, canvas } of this.ends) paint(canvas, this.originals.get(end));
    if (this.plotted) this.drawChart(this.plotted);
  }

  drawChart({ key, most: limit }) {
    const { chart } = this.el;
    if (!chart.clientWidth) return;
    const { pen, width, height } = sheet(chart), { steps } = this.data, ink = inkOf(this.root), lines = this.linesOf(key);
    const known = lines.flat().filter((v) => v !== null).map((v) => Math.min(v, limit ?? v));
    const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1], margin = 0.08 * (most - least || 1);
    const [low, high] = [least - margin, most + margin];
    const x = (i) => THUMB + (i / (steps - 1)) * (width - 2 * THUMB), y = (v) => height - 2 - ((Math.min(v, high) - low) / (high - low)) * (height - 4);
    const { found, digits } = ticks(low, high, 3);
    Object.assign(pen, { strokeStyle: ink.border, lineWidth: 1 });
    for (const v of found) trace(pen, [[THUMB, y(v)], [width - THUMB, y(v)]]);
    this.annotate(pen, x, 1, height - 2, ink);
    this.drawLines(pen, lines, x, y);
    Object.assign(pen, { fillStyle: ink.text, font: `10px ${ink.font}`, textAlign: "left", textBaseline: "bottom" });
    for (const v of found) haloed(pen, v.toFixed(digits), THUMB, y(v), ink.paper);
  }
}

export default mounted(Raster, ".raster");
