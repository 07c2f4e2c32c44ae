// The dialog that saves a path view as a video: what it draws at every step, picture by picture, at the rate that is asked
// for. partials/video.html holds it.

import { inkOf } from "./canvas.js";
import { paintSeen } from "./seen.js";
import { canEncode, Film, formatFor } from "./video.js";
import { many } from "./words.js";

const UNSEEN = ".recording, .play, .keys";
const MARGIN = 16;  // around the view, in CSS pixels
const SIZES = [1, 2, 3];  // pixels of the video to one of CSS
const LARGEST = 4096;  // pixels along a side: what encoders take
const [SHORTEST, LONGEST] = [0.1, 120];  // seconds
const AGAIN = 200;  // milliseconds until it is looked again whether all networks have arrived

const CANNOT = "This browser cannot encode video here: it has no WebCodecs, or the page comes from another machine without https.";
const NO_FORMAT = "This browser encodes neither H.264 nor VP9 nor VP8 at this size.";

const even = (length) => 2 * Math.round(length / 2);

// Of the browser, which draws and hears hands meanwhile. Timers would wait a second each where the page is in the background.
const breath = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => resolve(port1.close());
  port2.postMessage(null);
});

// The share of a path at picture `k` of `count`: to its end and, if asked, back, such that the video can be repeated.
export function shareAt(k, count, back) {
  if (!back) return count > 1 ? k / (count - 1) : 0;
  const half = Math.floor(count / 2);
  if (!half) return 0;
  return k <= half ? k / half : (count - k) / (count - half);
}

// `view.films()` names what it can show, as [name, words]; `view.posture()` returns where it stands, `view.pose(name, k,
// count, from)` shows picture `k` of `count` of a video that begins there and returns whether it is another one than the
// last, and `view.resume(from)` goes back. While `view.filmed` it draws only then.
export class Recorder {
  constructor(view) {
    const find = (selector) => view.root.querySelector(selector);
    Object.assign(this, { view, open: find(".record"), dialog: find(".video"), form: find(".video form"), about: find(".video .about"), bar: find(".video progress") });
    this.form.onsubmit = (e) => {
      e.preventDefault();
      this.save();
    };
    this.form.onchange = () => this.tell();
    this.form.elements.cancel.onclick = () => (this.running ? (this.running.stopped = true) : this.toggle());
    this.dialog.onkeydown = (e) => {  // the view's own keys are not for who types a number
      e.stopPropagation();
      if (e.key === "Escape" && !this.running) this.toggle();
    };
  }

  get shown() {
    return !this.dialog.hidden;
  }

  toggle() {
    if (this.running) return;
    this.dialog.hidden = this.shown;
    this.open.setAttribute("aria-expanded", this.shown);
    if (!this.shown) return this.open.focus({ preventScroll: true });
    this.offer();
    this.tell();
    this.form.elements.what.focus({ preventScroll: true });
  }

  offer() {
    const { what, size } = this.form.elements, { width, height } = this.frame(), usual = size.value || "2";
    fill(what, this.view.films());
    const sizes = SIZES.map((scale) => [scale, even(width * scale), even(height * scale)]);
    fill(size, sizes.filter(([scale, ...lengths]) => scale === 1 || Math.max(...lengths) <= LARGEST).map(([scale, wide, high]) => [String(scale), `${wide} × ${high}`]));
    size.value = size.querySelector(`[value="${usual}"]`) ? usual : "1";
  }

  // -- what is asked for ----------------------------------------------------------------------------------------

