// The path viewer: meshes of all sides of a path beside each other, one camera, one slider.

import { channels, channelsOf, dashed, inkOf, isDark, listed, sheet, trace } from "../shared/canvas.js";
import { say } from "../shared/hub.js";
import { linesHtml } from "../shared/marks.js";
import { OFF, PathView } from "../shared/path.js";
import { mounted, Stopwatch } from "../shared/view.js";
import { escaped } from "../shared/words.js";
import { approach, HOME, isHome, turn } from "./viewer/camera.js";
import { colourNames, FIRST_SLICE, PLANE_STEP, SliceControls } from "./viewer/controls.js";
import { Scene } from "./viewer/scene.js";

const NARROWEST = 190;  // pixels of a column; below that there are two rows
const PLANE_HEIGHT = 256;  // pixels of a pane for the picture of its slice, as the style sheet has it
const THUMB = 8;  // half of the slider's, under the chart

const made = (html) => {
  const el = document.createElement("template");
  el.innerHTML = html;
  return el.content.firstElementChild;
};

class Viewer extends PathView {
  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, { stage: find(".stage"), canvas: find("canvas.scene"), sides: find(".sides"), read: find(".read"), chart: find("canvas.chart"), legend: find(".legend"), cut: find(".cut") });
    this.slices = new Map();  // by key of the path view: of the plane they came for last
    this.scene = new Scene(this.el.canvas);
    this.el.stage.classList.toggle("without-gl", !this.scene.gl);
    this.stopwatch = new Stopwatch();
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  listen() {
    super.listen();
    const { stage } = this.el;
    let grip = null;
    stage.onpointerdown = (e) => {
      if (e.button || e.target.closest(".help, .keys, .cut")) return;
      grip = { x: e.clientX, y: e.clientY, moved: false };
      stage.setPointerCapture(e.pointerId);
      this.root.classList.add("active");
    };
    stage.onpointermove = (e) => {
      if (!grip) return;
      const [dx, dy] = [e.clientX - grip.x, e.clientY - grip.y];
      turn(this.kept.camera, dx, dy);
      grip = { x: e.clientX, y: e.clientY, moved: grip.moved || Math.abs(dx) + Math.abs(dy) > 3 };
      this.redraw();
    };
    stage.onpointerup = stage.onpointercancel = (e) => {
      if (grip?.moved) this.settle();
      else if (grip) this.click(e);
      grip = null;
    };
    stage.onwheel = (e) => {  // the page scrolls until the viewer has been touched
      if (this.data.hero || (!this.root.classList.contains("active") && !e.ctrlKey)) return;
      e.preventDefault();
      this.zoom(Math.exp(e.deltaY * 0.001));
    };
    stage.ondblclick = () => this.resetCamera();
  }

  click({ clientX, clientY }) {  // chooses the side that is clicked
    const { left, top, width, height } = this.el.stage.getBoundingClientRect();
    const { columns, rows } = this.grid;
    const [column, row] = [Math.floor(((clientX - left) / width) * columns), Math.floor(((clientY - top) / height) * rows)];
    const side = this.data.sides[row * columns + column];
    if (side && this.data.sides.length > 1) this.choose(side.name);
  }

  choose(method) {
    if (!this.data.hero && method !== this.data.method) this.setStateValue("method", method);
  }

  keyed(e) {
    return {
      ...super.keyed(e),
      r: () => this.resetCamera(), "+": () => this.zoom(0.9), "-": () => this.zoom(1 / 0.9),
      a: () => say("slot", "a"), b: () => say("slot", "b"), ...(this.data.sliceable ? this.keysOfSlice() : {}),
    };
  }

  keysOfSlice() {
    const { slice } = this.kept, at = slice?.at ?? 0;
    const move = (by) => this.cut({ at: Math.max(-1, Math.min(1, Math.round(100 * (at + by)) / 100)) });
    return {
      s: () => this.cut(slice ? null : {}), e: () => this.cut({ shown: slice?.shown === "field" ? "eikonal" : "field" }),
      ...Object.fromEntries(["x", "y", "z"].map((axis) => [axis, () => this.cut({ axis })])),
      "[": () => move(-PLANE_STEP), "]": () => move(PLANE_STEP),
    };
  }

  keyRows() {
    return [
      ...super.keyRows(), ...(this.data.axis || this.data.alone ? [] : [[["A", "B"], "the next picture you click becomes A, B"]]),
      ...(this.data.sliceable ? [[["S", "X", "Y", "Z"], "a plane through the fields; across x, y, z"], [["[", "]", "E"], "move it; field or Eikonal error"]] : []),
      [["+", "-", "R"], "nearer, further, reset the camera"], ["drag, wheel", "turn, zoom"],
    ];
  }

  zoom(factor) {
    approach(this.kept.camera, factor);
    this.redraw();
    this.settle();
  }

  resetCamera() {
    Object.assign(this.kept.camera, HOME);
    this.redraw();
    this.settle();
  }

  cut(change) {  // the plane as it was last, with a change; null: none
    const { kept } = this;
    kept.cutBefore = kept.slice ?? kept.cutBefore ?? FIRST_SLICE;
    kept.slice = change && { ...kept.cutBefore, ...change };
    this.show(kept.frame);
    this.settle();
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  adopt({ camera, slice }) {
    this.kept.slice = slice;
    const [azimuth, elevation, distance] = camera ?? Object.values(HOME);
    this.kept.camera = { azimuth, elevation, distance };
  }

  lay(data) {
    for (const name of ["hero", "still"]) this.root.classList.toggle(name, !!data[name]);
    this.dark = isDark(this.root);
    const laid = JSON.stringify([data.sides, data.numbers, data.chart]);
    if (this.laid !== laid) {
      this.laid = laid;
      this.laySides(data);
    }
    this.places.forEach(({ pane }, i) => pane.classList.toggle("chosen", data.sides[i].name === data.method && data.sides.length > 1));
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (data.hero && !this.slider.playing && !still) this.slider.toggle();
  }

  laySides({ sides, numbers, chart }) {  // a pane and a row of numbers for each
    this.places = sides.map((side) => {
      const pane = made('<div class="side"><span class="name"></span><span class="kind"></span><span class="off" hidden></span><p class="message" hidden></p><p class="plane" hidden></p></div>');
      const row = made('<div class="numbers"><div class="whose"></div></div>');
      for (const el of [pane, row]) el.style.setProperty("--method", side.colour);
      Object.assign(pane.querySelector(".name"), { textContent: side.title, title: side.help });
      row.firstChild.textContent = side.title;
      row.style.setProperty("--cells", numbers.length);
      const cells = numbers.map(([name, words, help]) => {
        const cell = made(`<div class="cell ${name}"><span></span><b></b></div>`);
        cell.title = help;
        cell.firstChild.textContent = words;
        row.append(cell);
        return [name, cell.lastChild];
      });
      const [kind, off, message, plane] = [".kind", ".off", ".message", ".plane"].map((selector) => pane.querySelector(selector));
      return { pane, row, cells, kind, off, message, plane };
    });
    this.el.sides.replaceChildren(...this.places.map(({ pane }) => pane));
    this.el.read.replaceChildren(this.el.read.querySelector(".at"), ...this.places.map(({ row }) => row));
    this.root.dataset.columns = sides.length;
    this.root.style.setProperty("--count", sides.length);
    Object.assign(this.el.legend, { innerHTML: `<b>${escaped(chart.title)}</b>${linesHtml(sides)}`, title: chart.help });
  }

  get grid() {  // as many columns as there are sides, where these are not too narrow
    const { length } = this.data.sides;
    const columns = length > 2 && this.el.stage.clientWidth / length < NARROWEST ? Math.ceil(length / 2) : length;
    return { columns, rows: Math.ceil(length / columns) };
  }

  // -- what arrives ---------------------------------------------------------------------------------------------

  forget() {
    super.forget();
    this.scene.clear();
    this.slices.clear();
  }

  better(entry, known) {  // finer, or of a later version
    const later = (entry.version ?? 0) - (known.version ?? 0);
    return later > 0 || (later === 0 && entry.resolution > known.resolution);
  }

  async arrive(entry, body, header) {
    if (!entry.bytes) return;
    const { path } = this.data, key = `${entry.side}/${entry.index}`;
    const wanted = () => {
      const before = this.scene.meshes.get(key);
      return path === this.kept.path && !(before && this.better(before.entry, entry));
    };
    await this.scene.put(key, entry, body, wanted, header.triangles);
    this.redraw();
  }

  pictures({ header, body }) {  // slices
    let at = 0;
    for (const entry of header.slices ?? []) {
      const bytes = body.slice(at, at + entry.bytes);  // a copy, for numbers begin at even places
      this.slices.set(`${entry.side}/${entry.index}`, { ...entry, values: new Int16Array(bytes.buffer) });
      at += entry.bytes;
    }
  }

  // -- time -----------------------------------------------------------------------------------------------------

  view() {
    const { frame, camera, slice } = this.kept;
    return { frame, slice, camera: isHome(camera) ? null : [camera.azimuth, camera.elevation, camera.distance] };
  }

  release() {
    if (!this.data.hero) super.release();
  }

  films() {
    return [...super.films(), ["turn", `${this.parameter.title} ${this.positionAt()}, turned once`]];
  }

  pose(film, k, count, from) {
    if (film !== "turn") return super.pose(film, k, count);
    this.kept.camera.azimuth = from.azimuth + (2 * Math.PI * k) / count;
    this.draw();
    return true;
  }

  posture() {
    return { ...super.posture(), azimuth: this.kept.camera.azimuth };
  }

  resume(from) {
    this.kept.camera.azimuth = from.azimuth;
    super.resume(from);
  }

  tick(now) {
    if (!this.data.hero) return;
    this.kept.camera.azimuth = HOME.azimuth + 0.35 * Math.sin(now / 4000);
    this.redraw();
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  meshAt(side) {  // the mesh of the current frame, or the nearest one that has arrived while it is decoded
    const { meshes } = this.scene;
    if (this.entry(side)) return meshes.get(this.key(side));
    const far = (mesh) => Math.abs(mesh.entry.index - this.kept.frame);
    let best = null;
    for (const mesh of meshes.values()) if (mesh.entry.side === side.name && (!best || far(mesh) < far(best))) best = mesh;
    return best;
  }

  sliceAt(side) {  // the current frame's, if it has arrived for the plane as it is now
    const { slice } = this.kept, found = slice && this.slices.get(this.key(side));
    return found && found.axis === slice.axis && Math.abs(found.at - slice.at) < 1e-6 ? found : null;
  }

  get plane() {  // as the scene draws it
    const { slice } = this.kept;
    if (!slice) return null;
    const { value, text } = inkOf(this.root), part = (colour) => channelsOf(colour).map((v) => v / 255);
    const names = Object.entries(colourNames(this.dark ? "dark" : "light"));
    const colours = { ...Object.fromEntries(names.map(([name, variable]) => [name, part(value(variable))])), ink: part(text), ramp: listed(value("ramp")).map(part) };
    return { ...slice, colours, height: PLANE_HEIGHT };
  }

  draw() {
    this.drawChart();
    const { columns, rows } = this.grid;
    this.root.style.setProperty("--columns", columns);
    this.root.style.setProperty("--rows", rows);
    if (!this.scene.gl) return;
    const start = performance.now();
    const panes = this.data.sides.map((side, i) => {
      const colour = channels(side.colour).map((v) => v / 255);
      const slice = this.sliceAt(side);
      return { mesh: this.meshAt(side), colour, column: i % columns, row: Math.floor(i / columns), slice: slice?.bytes && (slice.error !== null || this.kept.slice.shown === "field") ? slice : null };
    });
    const triangles = this.scene.draw(panes, { columns, rows, camera: this.kept.camera, dark: this.dark, plane: this.plane });
    this.report(performance.now() - start, triangles);
  }

  report(milliseconds, triangles) {  // what a test or a curious user can read
    const { azimuth, elevation, distance } = this.kept.camera;
    Object.assign(this.root.dataset, {
      frame: this.kept.frame, triangles, draws: Number(this.root.dataset.draws ?? 0) + 1,
      milliseconds: this.stopwatch.lap(milliseconds).toFixed(3), messages: this.kept.sent,
      frames: this.frames.size, slices: this.data.sides.filter((side) => this.sliceAt(side)).length, plane: this.kept.slice ? Object.values(this.kept.slice).join(" ") : "", camera: [azimuth, elevation, distance].map((v) => v.toFixed(4)).join(" "),
    });
  }

  drawChart() {  // volume along the path, or what else is asked for, one line a side, the slider's position marked
    const { chart } = this.el;
    if (this.data.hero || !chart.clientWidth) return;
    const { pen, width, height } = sheet(chart);
    const { steps, chart: { key, asked } } = this.data;
    const ink = inkOf(this.root);
    const lines = this.linesOf(key);
    const goal = asked ? this.parameter.values : [0], span = Math.max(...goal) - Math.min(...goal);
    const base = asked ? Math.min(...goal) - 0.4 * span : 0;  // what is measured may be far from what is asked for
    const top = asked ? Math.max(...goal) + 0.4 * span : Math.max(0.05, ...lines.flat().filter((v) => v !== null)) * 1.1;
    const x = (i) => THUMB + (i / (steps - 1)) * (width - 2 * THUMB);
    const y = (v) => height - 3 - ((Math.max(base, Math.min(top, v)) - base) / (top - base)) * (height - 8);
    pen.strokeStyle = ink.border;
    trace(pen, [[THUMB, height - 3], [width - THUMB, height - 3]]);
    this.annotate(pen, x, 1, height - 3, ink);
    if (asked) {
      Object.assign(pen, { strokeStyle: ink.text, lineWidth: 1, globalAlpha: 0.6 });
      dashed(pen, [1, 3], goal.map((v, i) => [x(i), y(v)]));
      pen.globalAlpha = 1;
    }
    this.drawLines(pen, lines, x, y);
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    this.writeSlice();
    this.data.sides.forEach((side, i) => {
      const { kind, off, message, cells, plane } = this.places[i];
      const entry = this.entry(side);
      kind.textContent = this.whatIs(side);
      off.hidden = this.data.hero || !this.isOff(side);
      off.textContent = OFF;
      message.hidden = this.data.hero || entry?.triangles > 0;
      message.classList.toggle("waiting", !entry);
      message.textContent = entry ? this.nothing(side) : "decoding";
      plane.hidden = !this.kept.slice;
      plane.textContent = this.kept.slice ? this.aboutSlice(this.sliceAt(side)) : "";
      const values = this.numbersOf(entry);
      for (const [name, el] of cells) el.textContent = values[name] ?? "–";
    });
  }

  writeSlice() {
    const { slice } = this.kept, { cut, stage } = this.el;
    this.root.classList.toggle("sliced", !!slice);
    cut.hidden = !this.data.sliceable;
    cut.setAttribute("aria-pressed", !!slice);
    if (!slice) {
      this.controls?.remove();
      this.controls = null;
      return;
    }
    this.controls ??= new SliceControls(stage, (some) => this.cut(some));
    this.controls.write(slice, inkOf(this.root).value, this.dark ? "dark" : "light");
  }

  aboutSlice(slice) {
    if (!slice) return "computing";
    if (!slice.bytes) return "the field has values here that are not finite";
    const inside = `${slice.inside ? `${(100 * slice.inside).toFixed(1)} %` : "nothing"} inside`;
    if (slice.error === null) return `in this plane: ${inside}; an occupancy has no Eikonal error`;
    return `in this plane: ${inside}, mean Eikonal error ${slice.error.toFixed(3)}`;
  }

  nothing(side) {  // no surface, and where
    return this.data.still || side.fixed ? "no surface" : `no surface at ${this.parameter.title} ${this.positionAt()}`;
  }

  numbersOf(entry) {
    const values = entry?.numbers ?? {}, solid = entry?.triangles > 0;
    return {
      volume: values.volume?.toFixed(3), components: values.components, measured: values.measured?.toFixed(3),
      iou_a: solid ? values.iou_a.toFixed(3) : undefined, iou_b: solid ? values.iou_b.toFixed(3) : undefined,
      grid: solid ? `${entry.resolution}³` : undefined,
    };
  }

  dispose() {
    super.dispose();
    this.scene.dispose();
  }
}

export default mounted(Viewer, ".viewer");
