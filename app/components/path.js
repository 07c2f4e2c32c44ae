// What the views of a path share: slider, play and keys, the feeds' frames, the words about the ends. Everything a drag
// needs is in the browser before it starts; nothing travels while dragging, one message goes to Python on release.

const SECONDS_PER_RUN = 4;
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
    };
    this.build();
    this.listen();
    const listeners = hub.listeners.get(id) ?? new Set();
    hub.listeners.set(id, listeners);
    this.onFeed = () => this.receive();
    listeners.add(this.onFeed);
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
    this.data = data;
    this.setStateValue = setStateValue;
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
      const { name, split, held_out: heldOut, words } = data.ends[end];
      this.el[end].querySelector(".who").textContent = name;
      this.el[end].title = words;
      const badge = this.el[end].querySelector(".badge");
      badge.textContent = split;
      badge.title = SPLITS[split] ?? "";
      badge.classList.toggle("hollow", heldOut);
    }
    this.lay(data);
    this.receive();
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
    this.el.gamma.textContent = (frame / (steps - 1)).toFixed(2);
    this.el.count.textContent = `${frame + 1} / ${steps}`;
    this.root.style.setProperty("--arrived", `${Math.round((100 * this.frames.size) / (steps * sides.length))}%`);
    this.write();
    this.redraw();
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
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.root.isConnected && this.data) this.draw();
    });
  }

  dispose() {
    this.stop();
    clearTimeout(this.settling);
    this.observer.disconnect();
    document.removeEventListener("pointerdown", this.onAway);
    hub.listeners.get(this.id)?.delete(this.onFeed);
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
