// A pad of mixtures of three or four networks. Dragging on it moves the slider of the view it belongs to, in the
// browser alone; that view tells Python once, on release.

import { blended, dot, inkOf, listed, rgb, sheet, trace } from "../shared/canvas.js";
import { feedsOf, hear, hub, onFeeds, say } from "../shared/hub.js";
import { outline } from "../shared/marks.js";
import { beside } from "../shared/panzoom.js";
import { mounted, onResize } from "../shared/view.js";

const ROOM = 26;  // for the anchors' numbers, CSS pixels
const OUT = 22;  // from a corner to its number
const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

class Pad {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    this.el = { canvas: find("canvas"), weights: find(".weights"), low: find(".low"), high: find(".high"), what: find(".what"), ramp: find(".ramp"), off: find(".off") };
    this.values = new Map();  // by node: what colours it
    this.endings = [
      onResize(root, () => this.draw()),
      hear("frame", ({ id, path, frame }) => id === this.data?.follows && path === this.data.path && this.mark(frame)),
    ];
    this.listen();
  }

  listen() {
    const { canvas } = this.el;
    let held = false;
    const go = (e) => this.tell(this.nearest(e.offsetX, e.offsetY));
    canvas.onpointerdown = (e) => {
      if (e.button) return;
      held = true;
      canvas.setPointerCapture(e.pointerId);
      go(e);
    };
    canvas.onpointermove = (e) => (held ? go(e) : (canvas.title = this.saidAt(this.nearest(e.offsetX, e.offsetY))));
    canvas.onpointerup = canvas.onpointercancel = () => {
      if (held) this.tell(this.node, true);
      held = false;
    };
    this.root.onkeydown = (e) => {
      if (!WAYS[e.key]) return;
      e.preventDefault();
      e.stopPropagation();
      const { xy } = this.data, found = beside(xy.length, (i) => xy[i], xy[this.node], WAYS[e.key]);
      this.tell(found < 0 ? this.node : found, true);
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
    for (const { header } of feedsOf(this.data.follows).values()) {
      if (header.path !== this.data.path) continue;
      for (const { side, index, numbers, correct, count } of header.frames ?? [])
        if (side === this.data.side) this.values.set(index, numbers ? numbers[this.data.what] : correct / count);
    }
    this.draw();
  }

  tell(node, rest = false) {
    say("show", { id: this.data.follows, frame: node, rest });
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
    const [x, y] = this.data.xy[node], { left, top, size, high } = this.box;
    return [left + x * size, top + (1 - y) * high];
  }

  nearest(x, y) {
    const far = (node) => Math.hypot(...this.place(node).map((v, k) => v - [x, y][k]));
    return this.data.xy.reduce((best, _, node) => (far(node) < far(best) ? node : best), 0);
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    if (!this.data || !this.root.isConnected) return;
    const { pen, width, height } = sheet(this.el.canvas);
    if (!width) return;
    const size = Math.min(width - 2 * ROOM, height - 2 * ROOM), three = this.data.names.length === 3;
    const high = three ? size * 0.87 : size;
    this.box = { left: (width - size) / 2, top: (height - high) / 2, size, high };
    const ink = inkOf(this.root), ramp = listed(ink.value("ramp"));
    const corners = this.data.names.map((_, k) => this.place(this.data.weights.findIndex((row) => row[k] > 0.999)));
    Object.assign(pen, { strokeStyle: ink.border, lineWidth: 1.5, lineJoin: "round" });
    trace(pen, [...corners, corners[0]]);
    const known = [...this.values.values()].filter((v) => v !== null && v !== undefined);
    const range = known.length ? [Math.min(...known), Math.max(...known)] : null;
    this.write(range);
    this.data.xy.forEach((_, node) => this.drawNode(pen, node, range, ramp, ink));
    Object.assign(pen, { font: `600 12px ${ink.font}`, textAlign: "center", textBaseline: "middle", fillStyle: ink.text });
    const middle = [width / 2, this.box.top + high * (three ? 0.62 : 0.5)];
    corners.forEach(([x, y], k) => {
      const [dx, dy] = [x - middle[0], y - middle[1]], far = Math.hypot(dx, dy);
      pen.fillText(k + 1, x + (OUT * dx) / far, y + (OUT * dy) / far);
    });
  }

  drawNode(pen, node, range, ramp, { text, paper, border }) {
    const [x, y] = this.place(node), value = this.values.get(node), here = node === this.node, radius = here ? 10 : 7;
    const off = this.data.off?.[node], empty = value === null;
    const inside = value === undefined || empty ? paper : rgb(blended(ramp, (value - range[0]) / (range[1] - range[0] || 1)));
    pen.setLineDash(off || empty ? [2, 2] : []);
    dot(pen, x, y, radius, off ? text : border, inside, off ? 1.4 : 1);
    pen.setLineDash([]);
    if (off) this.strike(pen, x, y, radius, paper);
    if (!here) return;
    Object.assign(pen, { strokeStyle: text, lineWidth: 2.5 });
    outline(pen, "circle", x, y, radius + 3);
    pen.stroke();
  }

  strike(pen, x, y, radius, paper) {  // strokes of paper over a node that is off the manifold
    pen.save();
    outline(pen, "circle", x, y, radius - 1);
    pen.clip();
    Object.assign(pen, { strokeStyle: paper, lineWidth: 1.6 });
    for (const shift of [-4, 0, 4]) trace(pen, [[x - radius + shift, y + radius], [x + radius + shift, y - radius]]);
    pen.restore();
  }

  write(range) {
    const { what } = this.data, arrived = this.values.size, all = this.data.xy.length;
    this.el.what.textContent = what;
    this.el.ramp.title = arrived < all ? `${arrived} of ${all} mixtures are decoded` : `${what} of the mixtures`;
    [this.el.low.textContent, this.el.high.textContent] = range ? range.map((v) => v.toFixed(2)) : ["decoding", ""];
    Object.assign(this.root.dataset, { arrived });
  }

  dispose() {
    this.endings.forEach((end) => end());
    this.leave?.();
  }
}

export default mounted(Pad, ".pad");
