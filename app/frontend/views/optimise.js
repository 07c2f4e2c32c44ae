// The map of a zoo's embeddings with the trajectories of runs on it, their curves, and their numbers.

import { blended, dashed, haloed, inkOf, listed, rgb, sheet } from "../shared/canvas.js";
import { feedsOf } from "../shared/hub.js";
import { MapView } from "../shared/mapview.js";
import { drawing, outline, stamped, stroke } from "../shared/marks.js";
import { fitting } from "../shared/panzoom.js";
import { mounted } from "../shared/view.js";
import { escaped, number, rounded } from "../shared/words.js";
import { drawCurves } from "./optimise/curves.js";
import { numbersHtml } from "./optimise/numbers.js";

const DASHES = [[], [8, 4], [2, 4], [10, 3, 2, 3]];  // of runs shown over each other, which also have colours and numbers
const TERM_DASHES = [[], [7, 4], [2, 4]];
const ACTIVE = ["starting", "queued", "running"];
const WAITING = {
  starting: "Starting.", queued: "Waiting for two other jobs: two run at a time on a machine.", running: "Preparing: what the network is to do is read, and its teacher asked.",
  stopping: "Stopping.", stopped: "Stopped before anything was measured.",
};
const REACH = 12;  // of the pointer, pixels

class Optimise extends MapView {
  far = 24;

