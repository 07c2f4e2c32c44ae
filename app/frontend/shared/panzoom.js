// A plane moved and zoomed by hands: pointer, two fingers, wheel, buttons and keys.

const MOVED = 4;  // pixels from which on a click is a drag

// The nearest of some places on one side of another place, -1 where there is none. Places are offered by `at(i)`,
// undefined for one that does not count.
export function beside(count, at, [x, y], [dx, dy], anywhere = false) {
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < count; i++) {
    const place = at(i);
    if (!place) continue;
    const [right, up] = [place[0] - x, place[1] - y];
    const along = right * dx + up * dy, cost = Math.abs(along) + 2 * Math.abs(right * dy - up * dx);
    if ((along > 1e-9 || anywhere) && cost < least) [best, least] = [i, cost];
  }
  return best;
}

// The view that shows a box of the plane in a window, with a margin.
export function fitting({ left, right, low, high }, { width, height }, [across, above]) {
  const scale = Math.max(1e-9, Math.min((width - across) / (right - left || 1), (height - above) / (high - low || 1)));
  return { x: (left + right) / 2, y: (low + high) / 2, scale };
}

// Of an owner with
//   view, everything: the part of the plane that is shown, and the one that shows all: { x, y, scale }, the middle and
//     pixels per unit
//   move(view): shows another part, null shows all
//   far: how often nearer than everything
//   ready: whether hands do something;  hover(x, y), leave(), click(x, y): with pixels
//   tool(e): what a drag does instead of moving: { move(x, y), end(), cancel() }; null: it moves
export class PanZoom {
  width = 0;
  height = 0;
  grip = null;
  fingers = new Map();  // where each is

  constructor(surface, frame, owner) {
    Object.assign(this, { surface, frame, owner });
    surface.onpointerdown = (e) => this.down(e);
    surface.onpointermove = (e) => this.drag(e);
    surface.onpointerup = surface.onpointercancel = (e) => this.up(e);
    surface.onpointerleave = () => this.grip ?? owner.leave();
    surface.ondblclick = (e) => e.preventDefault();
    surface.addEventListener("wheel", (e) => {  // the page scrolls until the plane has been touched
      if (!owner.root.classList.contains("active") && !e.ctrlKey) return;
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * 0.0015), e.offsetX, e.offsetY);
    }, { passive: false });
  }

  get keyed() {
    return { "+": () => this.zoom(1.25), "-": () => this.zoom(0.8), r: () => this.owner.move(null) };
  }

  // -- where things are -----------------------------------------------------------------------------------------

  screen([x, y]) {
    const { view } = this.owner;
    return [this.width / 2 + (x - view.x) * view.scale, this.height / 2 - (y - view.y) * view.scale];
  }

  place(x, y) {
    const { view } = this.owner;
    return [view.x + (x - this.width / 2) / view.scale, view.y - (y - this.height / 2) / view.scale];
  }

  shows([x, y], margin = 10) {
    return x >= margin && y >= margin && x <= this.width - margin && y <= this.height - margin;
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  down(e) {
    if (e.button || !this.owner.ready) return;
    this.fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
    this.surface.setPointerCapture(e.pointerId);
    this.owner.root.classList.add("active");
    if (this.fingers.size > 1) this.drop();
    else this.grip = { x: e.offsetX, y: e.offsetY, moved: false, view: this.owner.view, tool: this.owner.tool?.(e) ?? null };
  }

  drag(e) {
    const [x, y] = [e.offsetX, e.offsetY], { grip, owner } = this;
    if (this.fingers.size > 1 && this.fingers.has(e.pointerId)) return this.pinch(e.pointerId, [x, y]);
    if (!grip) return owner.hover(x, y);
    if (!grip.moved && Math.abs(x - grip.x) + Math.abs(y - grip.y) < MOVED) return;
    owner.leave();
    grip.moved = true;
    if (grip.tool) return grip.tool.move(x, y);
    const { view } = grip;
    this.frame.classList.add("held");
    owner.move({ x: view.x - (x - grip.x) / view.scale, y: view.y + (y - grip.y) / view.scale, scale: view.scale });
  }

  up(e) {
    const { grip } = this;  // none after Escape, or after a pinch
    this.fingers.delete(e.pointerId);
    if (e.type === "pointercancel") return this.drop();
    this.grip = null;
    this.frame.classList.remove("held");
    if (grip && !grip.moved) this.owner.click(e.offsetX, e.offsetY);
    else grip?.tool?.end();
  }

  drop() {  // what was begun is not done; returns whether there was something
    const { grip } = this;
    this.grip = null;
    this.frame.classList.remove("held");
    grip?.tool?.cancel();
    return !!grip;
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const { view, everything, far } = this.owner, all = everything.scale;
    const scale = Math.max(all / 4, Math.min(all * far, view.scale * factor));
    const [px, py] = this.place(x, y);
    this.owner.move({ x: px - (x - this.width / 2) / scale, y: py + (y - this.height / 2) / scale, scale });
  }

  pinch(which, to) {  // two fingers move the plane and bring it nearer
    const span = () => {
      const [[ax, ay], [bx, by]] = this.fingers.values();
      return { far: Math.hypot(bx - ax, by - ay) || 1, x: (ax + bx) / 2, y: (ay + by) / 2 };
    };
    const before = span();
    this.fingers.set(which, to);
    const after = span(), { view } = this.owner;
    this.owner.move({ x: view.x - (after.x - before.x) / view.scale, y: view.y + (after.y - before.y) / view.scale, scale: view.scale });
    this.zoom(after.far / before.far, after.x, after.y);
  }
}
