// What the views of a path share: slider, play and keys, the feeds' frames, the words about the ends. Everything a drag
// needs is in the browser before it starts; nothing travels while dragging, one message goes to Python on release.

const SECONDS_PER_RUN = 4;
const GAMMA = { title: "gamma", values: null, digits: 2 };  // what positions are called where nothing else is said
const OFF = "off manifold: further from any training network than 99 % of these are from each other";
const SPLITS = {
  train: "The space is trained on networks of this split", validation: "The best checkpoint of the space is selected by networks of this split; it is not trained on them",
  "held-out": "The space never sees networks of this split",
};

class PathView {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    // what outlives a remount: Streamlit gives a component a new element whenever the page is laid out anew
    this.kept = hub.views.get(id) ?? { frame: null, path: null, sent: 0 };
    hub.views.set(id, this.kept);
    this.frames = new Map();  // "side/index" -> header entry
    this.seen = new Set();
    const find = (selector) => root.querySelector(selector);
    this.el = {
      slider: find("input[type=range]"), play: find(".play"), help: find(".help"), keys: find(".keys"),
      a: find(".end.a"), b: find(".end.b"), gamma: find(".gamma"), count: find(".count"),
      far: find(".far"),
    };
    this.build();
    this.listen();
    this.leave = onFeeds(id, () => this.receive());
  }

  listen() {
    const { slider, play, help, keys } = this.el;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.root);
    slider.oninput = () => {
      this.stop();
      this.show(Number(slider.value));
    };
    slider.onchange = () => this.settle(() => this.release());
    slider.onkeydown = (e) => {  // the view's own keys, below, instead of the slider's
      if (/^(Arrow|Page|Home|End)/.test(e.key)) e.preventDefault();
    };
    play.onclick = () => this.toggle();
    help.onclick = () => keys.toggleAttribute("hidden");
    this.onShow = ({ detail }) => this.follow(detail);
    window.addEventListener("netspace-show", this.onShow);
    this.onAway = (e) => this.away(e);
    document.addEventListener("pointerdown", this.onAway);
    this.root.onkeydown = (e) => {
      const action = e.ctrlKey || e.metaKey ? undefined : this.keys(e.shiftKey ? 4 : 1)[e.key];
      if (!action || (e.key === " " && e.composedPath()[0].tagName === "BUTTON")) return;
      e.preventDefault();
      e.stopPropagation();  // Streamlit has shortcuts of its own
      action();
    };
  }

  follow({ id, frame, rest }) {  // by another component of the page, which holds this view's slider
    if (id !== this.id || !this.data) return;
    this.stop();
    this.show(frame);
    if (rest) this.settle(() => this.release());
  }

  away(e) {
    if (!e.composedPath().some((el) => el === this.el.keys || el === this.el.help)) this.el.keys.hidden = true;
  }

  keys(step) {
    return {
      ArrowRight: () => this.step(this.kept.frame + step), ArrowLeft: () => this.step(this.kept.frame - step),
      Home: () => this.step(0), End: () => this.step(this.data.steps - 1), " ": () => this.toggle(),
      "?": () => this.el.keys.toggleAttribute("hidden"), Escape: () => (this.el.keys.hidden = true),
      1: () => this.choose(this.data.sides[0].side), 2: () => this.choose(this.data.sides.at(-1).side),
    };
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
      this.stop();
    }
    if (told || fresh) this.kept.frame = data.frame;
    if (fresh || this.framesOf !== data.path) this.forget();
    this.kept.token = data.token;
    this.kept.path = this.framesOf = data.path;
    this.el.slider.max = data.steps - 1;
    for (const end of ["a", "b"]) {
      const { name, split, held_out: heldOut, words, letter = end.toUpperCase() } = data.ends[end];
      this.el[end].querySelector("b").textContent = letter;
      this.el[end].querySelector(".who").textContent = name;
      this.el[end].title = words;
      const badge = this.el[end].querySelector(".badge");
      badge.textContent = split;
      badge.title = SPLITS[split] ?? "";
      badge.classList.toggle("hollow", heldOut);
    }
    if (data.axis && this.el.gamma) {
      this.el.gamma.previousElementSibling.textContent = data.axis.title;
      this.el.gamma.parentElement.title = data.axis.help;
    }
    if (this.el.far) this.el.far.hidden = !data.far;
    this.root.classList.toggle("route", !!data.axis);
    this.lay(data);
    this.receive();
  }

  get parameter() {
    return this.data.axis ?? GAMMA;
  }

  positionAt(frame = this.kept.frame) {  // of a network, in the parameter's own units
    const { values, digits, said } = this.parameter;
    if (said) return said[frame];
    const value = values ? values[frame] : frame / (this.data.steps - 1);
    return value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
  }

  key({ side, fixed }, frame = this.kept.frame) {  // where its network is kept: a fixed side has one for all frames
    return `${side}/${fixed ? 0 : frame}`;
  }

  isOff(side, frame = this.kept.frame) {
    return !!this.data.off?.[frame] && !side.fixed && side.side !== "weights";
  }

  // What is known of the frames beside their networks, on a chart: where they are off the manifold, and marks.
  annotate(pen, x, top, low, { text, paper, font }) {
    const { off, marks, steps } = this.data, edge = (i) => x(Math.max(0, Math.min(steps - 1, i)));
    for (let from = 0; off && from < steps; from++) {
      if (!off[from]) continue;
      let to = from;
      while (off[to + 1]) to++;
      const [left, right] = [edge(from - 0.5), edge(to + 0.5)], room = right - left > 84;
      hatched(pen, left, right, top, low, text);
      Object.assign(pen, { font: `10px ${font}`, textAlign: "center", textBaseline: "middle", fillStyle: text, strokeStyle: paper, lineWidth: 4, lineJoin: "round" });
      if (room) pen.strokeText("off manifold", (left + right) / 2, top + 7);
      if (room) pen.fillText("off manifold", (left + right) / 2, top + 7);
      from = to;
    }
    for (const { frame, label } of marks ?? []) {
      const at = x(frame), wide = pen.measureText(label).width;
      Object.assign(pen, { strokeStyle: text, fillStyle: text, lineWidth: 1, globalAlpha: 0.55, font: `600 10px ${font}`, textBaseline: "middle" });
      pen.setLineDash([2, 3]);
      trace(pen, [[at, top], [at, low]]);
      pen.setLineDash([]);
      Object.assign(pen, { globalAlpha: 1, textAlign: "left", strokeStyle: paper, lineWidth: 4, lineJoin: "round" });
      const left = at + 4 + wide > x(steps - 1) + 4 ? at - 4 - wide : at + 4;
      pen.strokeText(label, left, top + 7);
      pen.fillText(label, left, top + 7);
    }
  }

  forget() {
    this.frames.clear();
    this.seen.clear();
  }

  receive() {
    if (!this.data) return;
    const feeds = hub.feeds.get(this.id) ?? new Map();
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
        this.arrive(entry, feed.body.subarray(at, at + entry.bytes));
        at += entry.bytes;
      }
    }
    this.show(this.kept.frame);
  }

  // -- time -----------------------------------------------------------------------------------------------------

  step(frame) {
    this.stop();
    this.show(Math.max(0, Math.min(this.data.steps - 1, frame)));
    this.settle(() => this.release());
  }

  settle(action) {  // several key presses or turns of the wheel, one message
    clearTimeout(this.settling);
    this.settling = setTimeout(action, 250);
  }

  show(frame) {
    const { steps, sides } = this.data;
    this.kept.frame = frame;
    this.el.slider.value = frame;
    this.el.gamma.textContent = this.positionAt(frame);
    if (this.data.far && this.el.far) this.el.far.querySelector("b").textContent = this.data.far[frame].toFixed(2);
    this.el.count.textContent = `${frame + 1} / ${steps}`;
    const all = sides.reduce((count, side) => count + (side.fixed ? 1 : steps), 0);
    this.root.style.setProperty("--arrived", `${Math.round((100 * this.frames.size) / all)}%`);
    this.write();
    this.redraw();
    window.dispatchEvent(new CustomEvent("netspace-frame", { detail: { id: this.id, path: this.data.path, frame, steps } }));
  }

  release() {
    if (this.data.hero) return;
    this.kept.sent += 1;
    this.setStateValue("view", this.view());
  }

  choose(method) {
    if (!this.data.hero && method !== this.data.method) this.setStateValue("method", method);
  }

  toggle() {
    if (this.playing) {
      this.stop();
      this.release();
      return;
    }
    const last = this.data.steps - 1;
    this.playing = { from: this.kept.frame >= last ? 0 : this.kept.frame, start: performance.now() };
    this.el.play.classList.add("on");
    const tick = (now) => {
      if (!this.playing || !this.root.isConnected) return;
      const passed = ((now - this.playing.start) / (1000 * SECONDS_PER_RUN)) * last + this.playing.from;
      const phase = passed % (2 * last);
      const frame = Math.round(phase > last ? 2 * last - phase : phase);  // there and back again
      this.tick(now);
      if (frame !== this.kept.frame) this.show(frame);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = null;
    this.el.play.classList.remove("on");
  }

  redraw() {
    drawSoon(this);
  }

  dispose() {
    this.stop();
    clearTimeout(this.settling);
    this.observer.disconnect();
    document.removeEventListener("pointerdown", this.onAway);
    window.removeEventListener("netspace-show", this.onShow);
    this.leave();
  }
}

// A canvas of the size it is shown at, cleared, and a pen for it in CSS pixels.
function sheet(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { pen, width, height };
}

// A band of strokes.
function hatched(pen, left, right, top, low, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, low - top);
  pen.clip();
  Object.assign(pen, { strokeStyle: colour, lineWidth: 1, globalAlpha: 0.28 });
  for (let from = left - (low - top); from < right; from += 7) trace(pen, [[from, low], [from + low - top, top]]);
  pen.restore();
}

// A line through the points that are known; where one is not, there is a gap.
function trace(pen, points) {
  let drawing = false;
  pen.beginPath();
  for (const point of points) {
    if (point) pen[drawing ? "lineTo" : "moveTo"](...point);
    drawing = !!point;
  }
  pen.stroke();
}

const mounted = (View, selector) => ({ parentElement, data, setStateValue }) => {
  const root = parentElement.querySelector(selector);
  const held = (parentElement.__view ??= new View(root, data.id));
  held.update(data, setStateValue);
  return () => {
    // Streamlit also cleans up between two updates of the same element: only a removed view is disposed of
    queueMicrotask(() => {
      if (root.isConnected) return;
      held.dispose();
      parentElement.__view = undefined;
    });
  };
};