  constructor(root, id) {
    super(root, id, ".map canvas", { map: null, view: null, clicks: 0 });
  }

  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, { curves: find(".curves"), hint: find(".hint"), titles: [...this.root.querySelectorAll(".title")], score: find("canvas.score"), loss: find("canvas.loss"), legend: find(".legend"), numbers: find(".numbers") });
    this.scales = new Map();  // by canvas of curves: where steps and values lie
    this.hot = null;  // { network }, or { run, line } of runs
    for (const curve of [this.el.score, this.el.loss]) {
      curve.onpointermove = (e) => this.point(this.nearStep(curve, e.offsetX, e.offsetY));
      curve.onpointerleave = () => this.point(null);
    }
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  keyed(e) {
    return {
      ...super.keyed(e),
      t: () => this.move(this.around(this.data.runs.flatMap((run) => run.places))),
      Escape: () => { this.el.keys.hidden = true; this.point(null); },
      Enter: () => this.hot?.network !== undefined && this.start(this.hot),
    };
  }

  keyRows() {
    return [...super.keyRows(), ["T", "show the runs"], ["Enter", "the next run starts there, as a click says"]];
  }

  hover(x, y) {
    this.point(this.near(x, y));
  }

  leave() {
    this.point(null);
  }

  click(x, y) {
    this.start(this.near(x, y), x, y);
  }

  start(hot, x, y) {  // the next run is to start here
    if (!this.data.start) return;
    const network = hot?.network;
    const where = network !== undefined ? { network } : { at: this.hand.place(x, y).map((v) => rounded(v, 4)) };
    this.kept.clicks += 1;
    this.setStateValue("start", { ...where, click: this.kept.clicks });
  }

  move(view) {
    this.kept.view = view;
    this.redraw();
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const [space] = data.map.split("|");
    if (this.kept.map !== space) this.kept.view = null;
    this.kept.map = space;
    if (this.data?.map !== data.map) this.points = this.hot = null;
    this.data = data;
    for (const part of ["board", "numbers"]) this.root.classList.toggle(`${part}-alone`, data.part === part);
    const colours = [null, ...listed(this.ink.value("runs"))];  // null: that of text
    data.runs.forEach((run, k) => (run.style = { colour: colours[k % colours.length], dash: DASHES[k % DASHES.length] }));
    this.receive();
  }

  receive() {
    if (!this.data) return;
    const feed = feedsOf(this.id).get("map");
    if (feed?.header.path === this.data.map) this.points = feed.header;
    this.write();
    this.redraw();
  }

  // -- where things are -----------------------------------------------------------------------------------------

  get ready() {
    return true;
  }

  get count() {
    return this.points?.points.length ?? 0;
  }

  at(i) {
    return this.points?.points[i];
  }

  get walkedFrom() {
    return this.hot?.network;
  }

  get everything() {
    const start = this.data.start ? [this.data.start.place] : [];
    return this.around([...(this.points?.points ?? []), ...this.data.runs.flatMap((run) => run.places), ...start]) ?? { x: 0, y: 0, scale: 1 };
  }

  around(places) {  // a view of these; null where there are none
    if (!places.length || !this.hand.width) return null;
    const [xs, ys] = [0, 1].map((k) => places.map((place) => place[k]));
    return fitting({ left: Math.min(...xs), right: Math.max(...xs), low: Math.min(...ys), high: Math.max(...ys) }, this.hand, [90, 70]);
  }

  get view() {
    return this.kept.view ?? this.everything;
  }

  near(x, y) {  // the network or the step of a run at the pointer
    let best = null, least = REACH;
    const offer = (place, hot) => {
      const [px, py] = this.hand.screen(place);
      const far = Math.hypot(px - x, py - y);
      if (far < least) [best, least] = [hot, far];
    };
    this.points?.points.forEach((place, network) => offer(place, { network }));
    this.data.runs.forEach((run, k) => run.places.forEach((place, line) => offer(place, { run: k, line })));
    return best;
  }

  nearStep(canvas, x, y) {
    const scales = this.scales.get(canvas);
    let best = null, least = Infinity;
    if (scales) this.data.runs.forEach((run, k) => run.at.forEach((step, line) => {
      const value = canvas === this.el.score ? run.scores[line] : null;
      const far = Math.abs(scales.x(step) - x) + (value === null ? 0 : 0.2 * Math.abs(scales.y(value) - y));
      if (far < least) [best, least] = [{ run: k, line }, far];
    }));
    return best;
  }

  pointAt(network) {
    this.point({ network });
  }

  point(hot) {  // what the pointer or the keys are at; map and curves show it together
    if (JSON.stringify(hot) === JSON.stringify(this.hot)) return;
    this.hot = hot;
    this.redraw();
  }

  get hotPlace() {
    const { hot } = this;
    return hot && (hot.network !== undefined ? this.at(hot.network) : this.data.runs[hot.run]?.places[hot.line]);
  }

  // -- words ----------------------------------------------------------------------------------------------------

  get ink() {
    return inkOf(this.root);
  }

  colourOf(run) {
    return run.style.colour ?? this.ink.text;
  }

  write() {
    const { data, el } = this, { shares, runs } = data;
    const share = (v) => `${(100 * v).toFixed(v < 0.1 ? 1 : 0)} % of the variance`;
    el.x.textContent = shares ? `first component, ${share(shares[0])} →` : "";
    el.y.textContent = shares ? `↑ second component, ${share(shares[1])}` : "";
    el.message.hidden = !!this.points;
    el.message.textContent = data.embedded < 1 ? `The networks of this zoo are being embedded: ${Math.round(100 * data.embedded)} %` : "";
    el.map.querySelector("[data-key=t]").hidden = !runs.some((run) => run.places.length);
    el.curves.classList.toggle("without", !runs.some((run) => run.at.length));
    el.hint.textContent = runs.length ? WAITING[runs[0].state] ?? "This run ended before anything was measured."
      : data.start ? "No run in this space yet. Click the map where one should start, say what its network is to do, and launch it: its path through the space, its loss and its score appear here."
      : "No run in this space yet.";
    this.writeLegend();
    this.writeTitles();
    const html = numbersHtml(data, data.part === "numbers", (run) => this.colourOf(run));
    if (this.numbers !== html) el.numbers.innerHTML = this.numbers = html;
    const [first] = runs;
    Object.assign(this.root.dataset, {
      points: this.count, runs: runs.length, lines: first ? first.at.length : 0, step: first?.at.at(-1) ?? "",
      state: first?.state ?? "", start: data.start?.where ?? "",
    });
  }

  writeTitles() {
    const { runs, score, asked, terms } = this.data, [scores, losses] = this.el.titles;
    const single = runs.length === 1 ? Object.keys(runs[0].terms) : [];
    const term = (name, k) => {
      const [words, help] = terms[name] ?? [name, name];
      return `<span title="${escaped(help)}">${stroke(this.colourOf(runs[0]), TERM_DASHES[k % TERM_DASHES.length], 22)}${escaped(words)}</span>`;
    };
    const lines = runs.length > 1 ? runs.map((run, k) => `<span title="${escaped(run.title)}">${stroke(this.colourOf(run), run.style.dash, 22)}${k + 1}</span>`).join("") : "";
    scores.innerHTML = `<b>${escaped(score[0].toUpperCase() + score.slice(1))}</b>${lines}<span class="over">on validation ${asked}, over steps</span>`;
    losses.innerHTML = `<b>Loss</b>${lines}${single.map(term).join("") || `<span class="over">${runs.length ? "sum of its terms, over steps" : ""}</span>`}`;
  }

  writeLegend() {
    const { archs, range, runs, start } = this.data, { text, primary } = this.ink;
    const { splits = [], held = [] } = this.points ?? {};
    const others = [...new Set(splits.filter((_, i) => held[i]))];
    const parts = archs.map(({ name, colour, mark }) => [drawing(mark, colour), name]);
    const ramp = range && !archs.length ? `<span title="Of the networks of the zoo, as it records it">test accuracy ${range[0].toFixed(2)} <i class="ramp"></i> ${range[1].toFixed(2)}</span>` : "";
    parts.push([drawing("circle", text), "train"]);
    if (others.length) parts.push([drawing("circle", text, false), others.join(", ")]);
    if (runs.length) parts.push([drawing("square", text, false), "start"], [drawing("circle", text), "now"], [drawing("star", text), "best"]);
    if (start) parts.push([drawing("diamond", primary, false), "next start"]);
    this.el.legend.innerHTML = ramp + parts.map(([mark, words]) => `<span>${mark}${escaped(words)}</span>`).join("");
  }

  told(hot) {  // title and words of what is pointed at
    const { runs, asked, score, start } = this.data;
    if (hot.network !== undefined) {
      const { names, words, splits } = this.points;
      return [names[hot.network], `${words[hot.network]}; ${splits[hot.network]}`, ...(start ? ["click: start here"] : [])];
    }
    const run = runs[hot.run], k = hot.line;
    const which = k === 0 ? "start" : k === run.best ? "best" : "";
    return [
      `${run.title}, step ${run.at[k]}${which ? `, ${which}` : ""}`,
      `${score} ${number(run.scores[k])} on validation ${asked}`,
      `distance from the start ${number(run.moved[k], 2)}${run.sure[k] === null ? "" : `; ${run.architectures[k]} with probability ${number(run.sure[k], 2)}`}`,
    ];
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    const { ink, el: { score, loss }, data: { runs, reference } } = this;
    this.drawMap(ink);
    const planned = Math.max(1, ...runs.map((run) => (ACTIVE.includes(run.state) ? run.steps : run.at.at(-1) ?? run.steps)));
    const hot = this.hot?.line === undefined ? null : { run: runs[this.hot.run], line: this.hot.line };
    const marks = reference ? [{ value: reference.validation, words: `best of the zoo ${number(reference.validation)}` }] : [];
    const scores = runs.map((run) => ({ run, colour: this.colourOf(run), values: run.scores, dash: run.style.dash, star: run.best }));
    this.scales.set(score, drawCurves(score, scores, { planned, marks, log: false, limit: runs.some((run) => run.scores.some((v) => v > 1)) ? Infinity : 1.004, hot, ink }));
    const losses = this.losses(), known = losses.flatMap(({ values }) => values).filter((v) => v !== null);
    const log = known.length > 0 && Math.min(...known) > 0 && Math.max(...known) > 12 * Math.min(...known);
    this.scales.set(loss, drawCurves(loss, losses, { planned, marks: [], log, limit: Infinity, hot, ink }));
  }

  losses() {  // of one run its terms, of several the sums of theirs
    const { runs } = this.data;
    return runs.flatMap((run) => {
      const names = Object.keys(run.terms), colour = this.colourOf(run);
      if (runs.length === 1) return names.map((name, k) => ({ run, colour, values: run.terms[name], dash: TERM_DASHES[k % TERM_DASHES.length] }));
      const sum = (k) => names.reduce((all, name) => (all === null || run.terms[name][k] === null ? null : all + run.terms[name][k]), names.length ? 0 : null);
      return [{ run, colour, values: run.at.map((_, k) => sum(k)), dash: run.style.dash }];
    });
  }

  drawMap(ink) {
    this.root.dataset.zoomed = !!this.kept.view;
    const { pen, width, height } = sheet(this.el.surface), { runs, start } = this.data;
    Object.assign(this.hand, { width, height });
    if (!width) return;
    if (this.points) {
      this.drawGrid(pen, ink, 30);
      this.drawNetworks(pen, ink);
    }
    runs.toReversed().forEach((run) => this.drawRun(pen, run, ink));
    if (start) for (const [colour, wide] of [[ink.paper, 5], [ink.primary, 2.2]]) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: wide });
      outline(pen, "diamond", ...this.hand.screen(start.place), 8);
      pen.stroke();
    }
    this.drawTip(pen, ink);
  }

  drawNetworks(pen, { text, paper, value }) {  // hollow ones, which the space was not trained on, below the others
    const { points, held, values, archs: whose } = this.points, { archs, range } = this.data;
    const radius = points.length > 2000 ? 2.5 : points.length > 500 ? 3.5 : 4.5;
    const [ramp, unknown] = [listed(value("ramp")), value("unknown")];
    const colourOf = (i) => archs.length ? archs[whose[i]].colour : range && values[i] !== null ? rgb(blended(ramp, (values[i] - range[0]) / (range[1] - range[0] || 1))) : unknown;
    for (const hollow of [true, false])
      points.forEach((place, i) => {
        if (held[i] !== hollow) return;
        outline(pen, archs[whose[i]]?.mark ?? "circle", ...this.hand.screen(place), radius);
        const [rim, alpha] = hollow ? [3.4, 0.35] : [0.8, 0.45];
        if (!hollow) Object.assign(pen, { fillStyle: colourOf(i) }).fill();
        Object.assign(pen, { strokeStyle: text, lineWidth: rim, globalAlpha: alpha }).stroke();
        pen.globalAlpha = 1;
        if (!hollow) return;
        Object.assign(pen, { fillStyle: paper, strokeStyle: colourOf(i), lineWidth: 2 }).fill();
        pen.stroke();
      });
  }

  drawRun(pen, run, { paper, font }) {
    const places = run.places.map((place) => this.hand.screen(place)), colour = this.colourOf(run);
    if (!places.length) return;
    Object.assign(pen, { lineJoin: "round", lineCap: "round" });
    for (const [ink, wide, dash] of [[paper, 5.5, []], [colour, 2.4, run.style.dash]]) {
      Object.assign(pen, { strokeStyle: ink, lineWidth: wide });
      dashed(pen, dash, places);
    }
    pen.lineCap = "butt";
    pen.fillStyle = colour;
    places.forEach((place) => {  // a dot a measurement
      outline(pen, "circle", ...place, 2.9);
      pen.fill();
    });
    const [x, y] = places.at(-1);
    stamped(pen, "square", ...places[0], 4.5, { colour, inside: paper, paper });
    stamped(pen, "circle", x, y, 6, { colour, paper });
    if (run.best !== null && places[run.best]) stamped(pen, "star", ...places[run.best], 7.6, { colour, paper });
    if (ACTIVE.includes(run.state)) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: 1.5, globalAlpha: 0.6 });
      outline(pen, "circle", x, y, 11);
      pen.stroke();
      pen.globalAlpha = 1;
    }
    if (this.data.runs.length === 1) return;
    Object.assign(pen, { font: `700 12px ${font}`, textAlign: "left", fillStyle: colour });
    haloed(pen, this.data.runs.indexOf(run) + 1, x + 9, y - 9, paper);
  }
}

export default mounted(Optimise, ".optimise");