  frame() {  // in CSS pixels
    const { width, height } = this.view.root.getBoundingClientRect();
    return { width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  }

  asked() {
    const { what, seconds, fps, size } = this.form.elements, scale = Number(size.value), { width, height } = this.frame();
    const rate = Number(fps.value), long = Math.max(SHORTEST, Math.min(LONGEST, Number(seconds.value) || SHORTEST));
    return { what: what.value, fps: rate, count: Math.max(1, Math.round(long * rate)), width: even(width * scale), height: even(height * scale), scale };
  }

  async tell() {  // what will be made, or why nothing can be
    const turn = (this.telling = {}), { fps, count, width, height } = this.asked();
    const format = await formatFor(width, height, fps);
    if (turn !== this.telling || this.running) return;
    this.form.elements.save.disabled = !format;
    this.say(format ? `${format.title}, ${many(count)} frames, ${(count / fps).toFixed(2)} s` : canEncode() ? NO_FORMAT : CANNOT);
  }

  say(words, share = null) {
    this.about.textContent = words;
    this.bar.hidden = share === null;
    this.bar.value = share ?? 0;
  }

  // -- making ---------------------------------------------------------------------------------------------------

  async save() {
    if (this.running) return;
    const asked = this.asked(), run = (this.running = { stopped: false, path: this.view.kept.path });
    this.busy(true);
    try {
      const format = await formatFor(asked.width, asked.height, asked.fps);
      if (!format) throw new Error(canEncode() ? NO_FORMAT : CANNOT);
      await this.arrived(run);
      const bytes = await this.made(run, asked, format);
      if (bytes) this.keep(bytes, asked, format);
      else this.say("Nothing was saved.");
    } catch (problem) {
      this.say(`Nothing was saved: ${problem.message}`);
    }
    this.running = null;
    this.busy(false);
  }

  busy(is) {
    const { save, cancel, ...others } = Object.fromEntries([...this.form.elements].map((el) => [el.name, el]));
    for (const el of [save, ...Object.values(others)]) el.disabled = is;
    if (is) cancel.focus({ preventScroll: true });
    cancel.textContent = is ? "Cancel" : "Close";
    this.view.root.classList.toggle("filmed", is);
  }

  goesOn({ stopped, path }) {
    if (!this.view.root.isConnected || this.view.kept.path !== path) throw new Error("the page shows another path by now.");
    return !stopped;
  }

  async arrived(run) {  // until all networks are there
    const { view } = this;
    while (this.goesOn(run) && view.frames.size < view.all) {
      this.say(`${view.frames.size} of ${view.all} networks are computed; the video begins with the last`, view.frames.size / view.all);
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  async made(run, { what, count, width, height, scale }, format) {  // its bytes; null if it was cancelled
    const { view } = this, from = view.posture(), sheet = Object.assign(document.createElement("canvas"), { width, height });
    view.slider.stop();
    view.root.style.setProperty("--tools", "hidden");  // as in a presentation
    this.setDensity(scale);
    view.filmed = true;
    let film = null;
    try {
      film = await Film.begin(format);
      for (let k = 0; k < count; k++) {
        await breath();
        if (!this.goesOn(run)) return null;
        if (view.pose(what, k, count, from) || !k) this.paint(sheet, scale);
        await film.add(sheet);
        this.say(`frame ${many(k + 1)} of ${many(count)}`, (k + 1) / count);
      }
      return await film.finish();
    } finally {
      film?.close();
      view.filmed = false;
      this.setDensity(null);
      view.root.style.removeProperty("--tools");
      if (view.root.isConnected) view.resume(from);
    }
  }

  setDensity(scale) {  // canvases are drawn as sharp as the video is
    for (const canvas of this.view.root.querySelectorAll("canvas")) canvas.density = scale ?? undefined;
  }

  paint(sheet, scale) {
    const { root } = this.view, pen = sheet.getContext("2d", { alpha: false });
    pen.resetTransform();
    pen.fillStyle = inkOf(root).paper;
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.scale(scale, scale);
    pen.translate(MARGIN, MARGIN);
    paintSeen(pen, root, UNSEEN);
  }

  keep(bytes, { what, count, fps }, { suffix, title, config }) {
    const name = `${this.view.fileName(what)}.${suffix}`, url = URL.createObjectURL(new Blob([bytes], { type: `video/${suffix}` }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.say(`Saved ${name}: ${title}, ${many(count)} frames at ${fps} per second, ${config.width} × ${config.height}, ${(bytes.byteLength / 1e6).toFixed(1)} MB`);
  }
}

function fill(select, options) {  // the value stays if it is among them
  const before = select.value;
  select.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
  if (options.some(([value]) => value === before)) select.value = before;
}
