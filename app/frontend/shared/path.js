// What the views of a path share: slider and keys, the feeds' frames, the words about methods and ends. Everything a
// drag needs is in the browser before it starts; nothing travels while dragging, one message goes to Python on release.

import { dashed, haloed, hatched } from "./canvas.js";
import { feedsOf, hear, keptOf, onFeeds, say } from "./hub.js";
import { hearKeys, toggleKeys } from "./keys.js";
import { outline } from "./marks.js";
import { Recorder, shareAt } from "./recorder.js";
import { Slider } from "./slider.js";
import { drawSoon, onResize } from "./view.js";
import { signed } from "./words.js";

const GAMMA = { title: "gamma", values: null, digits: 2 };  // what positions are called where nothing else is said
const SETTLED = 250;  // milliseconds after which several key presses or turns of the wheel are one message
export const OFF = "off manifold: further from any training network than 99 % of these are from each other";
const SPLITS = {
  train: "The space is trained on networks of this split",
  validation: "The best checkpoint of the space is selected by networks of this split; it is not trained on them",
  "held-out": "The space never sees networks of this split",
};

// The steps of a path, or of another family with one parameter, on as many sides as there are methods. Its subclasses
// have `build()`, `lay(data)`, `write()`, `draw()`, `view()` (what Python is told), and by need `adopt(data)` (what a
// link holds), `better(entry, known)`, `arrive(entry, body, header)` and `pictures(feed)` (what feeds bring), `films()`,
// `pose(film, k, count, from)`, `posture()` and `resume(from)` (what is saved as a video).
export class PathView {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    this.kept = keptOf(id, { frame: null, path: null, sent: 0 });
    this.frames = new Map();  // "side/index" -> entry of a feed's header
    this.seen = new Set();
    const find = (selector) => root.querySelector(selector);
    this.el = { help: find(".help"), keys: find(".keys"), a: find(".end.a"), b: find(".end.b"), gamma: find(".gamma"), count: find(".count"), far: find(".far") };
    this.build();
    this.recorder = find(".record") && new Recorder(this);
    this.listen();
  }

  listen() {
    this.slider = new Slider(this.root, {
      show: (frame) => this.show(frame), release: () => this.settle(), tick: (now) => this.tick(now),
    });
    this.endings = [
      onResize(this.root, () => this.redraw()), hearKeys(this), hear("show", (what) => this.follow(what)), onFeeds(this.id, () => this.receive()),
    ];
  }

  follow({ id, frame, rest }) {  // another component of the page, which holds this view's slider
    if (id !== this.id || !this.data) return;
    this.slider.stop();
    this.show(frame);
    if (rest) this.settle();
  }

  keyed({ shiftKey }) {
    const { kept, data, el } = this, step = shiftKey ? 4 : 1;
    const methods = data.sides.map((side) => [side.key, () => this.choose(side.name)]);
    return {
      ...Object.fromEntries(methods),
      ArrowRight: () => this.step(kept.frame + step), ArrowLeft: () => this.step(kept.frame - step),
      Home: () => this.step(0), End: () => this.step(data.steps - 1), " ": () => this.slider.toggle(),
      ...(this.filmable ? { v: () => this.recorder.toggle() } : {}),
      "?": () => toggleKeys(this), Escape: () => (el.keys.hidden = true),
    };
  }

  keyRows() {
    const { sides, axis } = this.data;
    return [
      [["←", "→"], "one network (with Shift four)"], ["Space", "play, pause"], [["Home", "End"], axis ? "to the first, to the last" : "to A, to B"],
      ...(sides.length > 1 ? sides.map((side) => [side.key, `choose: ${side.title}`]) : []),
      ...(this.filmable ? [["V", "save as a video"]] : []),
    ];
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const words = JSON.stringify(data) + getComputedStyle(this.root).color;  // the theme's
    if (words === this.words) return;  // the page was laid out anew for something else
    this.words = words;
    this.data = data;
    const told = this.kept.frame === null || this.kept.token !== data.token;  // by a link, or by swapping
    const fresh = this.kept.path !== data.path;
    if (told) {
      this.adopt(data);
      this.slider.stop();
    }
    if (told || fresh) this.kept.frame = data.frame;
    this.slider.set(this.kept.frame, data.steps);  // before it is laid out: what plays by itself starts then
    if (fresh || this.framesOf !== data.path) this.forget();
    this.kept.token = data.token;
    this.kept.path = this.framesOf = data.path;
    this.layEnds(data.ends);
    if (data.axis) {
      this.el.gamma.previousElementSibling.textContent = data.axis.title;
      this.el.gamma.parentElement.title = data.axis.help;
    }
    if (this.el.far) this.el.far.hidden = !data.far;
    this.root.classList.toggle("padded", !!data.padded);
    this.lay(data);
    this.receive();
  }

  layEnds(ends) {
    for (const which of ["a", "b"]) {
      const end = ends[which], el = this.el[which], badge = el.querySelector(".badge");
      el.querySelector("b").textContent = end.letter ?? which.toUpperCase();
      el.querySelector(".who").textContent = end.name;
      el.title = end.words;
      badge.textContent = end.split;
      badge.title = SPLITS[end.split] ?? "";
      badge.classList.toggle("hollow", end.held_out);
    }
  }

  adopt() {}

  get parameter() {
    return this.data.axis ?? GAMMA;
  }

  positionAt(frame = this.kept.frame) {  // of a network, in the parameter's own units
    const { values, digits, said } = this.parameter;
    if (said) return said[frame];
    return signed(values ? values[frame] : frame / (this.data.steps - 1), digits);
  }

  // -- sides and their networks -----------------------------------------------------------------------------------

  key(side, frame = this.kept.frame) {  // where its network is kept: a fixed side has one for all frames
    return `${side.name}/${side.fixed ? 0 : frame}`;
  }

  entry(side, frame = this.kept.frame) {  // what is known of its network
    return this.frames.get(this.key(side, frame));
  }

  get all() {  // networks that there will be
    return this.data.sides.reduce((count, side) => count + (side.fixed ? 1 : this.data.steps), 0);
  }

  isOff(side, frame = this.kept.frame) {
    return side.embedded && !!this.data.off?.[frame];
  }

  get atEnd() {
    return this.kept.frame === 0 || this.kept.frame === this.data.steps - 1;
  }

  whatIs(side) {  // its network at the slider
    if (side.kinds) return side.kinds[this.kept.frame];
    if (side.fixed || this.data.still) return side.ends;
    if (this.data.same) return `A and B are the same network: ${side.ends}`;
    return this.atEnd ? `${this.kept.frame ? "B" : "A"}, ${side.ends}` : side.between;
  }

  linesOf(key) {  // a number of every network, one line a side
    const { sides, steps } = this.data;
    return sides.map((side) => Array.from({ length: steps }, (_, i) => this.entry(side, i)?.numbers[key] ?? null));
  }

  drawLines(pen, lines, x, y) {  // on a chart, with the side's mark at the slider's position
    lines.forEach((line, k) => {
      const { colour, dash, mark } = this.data.sides[k], here = line[this.kept.frame];
      Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 2 });
      dashed(pen, dash, line.map((v, i) => (v === null ? null : [x(i), y(v)])));
      if (here === null) return;
      outline(pen, mark, x(this.kept.frame), y(here), 4);
      pen.fill();
    });
  }

  // What is known of the frames beside their networks, on a chart: where they are off the manifold, and marks.
  annotate(pen, x, top, low, { text, paper, font }) {
    const { off, marks, steps } = this.data, edge = (i) => x(Math.max(0, Math.min(steps - 1, i)));
    for (let from = 0; off && from < steps; from++) {
      if (!off[from]) continue;
      let to = from;
      while (off[to + 1]) to++;
      const [left, right] = [edge(from - 0.5), edge(to + 0.5)];
      hatched(pen, left, right, top, low, text);
      Object.assign(pen, { font: `10px ${font}`, textAlign: "center", textBaseline: "middle", fillStyle: text });
      if (right - left > 84) haloed(pen, "off manifold", (left + right) / 2, top + 7, paper);
      from = to;
    }
    for (const { frame, label } of marks ?? []) {
      const at = x(frame);
      Object.assign(pen, { strokeStyle: text, fillStyle: text, lineWidth: 1, globalAlpha: 0.55, font: `600 10px ${font}`, textBaseline: "middle" });
      dashed(pen, [2, 3], [[at, top], [at, low]]);
      Object.assign(pen, { globalAlpha: 1, textAlign: "left" });
      const wide = pen.measureText(label).width;
      haloed(pen, label, at + 4 + wide > x(steps - 1) + 4 ? at - 4 - wide : at + 4, top + 7, paper);
    }
  }

  // -- what arrives -----------------------------------------------------------------------------------------------

  forget() {
    this.frames.clear();
    this.seen.clear();
  }

  receive() {
    if (!this.data) return;
    const feeds = feedsOf(this.id);
    for (const [name, feed] of feeds) {
      if (feed.header.path !== this.data.path) {
        feeds.delete(name);
        continue;
      }
      if (this.seen.has(feed)) continue;
      this.seen.add(feed);
      if (!feed.header.frames) this.pictures(feed);
      let at = 0;
      for (const entry of feed.header.frames ?? []) {
        const key = `${entry.side}/${entry.index}`;
        const known = this.frames.get(key);
        if (!known || this.better(entry, known)) this.frames.set(key, entry);
        this.arrive(entry, feed.body.subarray(at, at + entry.bytes), feed.header);
        at += entry.bytes;
      }
    }
    this.show(this.kept.frame);
  }

  better() {
    return false;
  }

  // -- time ---------------------------------------------------------------------------------------------------------

  step(frame) {
    this.slider.stop();
    this.show(Math.max(0, Math.min(this.data.steps - 1, frame)));
    this.settle();
  }

  settle() {  // one message, when hands rest
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.release(), SETTLED);
  }

  show(frame) {
    const { steps, far } = this.data;
    this.kept.frame = frame;
    this.slider.set(frame, steps);
    this.el.gamma.textContent = this.positionAt(frame);
    if (far && this.el.far) this.el.far.querySelector("b").textContent = far[frame].toFixed(2);
    this.el.count.textContent = `${frame + 1} / ${steps}`;
    this.root.style.setProperty("--arrived", `${Math.round((100 * this.frames.size) / this.all)}%`);
    this.slider.range.title = this.frames.size < this.all ? `${this.frames.size} of ${this.all} networks are computed` : "";
    this.write();
    this.redraw();
    say("frame", { id: this.id, path: this.data.path, frame, steps });
  }

  tick() {}

  // -- videos -------------------------------------------------------------------------------------------------------

  get filmable() {
    return !!this.recorder && !["hero", "still", "padded"].some((kind) => this.data[kind]);
  }

  films() {
    const [first, last] = this.data.axis ? ["first", "last"] : ["A", "B"];
    return [["path", `${first} to ${last}`], ["back", `${first} to ${last} and back`]];
  }

  pose(film, k, count) {
    const frame = Math.round(shareAt(k, count, film === "back") * (this.data.steps - 1));
    if (k && frame === this.kept.frame) return false;
    this.show(frame);
    this.draw();
    return true;
  }

  posture() {
    return { frame: this.kept.frame };
  }

  resume({ frame }) {
    this.show(frame);
  }

  fileName(film) {
    const { a, b } = this.data.ends;
    const name = [a.name, b.name, film].join("_").replace(/[^\w.-]+/g, "-").replace(/^[-_.]+/, "");
    return name.slice(0, 120);
  }

  release() {
    this.kept.sent += 1;
    this.setStateValue("view", this.view());
  }

  redraw() {
    if (!this.filmed) drawSoon(this);
  }

  dispose() {
    this.slider.stop();
    clearTimeout(this.settling);
    this.endings.forEach((end) => end());
  }
}
