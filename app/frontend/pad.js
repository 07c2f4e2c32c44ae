// A pad of mixtures of three or four networks. Dragging on it moves the slider of the view it belongs to, in the
// browser alone; that view tells Python once, on release.

const RAMP = ["#E6D9A8", "#6FBF9B", "#1F8A8C", "#1D4E79"];  // pale to dark: also without colour
const ROOM = 26;  // for the anchors' numbers, CSS pixels

class Pad {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.el = { canvas: find("canvas"), weights: find(".weights"), low: find(".low"), high: find(".high"), what: find(".what"), ramp: find(".ramp"), off: find(".off") };
    this.values = new Map();  // by node: what colours it
    this.onFrame = ({ detail }) => {
      if (detail.id === this.data?.follows && detail.path === this.data.path) this.mark(detail.frame);
    };
    window.addEventListener("netspace-frame", this.onFrame);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
    const { canvas } = this.el;
    let held = false;
    const go = (e, rest) => this.tell(this.nearest(e.offsetX, e.offsetY), rest);
    canvas.onpointerdown = (e) => {
      if (e.button) return;
      held = true;
      canvas.setPointerCapture(e.pointerId);
      go(e);
    };
    canvas.onpointermove = (e) => (held ? go(e) : (canvas.title = this.saidAt(this.nearest(e.offsetX, e.offsetY))));
    canvas.onpointerup = canvas.onpointercancel = (e) => {
      if (held) this.tell(this.node, true);
      held = false;
    };
    root.onkeydown = (e) => {
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (!way) return;
      e.preventDefault();
      e.stopPropagation();
      this.tell(this.beside(way), true);
    };
  }

  update(data) {
    if (this.data?.follows !== data.follows) {
      this.leave?.();
      this.leave = onFeeds(data.follows, () => this.receive());
    }
    if (this.data?.path !== data.path) {
      this.values.clear();
      this.node = data.frame;
      this.told = false;
      this.el.weights.replaceChildren(...data.names.flatMap((name, k) => {
        const [letter, words, number] = ["b", "span", "i"].map((tag) => document.createElement(tag));
        [letter.textContent, words.textContent, words.title] = [k + 1, name, name];
        return [letter, words, number];
      }));
    }
    this.data = data;
    this.el.off.hidden = !data.off?.includes(true);
    this.root.setAttribute("aria-valuemax", data.xy.length);
    this.receive();
    const kept = hub.views.get(data.follows);
    this.mark(kept?.path === data.path && kept.frame !== null ? kept.frame : this.node);
  }

  receive() {
    for (const { header } of (hub.feeds.get(this.data.follows) ?? new Map()).values()) {
      if (header.path !== this.data.path) continue;
      for (const { side, index, numbers, correct, count } of header.frames ?? []) {
        const value = numbers ? numbers.volume : correct / count;
        if (side === "latent") this.values.set(index, value);
      }
    }
    this.draw();
  }

  tell(node, rest = false) {
    window.dispatchEvent(new CustomEvent("netspace-show", { detail: { id: this.data.follows, frame: node, rest } }));
    this.mark(node);
  }

  mark(node) {
    this.node = node;
    const weights = this.data.weights[node];
    if (!weights) return;
    weights.forEach((weight, k) => {
      const [words, number] = [this.el.weights.children[3 * k + 1], this.el.weights.children[3 * k + 2]];
      words.style.setProperty("--share", `${100 * weight}%`);
      number.textContent = weight.toFixed(2);
    });
    this.root.setAttribute("aria-valuenow", node + 1);
    this.root.setAttribute("aria-valuetext", this.saidAt(node));
    Object.assign(this.root.dataset, { node, arrived: this.values.size });
    this.draw();
  }

  saidAt(node) {
    const { names, weights, what, off } = this.data, value = this.values.get(node);
    const shares = weights[node].map((w, k) => `${names[k]} ${w.toFixed(2)}`).join(", ");
    const known = value === undefined ? "" : value === null ? "\nno surface" : `\n${what} ${value.toFixed(3)}`;
    return `${shares}${known}${off?.[node] ? "\noff manifold" : ""}`;
  }

  place(node) {  // on the canvas
    const [x, y] = this.data.xy[node], { left, top, wide, high } = this.box;
    return [left + x * wide, top + (1 - y) * high];
  }

  nearest(x, y) {
    let best = 0, least = Infinity;
    this.data.xy.forEach((_, node) => {
      const [at, up] = this.place(node), far = (at - x) ** 2 + (up - y) ** 2;
      if (far < least) [best, least] = [node, far];
    });
    return best;
  }

  beside([dx, dy]) {  // the nearest node on that side
    const { xy } = this.data, [x0, y0] = xy[this.node];
    let best = this.node, least = Infinity;
    xy.forEach(([x, y], node) => {
      const along = (x - x0) * dx + (y - y0) * dy, across = Math.abs((x - x0) * dy) + Math.abs((y - y0) * dx);
      if (along > 1e-3 && along + 2 * across < least) [best, least] = [node, along + 2 * across];
    });
    return best;
  }

  draw() {
    if (!this.data || !this.root.isConnected) return;
    const scale = window.devicePixelRatio || 1, { canvas } = this.el;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const size = Math.min(width - 2 * ROOM, height - 2 * ROOM), three = this.data.names.length === 3;
    const high = three ? size * 0.87 : size;
    this.box = { left: (width - size) / 2, top: (height - high) / 2, wide: size, high };
    const style = getComputedStyle(this.root), colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim() || "#8888";
    const [text, paper, border] = [colour("text"), colour("background"), colour("border")];
    const corners = this.data.names.map((_, k) => this.place(this.data.weights.findIndex((row) => row[k] > 0.999)));
    Object.assign(pen, { strokeStyle: border, lineWidth: 1.5, lineJoin: "round" });
    pen.beginPath();
    corners.forEach((at) => pen.lineTo(...at));
    pen.closePath();
    pen.stroke();
    const known = [...this.values.values()].filter((v) => v !== null && v !== undefined);
    const [low, top] = [Math.min(...known), Math.max(...known)];
    this.write(known.length ? [low, top] : null);
    this.data.xy.forEach((_, node) => {
      const [x, y] = this.place(node), value = this.values.get(node), radius = node === this.node ? 10 : 7;
      const off = this.data.off?.[node], empty = value === null;
      Object.assign(pen, { fillStyle: value === undefined || empty ? paper : tint((value - low) / (top - low || 1)), strokeStyle: off ? text : border, lineWidth: off ? 1.4 : 1 });
      pen.setLineDash(off || empty ? [2, 2] : []);
      pen.beginPath();
      pen.arc(x, y, radius, 0, 7);
      pen.fill();
      pen.stroke();
      pen.setLineDash([]);
      if (off) this.strike(pen, x, y, radius, paper);
      if (node !== this.node) return;
      Object.assign(pen, { strokeStyle: text, lineWidth: 2.5 });
      pen.beginPath();
      pen.arc(x, y, radius + 3, 0, 7);
      pen.stroke();
    });
    Object.assign(pen, { font: `600 12px ${style.fontFamily}`, textAlign: "center", textBaseline: "middle", fillStyle: text });
    const middle = [width / 2, this.box.top + high * (three ? 0.62 : 0.5)];
    corners.forEach(([x, y], k) => {
      const [dx, dy] = [x - middle[0], y - middle[1]], far = Math.hypot(dx, dy);
      pen.fillText(k + 1, x + (22 * dx) / far, y + (22 * dy) / far);
    });
  }

  strike(pen, x, y, radius, paper) {  // two strokes of paper over a node that is off the manifold
    pen.save();
    pen.beginPath();
    pen.arc(x, y, radius - 1, 0, 7);
    pen.clip();
    Object.assign(pen, { strokeStyle: paper, lineWidth: 1.6 });
    for (const shift of [-4, 0, 4]) {
      pen.beginPath();
      pen.moveTo(x - radius + shift, y + radius);
      pen.lineTo(x + radius + shift, y - radius);
      pen.stroke();
    }
    pen.restore();
  }

  write(range) {
    const { what } = this.data, arrived = this.values.size, all = this.data.xy.length;
    this.el.what.textContent = what;
    this.el.ramp.title = arrived < all ? `${arrived} of ${all} mixtures are decoded` : `${what} of the mixtures`;
    this.el.ramp.style.setProperty("--ramp", `linear-gradient(90deg, ${RAMP.join(", ")})`);
    [this.el.low.textContent, this.el.high.textContent] = range ? range.map((v) => v.toFixed(2)) : ["decoding", ""];
    Object.assign(this.root.dataset, { arrived });
  }

  dispose() {
    this.observer.disconnect();
    window.removeEventListener("netspace-frame", this.onFrame);
    this.leave?.();
  }
}

function tint(share) {  // of the ramp
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1), k = Math.min(RAMP.length - 2, Math.floor(at)), part = at - k;
  const channels = [RAMP[k], RAMP[k + 1]].map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
  return `rgb(${channels[0].map((c, i) => Math.round(c + part * (channels[1][i] - c))).join(" ")})`;
}

export default ({ parentElement, data }) => {
  const root = parentElement.querySelector(".pad");
  const held = (parentElement.__pad ??= new Pad(root));
  held.update(data);
  return () => {
    // Streamlit also cleans up between two updates of the same element: only a removed pad is disposed of
    queueMicrotask(() => {
      if (root.isConnected) return;
      held.dispose();
      parentElement.__pad = undefined;
    });
  };
};
