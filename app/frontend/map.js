// The map of a zoo's embeddings. The graphics card draws the points; what is told of them lies on a canvas above.

const MARKS = ["circle", "square", "triangle", "diamond", "pentagon", "star"];  // as the look's bytes number them
const [HOLLOW, WARNED, GUEST] = [1, 2, 4];  // flags of a point
const UNKNOWN = "#7c8b99";
const FADED = 46;  // of 255: how strongly points outside the selection are drawn
const REACH = 12;  // of the pointer, pixels
const FAR = 400;  // how often nearer than everything
const CORNERS = 64;  // of a lasso, at most
const STILL = 180;  // milliseconds after which a view that moved is drawn with all its points
const FEW = 4000;  // points that are always drawn
const GLIDE = 450;  // milliseconds in which networks go from their place on one map to that on the next
const ANSWER = 3000;  // milliseconds after which Python is asked again
const REST = 500;  // milliseconds until Python hears of a view
const SIDE = 64;  // pixels along a side of a mark's distances
const REACHES = [1, 0.9, 1.25, 1.25, 1.15, 1.5];  // of marks of radius 1

const VERTEX = `#version 300 es
layout(location = 0) in vec2 place;
layout(location = 1) in vec4 colour;
layout(location = 2) in uvec4 look;  // radius, mark, flags
layout(location = 3) in vec2 former;  // its place on the map that was shown before
uniform vec2 centre, zoom, formerCentre, formerZoom;
uniform float pixel, swell, gone;
const float reaches[6] = float[](${REACHES.map((v) => v.toFixed(2))});
out vec4 ink;
flat out float radius, reach;
flat out uint mark, flags;
void main() {
  ink = colour;
  mark = look.y;
  flags = look.z;
  radius = (3.0 + float(look.x) / 63.75) * swell * pixel;
  float thin = min(pixel, radius / 4.0);
  reach = 0.5 + radius * reaches[mark] + ((flags & ${HOLLOW}u) > 0u ? 1.7 : 0.4) * thin;
  if ((flags & ${WARNED}u) > 0u) reach = max(reach, 1.3 * radius + 1.5 * pixel);
  if ((flags & ${GUEST}u) > 0u) reach = max(reach, 1.45 * radius + 3.2 * pixel);
  gl_Position = vec4(mix((former - formerCentre) * formerZoom, (place - centre) * zoom, gone), 0.0, 1.0);
  gl_PointSize = 2.0 * reach;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision mediump sampler2DArray;
in vec4 ink;
flat in float radius, reach;
flat in uint mark, flags;
uniform sampler2DArray marks;
uniform vec3 text, paper;
uniform float pixel;
out vec4 result;
vec4 over;
void lay(vec3 colour, float share) { over = vec4(colour, 1.0) * share + over * (1.0 - share); }
float inside(float far) { return clamp(0.5 - far, 0.0, 1.0); }
float line(float far, float width) { return clamp(0.5 + 0.5 * width - abs(far), 0.0, min(1.0, width)); }
void main() {
  vec2 at = (gl_PointCoord - 0.5) * 2.0 * reach;
  float far = length(at) - radius;
  if (mark > 0u && radius > 2.2 * pixel) far = (2.0 * textureLod(marks, vec3(at / radius / 4.0 + 0.5, float(mark)), 0.0).r - 1.0) * radius;
  float thin = min(pixel, radius / 4.0);
  over = vec4(0.0);
  if (flags == 0u && radius < 2.2 * pixel) {
    result = vec4(ink.rgb, 1.0) * (inside(far) * ink.a);
    return;
  }
  if ((flags & ${HOLLOW}u) > 0u) {
    lay(text, 0.35 * line(far, 3.4 * thin));
    lay(paper, inside(far));
    lay(ink.rgb, line(far, 2.0 * thin));
  } else {
    lay(ink.rgb, inside(far));
    lay(text, 0.45 * line(far, 0.8 * thin));
  }
  if ((flags & ${WARNED}u) > 0u && length(at) < 1.3 * radius + pixel) {
    float cross = min(abs(at.x - at.y), abs(at.x + at.y)) * 0.7071;
    lay(paper, line(cross, 3.6 * thin));
    lay(text, line(cross, 1.6 * thin));
  }
  if ((flags & ${GUEST}u) > 0u) lay(text, line(length(at) - 1.45 * radius - 0.8 * pixel - 1.2 * thin, 0.6 * pixel + 0.7 * thin));
  result = over * ink.a;
}`;

const round = (v, digits = 5) => Number(v.toPrecision(digits));

function far(corners, x, y) {  // from an outline, negative inside
  let [least, within] = [Infinity, false];
  corners.forEach(([ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length];
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy));
    if (ay > y !== by > y && x < ax + ((y - ay) * dx) / dy) within = !within;
  });
  return within ? -least : least;
}

function distances() {  // of the marks, from -1 to 1 radius as bytes, over a square of 4 radii
  const out = new Uint8Array(MARKS.length * SIDE * SIDE);
  MARKS.forEach((mark, m) => {
    for (let k = 0; k < SIDE * SIDE; k++) {
      const [x, y] = [k % SIDE, Math.floor(k / SIDE)].map((v) => ((v + 0.5) / SIDE - 0.5) * 4);
      const d = OUTLINES[mark] ? far(OUTLINES[mark], x, y) : Math.hypot(x, y) - 1;
      out[m * SIDE * SIDE + k] = Math.round(127.5 * (Math.max(-1, Math.min(1, d)) + 1));
    }
  });
  return out;
}

function thinned(corners) {  // a lasso without the corners that matter least
  const kept = corners.slice();
  const area = (k) => {
    const [[ax, ay], [bx, by], [cx, cy]] = [kept.at(k - 1), kept[k], kept[(k + 1) % kept.length]];
    return Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay));
  };
  while (kept.length > CORNERS) {
    let least = 0;
    for (let k = 1; k < kept.length; k++) if (area(k) < area(least)) least = k;
    kept.splice(least, 1);
  }
  return kept;
}

// Places of networks, and a grid over them by which the nearest is found at once.
class Places {
  constructor(xy) {
    this.xy = xy;
    this.count = xy.length / 2;
    this.known = new Uint8Array(this.count);
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [xy[2 * i], xy[2 * i + 1]];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      this.known[i] = 1;
      [left, right, low, high] = [Math.min(left, x), Math.max(right, x), Math.min(low, y), Math.max(high, y)];
    }
    Object.assign(this, { left, right, low, high, side: Math.max(1, Math.ceil(Math.sqrt(this.count / 2))) });
    const cells = this.side * this.side;
    this.starts = new Uint32Array(cells + 1);
    this.ids = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) if (this.known[i]) this.starts[this.cell(i) + 1]++;
    for (let c = 0; c < cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    for (let i = 0; i < this.count; i++) if (this.known[i]) this.ids[next[this.cell(i)]++] = i;
  }

  of(i) {
    return [this.xy[2 * i], this.xy[2 * i + 1]];
  }

  column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((x - this.left) / (this.right - this.left || 1)) * this.side)));
  }

  row(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((y - this.low) / (this.high - this.low || 1)) * this.side)));
  }

  cell(i) {
    return this.row(this.xy[2 * i + 1]) * this.side + this.column(this.xy[2 * i]);
  }

  near(x, y, reach, shown) {  // the nearest that is shown, -1 where none is within reach
    let [best, least] = [-1, reach * reach];
    const [from, to] = [this.column(x - reach), this.column(x + reach)];
    for (let r = this.row(y - reach); r <= this.row(y + reach); r++)
      for (let k = this.starts[r * this.side + from]; k < this.starts[r * this.side + to + 1]; k++) {
        const i = this.ids[k];
        const d = (this.xy[2 * i] - x) ** 2 + (this.xy[2 * i + 1] - y) ** 2;
        if (d < least && shown[i]) [best, least] = [i, d];
      }
    return best;
  }

  within(polygon) {  // by the even-odd rule: 1 where inside
    const out = new Uint8Array(this.count);
    const [xs, ys] = [0, 1].map((k) => polygon.map((corner) => corner[k]));
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.xy[2 * i], this.xy[2 * i + 1]];
      if (!(x >= left && x <= right && y >= low && y <= high)) continue;
      let odd = 0;
      for (let k = 0, j = xs.length - 1; k < xs.length; j = k++)
        if (ys[k] > y !== ys[j] > y && x < xs[k] + ((y - ys[k]) * (xs[j] - xs[k])) / (ys[j] - ys[k])) odd ^= 1;
      out[i] = odd;
    }
    return out;
  }
}

// The points on the graphics card; null where a browser has no WebGL 2.
class Points {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, depth: false });
    if (!gl) return;
    this.gl = gl;
    this.uniform = use(gl, VERTEX, FRAGMENT, ["centre", "zoom", "formerCentre", "formerZoom", "pixel", "swell", "gone", "text", "paper"]);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, gl.createTexture());
    gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.R8, SIDE, SIDE, MARKS.length, 0, gl.RED, gl.UNSIGNED_BYTE, distances());
    for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR], [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]])
      gl.texParameteri(gl.TEXTURE_2D_ARRAY, name, value);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.buffers = [0, 1, 2, 3].map((location) => {
      const buffer = gl.createBuffer();
      if (location < 3) gl.enableVertexAttribArray(location);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      if (location % 3 === 0) gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, 0);
      if (location === 1) gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
      if (location === 2) gl.vertexAttribIPointer(2, 4, gl.UNSIGNED_BYTE, 0, 0);
      return buffer;
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    this.layers = [];
  }

  fill(location, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[location]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  order(ids, layers) {  // in layers, each of so many, the lowest first
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, ids, this.gl.STATIC_DRAW);
    this.layers = layers;
    this.count = ids.length;
  }

  // Share: of each layer, its first part. Glide: where the points come from, and how much of their way is gone.
  draw({ x, y, scale }, width, height, swell, ink, share, glide) {
    const { gl, canvas, uniform } = this;
    const pixel = window.devicePixelRatio || 1;
    const [wide, tall] = [Math.round(width * pixel), Math.round(height * pixel)];
    if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
    gl.viewport(0, 0, wide, tall);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniform.centre, x, y);
    gl.uniform2f(uniform.zoom, (2 * scale) / width, (2 * scale) / height);
    if (glide) {
      gl.uniform2f(uniform.formerCentre, glide.view.x, glide.view.y);
      gl.uniform2f(uniform.formerZoom, (2 * glide.view.scale) / width, (2 * glide.view.scale) / height);
    }
    gl.uniform1f(uniform.gone, glide ? glide.gone : 1);
    gl[glide ? "enableVertexAttribArray" : "disableVertexAttribArray"](3);
    gl.uniform1f(uniform.pixel, pixel);
    gl.uniform1f(uniform.swell, swell);
    for (const name of ["text", "paper"]) gl.uniform3fv(uniform[name], ink[name].map((v) => v / 255));
    let from = 0;
    for (const count of this.layers) {
      if (count) gl.drawElements(gl.POINTS, Math.ceil(count * share), gl.UNSIGNED_INT, 4 * from);
      from += count;
    }
  }
}

class ZooMap {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    // what outlives a remount: what hands have done, and what Python has heard of it
    this.kept = hub.views.get(id) ?? {
      view: null, tool: "v", hidden: new Set(), picked: null, place: null, polygon: null, clicks: 0, answered: 0, selects: 0, waiting: [],
    };
    hub.views.set(id, this.kept);
    const find = (selector) => root.querySelector(selector);
    this.el = {
      map: find(".map"), ground: find(".ground"), points: find(".points"), over: find(".over"), x: find(".axis.x"), y: find(".axis.y"), message: find(".message"), chosen: find(".chosen"),
      tip: find(".tip"), keys: find(".keys"), help: find(".help"), legend: find(".looks"), foot: find(".foot"), live: find(".live"), tools: [...root.querySelectorAll(".tools button")],
    };
    this.times = [];
    this.share = 1;
    this.hot = -1;
    this.build();
    this.listen();
    this.leave = onFeeds(id, () => this.receive());
  }

  build() {
    this.cloud = new Points(this.el.points);
    this.el.map.classList.toggle("without-gl", !this.cloud.gl);
    if (!this.cloud.gl) this.cloud = null;
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  listen() {
    const { map, points, over, keys, help, chosen, legend, tools } = this.el;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(map);
    points.addEventListener("webglcontextlost", (e) => e.preventDefault());
    points.addEventListener("webglcontextrestored", () => {
      this.build();
      this.placed = this.looked = null;
      this.receive();
    });
    let grip = null;
    const fingers = new Map();  // where each is
    over.onpointerdown = (e) => {
      if (e.button || !this.ready) return;
      fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
      const tool = e.shiftKey ? "b" : this.kept.tool;
      grip = { x: e.offsetX, y: e.offsetY, tool, moved: false, view: this.view, corners: [[e.offsetX, e.offsetY]] };
      over.setPointerCapture(e.pointerId);
      this.root.classList.add("active");
      if (fingers.size > 1) grip = this.rope = null;
    };
    over.onpointermove = (e) => {
      const [x, y] = [e.offsetX, e.offsetY];
      if (fingers.size > 1 && fingers.has(e.pointerId)) return this.pinch(fingers, e.pointerId, [x, y]);
      if (!grip) return this.point(this.near(x, y), false);
      if (!grip.moved && Math.abs(x - grip.x) + Math.abs(y - grip.y) < 4) return;
      this.point(-1);
      grip.moved = true;
      map.classList.add(grip.tool === "v" ? "held" : "drawing");
      if (grip.tool === "v") {
        const { view } = grip;
        return this.move({ x: view.x - (x - grip.x) / view.scale, y: view.y + (y - grip.y) / view.scale, scale: view.scale });
      }
      const [fx, fy] = [grip.x, grip.y];
      if (grip.tool === "b") grip.corners = [[fx, fy], [x, fy], [x, y], [fx, y]];
      else if (Math.hypot(x - grip.corners.at(-1)[0], y - grip.corners.at(-1)[1]) > 2) grip.corners.push([x, y]);
      this.rope = grip.corners;
      this.redraw();
    };
    over.onpointerup = over.onpointercancel = (e) => {
      fingers.delete(e.pointerId);
      const { moved, tool } = grip ?? {};  // none after Escape, or after a pinch
      const corners = this.rope;
      grip = this.rope = null;
      map.classList.remove("held", "drawing");
      map.classList.toggle("drawing", this.kept.tool !== "v");
      if (e.type === "pointercancel") return this.redraw();
      if (moved === false) this.click(e.offsetX, e.offsetY);
      else if (corners?.length > 2) this.select({ b: "box", l: "lasso" }[tool], thinned(corners).map(([x, y]) => this.place(x, y).map((v) => round(v))));
      this.redraw();
    };
    over.onpointerleave = () => grip ?? this.point(-1);
    over.addEventListener("wheel", (e) => {  // the page scrolls until the map has been touched
      if (!this.root.classList.contains("active") && !e.ctrlKey) return;
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * 0.0015), e.offsetX, e.offsetY);
    }, { passive: false });
    over.ondblclick = (e) => e.preventDefault();
    this.keyed = {
      "+": () => this.zoom(1.25), "-": () => this.zoom(0.8), r: () => this.move(null), "?": () => keys.toggleAttribute("hidden"),
      v: () => this.take("v"), b: () => this.take("b"), l: () => this.take("l"),
      Escape: () => {
        if (this.rope || grip) grip = this.rope = null;
        else if (!keys.hidden) keys.hidden = true;
        else if (this.kept.polygon) this.select("none", []);
        else if (this.kept.picked !== null || this.kept.place) this.pick({ none: true });
        this.point(-1);
        this.redraw();
      },
      ArrowLeft: () => this.walk(-1, 0), ArrowRight: () => this.walk(1, 0), ArrowUp: () => this.walk(0, 1), ArrowDown: () => this.walk(0, -1),
      Enter: () => this.hot >= 0 && this.pick({ network: this.hot }),
    };
    chosen.querySelector("button").onclick = () => this.select("none", []);
    legend.onclick = (e) => {
      const chip = e.target.closest(".chip");
      if (chip) this.hide(Number(chip.dataset.category), e.shiftKey);
    };
    this.forgetKeys = hearKeys(this);
    this.onFrame = ({ detail }) => {  // the slider of the path that is drawn
      if (this.data?.path?.follows !== detail.id || this.data.path.places.length !== detail.steps) return;
      this.frame = detail.frame;
      this.redraw();
    };
    window.addEventListener("netspace-frame", this.onFrame);
  }

  take(tool) {  // what dragging does from now on
    this.kept.tool = tool;
    for (const button of this.el.tools) {
      button.classList.toggle("on", button.dataset.key === tool);
      button.setAttribute("aria-checked", button.dataset.key === tool);
    }
    this.el.map.classList.toggle("drawing", tool !== "v");
    this.tell();
  }

  click(x, y) {
    const network = this.near(x, y);
    if (network >= 0) this.pick({ network });
    else if (this.data.liftable) this.pick({ at: this.place(x, y).map((v) => round(v)) });
  }

  pick(what) {  // shown at once, answered by Python a little later
    const { kept } = this;
    if (what.network !== undefined && what.network === kept.picked) return;
    kept.clicks += 1;
    [kept.picked, kept.place] = [what.network ?? null, what.at ?? null];
    this.clicked = kept.picked;  // its words are beside the map now
    kept.waiting.push({ ...what, click: kept.clicks });
    this.ask(0);
    this.tell();
    this.redraw();
  }

  ask(times) {  // Python for what waits, and again where no answer comes: a message is lost while the page is laid out
    clearTimeout(this.asking);
    const what = this.kept.waiting.at(-1);
    if (!what) return;
    this.setStateValue("pick", { ...what, times });
    this.asking = setTimeout(() => this.ask(times + 1), ANSWER);
  }

  select(tool, polygon) {
    const { kept } = this;
    kept.selects += 1;
    kept.polygon = polygon.length ? polygon : null;
    this.setStateValue("select", { tool, polygon, click: kept.selects });
    this.receive();
    this.el.live.textContent = this.chosenWords();
  }

  hide(category, alone) {  // or show it again; alone: hide all others
    const { hidden } = this.kept;
    const all = this.categories().map(({ index }) => index);
    const single = alone && !(all.length - hidden.size === 1 && !hidden.has(category));
    if (alone) {
      hidden.clear();
      if (single) all.filter((index) => index !== category).forEach((index) => hidden.add(index));
    } else if (!hidden.delete(category)) hidden.add(category);
    this.styled = false;
    this.receive();
  }

  walk(dx, dy) {  // to the nearest network in a direction
    if (!this.ready) return;
    const { places, shown, view } = this;
    const start = this.hot >= 0 ? this.hot : this.kept.picked;
    const from = shown[start] ? places.of(start) : [view.x, view.y];
    let [best, least] = [-1, Infinity];
    for (let i = 0; i < places.count; i++) {
      if (!shown[i]) continue;
      const [x, y] = [places.xy[2 * i] - from[0], places.xy[2 * i + 1] - from[1]];
      const along = x * dx + y * dy, cost = Math.abs(along) + 2 * (Math.abs(x * dy) + Math.abs(y * dx));
      if ((along > 0 || !shown[start]) && cost < least) [best, least] = [i, cost];
    }
    if (best < 0) return;
    this.point(best);
    const [x, y] = this.screen(places.of(best));
    if (x < 10 || y < 10 || x > this.width - 10 || y > this.height - 10) {
      const [px, py] = places.of(best);
      this.move({ x: px, y: py, scale: view.scale });
    }
    this.el.live.textContent = this.told(best).join(", ");
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const { view } = this;
    const all = this.everything.scale;
    const scale = Math.max(all / 4, Math.min(all * FAR, view.scale * factor));
    const [px, py] = this.place(x, y);
    this.move({ x: px - (x - this.width / 2) / scale, y: py + (y - this.height / 2) / scale, scale });
  }

  pinch(fingers, which, to) {  // two fingers move the map and bring it nearer
    const span = () => {
      const [[ax, ay], [bx, by]] = fingers.values();
      return { far: Math.hypot(bx - ax, by - ay) || 1, x: (ax + bx) / 2, y: (ay + by) / 2 };
    };
    const before = span();
    fingers.set(which, to);
    const after = span(), { view } = this;
    this.move({ x: view.x - (after.x - before.x) / view.scale, y: view.y + (after.y - before.y) / view.scale, scale: view.scale });
    this.zoom(after.far / before.far, after.x, after.y);
  }

  move(view) {
    this.kept.view = view && { x: view.x, y: view.y, scale: view.scale / this.everything.scale };
    this.stale = this.moving = true;
    this.redraw();
    clearTimeout(this.stilling);
    this.stilling = setTimeout(() => {
      this.stale = this.share < 1;
      this.moving = false;
      this.redraw();
    }, STILL);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { view } = this.kept;
      this.setStateValue("view", view && { x: round(view.x), y: round(view.y), scale: round(view.scale, 4) });
    }, REST);
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  update(data, setStateValue) {
    const { kept } = this;
    this.setStateValue = setStateValue;
    const first = kept.token === undefined, { view } = kept;
    const map = data.map ?? data.points;
    if (this.data && this.data.points !== data.points && this.ready) this.former = { map: kept.map, places: this.places, view: this.view, kept: kept.view, look: this.look.path };
    if (!first && kept.map !== map) kept.view = null;  // other coordinates
    if (kept.token !== data.token) kept.view = data.view ?? null;
    [kept.map, kept.token] = [map, data.token];
    if (view !== kept.view || this.data?.liftable !== data.liftable) this.stale = true;
    if (JSON.stringify(data.path) !== JSON.stringify(this.data?.path)) this.frame = null;
    if (this.data?.points !== data.points) [this.atlas, this.hot] = [null, -1];
    this.data = data;
    this.hear(data);
    this.el.map.classList.toggle("liftable", !!data.liftable);
    for (const el of this.root.querySelectorAll(".lift")) el.hidden = !data.liftable;
    this.take(kept.tool);
    this.receive();
  }

  hear(data) {  // which clicks are answered; Python's word holds where no newer click waits
    const { kept } = this;
    const place = data.extra?.place ?? null;
    const same = (a, b) => a && b && a.every((v, k) => Math.abs(v - b[k]) <= 1e-4 * Math.abs(v) + 1e-9);
    const fits = (what) => (what.network !== undefined ? data.picked === what.network : what.at ? same(what.at, place) : data.picked === null && !place);
    const answered = kept.waiting.findLastIndex(fits);
    const word = JSON.stringify([data.picked, place]);
    if (answered >= 0) {
      kept.answered = kept.waiting[answered].click;
      kept.waiting.splice(0, answered + 1);
    } else if (word !== kept.word) kept.waiting = [];
    if (!kept.waiting.length) [kept.picked, kept.place] = [data.picked, place];
    else if (!this.asking) this.asking = setTimeout(() => this.ask(1), ANSWER);  // told by what was here before
    kept.word = word;
    const polygon = JSON.stringify(data.selection?.polygon ?? null);
    if (polygon !== kept.said) kept.polygon = data.selection?.polygon ?? null;
    kept.said = polygon;
  }

  receive() {
    if (!this.data || !this.cloud) return;
    const { data } = this;
    const feeds = hub.feeds.get(this.id) ?? new Map();
    const feed = (name, path) => (feeds.get(name)?.header.path === path ? feeds.get(name) : null);
    const points = feed("points", data.points), look = feed("look", data.look), names = feed("names", data.points), atlas = feed("atlas", data.points);
    if (points && this.placed !== points) {
      this.placed = points;
      const places = new Places(floats(points.body, 2 * points.header.count));
      const { former } = this;
      if (former?.kept && former.kept === this.kept.view) this.kept.view.scale *= this.allOf(former.places).scale / this.allOf(places).scale;
      this.places = places;
      this.cloud.fill(0, this.places.xy);
      this.inside = null;
      this.styled = false;
    }
    if (look && this.looked !== look) {
      this.looked = look;
      const title = look.header.colour?.title;
      if (this.kept.coloured !== title) this.kept.hidden.clear();
      this.kept.coloured = title;
      const count = look.body.length / 7;
      const bytes = (k) => look.body.subarray((4 + k) * count, (5 + k) * count);
      const plain = { title: "", kind: "category", categories: [], missing: 0 };
      this.look = { ...look.header, colour: look.header.colour ?? plain, count, colours: floats(look.body, count), sizes: bytes(0), marks: bytes(1), flags: bytes(2) };
      this.look.used = this.look.flags.reduce((all, v) => all | v, 0);
      this.styled = false;
    }
    if (names && this.named !== names) this.read(names);
    if (atlas && this.pictured !== atlas) {
      this.pictured = atlas;
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = URL.createObjectURL(new Blob([atlas.body], { type: atlas.body[0] === 0x89 ? "image/png" : "image/webp" }));
    }
    this.atlas = atlas?.header ?? null;
    if (!this.styled || this.insideOf !== this.kept.polygon) this.restyle();
    this.write();
    this.redraw();
  }

  get neighbours() {  // of the picked network: those in the space at once, those by function by a feed when they are found
    const header = hub.feeds.get(this.id)?.get("function")?.header;
    const found = header && header.path === this.data.points && header.of === this.data.of ? header.ids : [];
    return [...(this.data.neighbours ?? []), ...found.map((id) => ({ id, kind: "function" }))];
  }

  async read(feed) {
    this.named = feed;
    const stream = new Blob([feed.body]).stream().pipeThrough(new DecompressionStream("gzip"));
    this.decoded = { path: feed.header.path, words: await new Response(stream).json() };
    this.redraw();
  }

  get names() {
    return this.decoded?.path === this.data.points ? this.decoded.words : null;
  }

  // -- where things are -----------------------------------------------------------------------------------------

  get everything() {
    return this.allOf(this.places);
  }

  allOf(places) {
    const { width = 0, height = 0 } = this;
    if (!places || !(places.right >= places.left)) return { x: 0, y: 0, scale: 1 };
    const { left, right, low, high } = places;
    const scale = Math.max(1e-9, Math.min((width - 110) / (right - left || 1), (height - 80) / (high - low || 1)));
    return { x: (left + right) / 2, y: (low + high) / 2, scale };
  }

  get view() {
    const { view } = this.kept;
    return view ? { x: view.x, y: view.y, scale: view.scale * this.everything.scale } : this.everything;
  }

  screen([x, y]) {
    const { view } = this;
    return [this.width / 2 + (x - view.x) * view.scale, this.height / 2 - (y - view.y) * view.scale];
  }

  place(x, y) {
    const { view } = this;
    return [view.x + (x - this.width / 2) / view.scale, view.y - (y - this.height / 2) / view.scale];
  }

  near(x, y) {
    return this.ready ? this.places.near(...this.place(x, y), REACH / this.view.scale, this.shown) : -1;
  }

  point(network, asked = true) {  // what the pointer or the keys are at
    if (network === this.hot) return;
    if (asked || network !== this.clicked) this.clicked = null;
    this.hot = network;
    this.el.over.classList.toggle("hot", network >= 0);
    this.tell();
    this.redraw();
  }

  // -- how points look ------------------------------------------------------------------------------------------

  categories() {  // what the legend can hide; -1: those whose value is not known
    const { colour } = this.look ?? {};
    const named = colour?.kind === "category" ? colour.categories.map((each, index) => ({ ...each, index })).filter(({ count }) => count) : [];
    return [...named, ...(colour?.missing ? [{ name: "not known", colour: UNKNOWN, mark: "circle", count: colour.missing, index: -1 }] : [])];
  }

  restyle() {  // colours, what is shown, and in which order
    const { places, look, cloud, kept } = this;
    if (places && look?.count === places.count) {
      const { count } = places;
      if (this.insideOf !== kept.polygon || !this.inside) this.inside = kept.polygon ? places.within(kept.polygon) : new Uint8Array(0);
      this.insideOf = kept.polygon;
      this.selected = this.inside.reduce((sum, v) => sum + v, 0);
      this.styled = true;
      const [colours, looks] = [new Uint8Array(4 * count), new Uint8Array(4 * count)];
      const palette = look.colour.kind === "category" ? look.colour.categories.map(({ colour }) => channels(colour)) : Array.from({ length: 256 }, (_, k) => ramp(k / 255).match(/\d+/g).map(Number));
      const unknown = channels(UNKNOWN);
      const category = look.colour.kind === "category";
      this.shown = new Uint8Array(count);
      const layers = [0, 0, 0, 0, 0, 0];  // faded first, hollow below filled, guests on top
      const layer = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        const value = look.colours[i], known = value === value;
        const index = known ? (category ? value : Math.round(255 * Math.max(0, Math.min(1, value)))) : -1;
        if (!places.known[i] || kept.hidden.has(category || !known ? index : -2)) continue;
        this.shown[i] = 1;
        const faded = kept.polygon && !this.inside[i];
        const flags = look.flags[i];
        colours.set(palette[index] ?? unknown, 4 * i);
        colours[4 * i + 3] = faded ? FADED : 255;
        looks[4 * i] = look.sizes[i];
        looks[4 * i + 1] = look.marks[i];
        looks[4 * i + 2] = flags;
        layer[i] = (faded ? 0 : 3) + (flags & GUEST ? 2 : flags & HOLLOW ? 0 : 1);
        layers[layer[i]]++;
      }
      const next = layers.map((_, k) => layers.slice(0, k).reduce((sum, v) => sum + v, 0));
      const order = new Uint32Array(layers.reduce((sum, v) => sum + v, 0));
      for (let k = 0, i = 0, stride = mixing(count); k < count; k++, i = (i + stride) % count) if (this.shown[i]) order[next[layer[i]]++] = i;
      cloud.fill(1, colours);
      cloud.fill(2, looks);
      cloud.order(order, layers);
      if (this.hot >= 0 && !this.shown[this.hot]) this.hot = -1;
      if (this.former) this.glide();
      this.hidden = this.inside.reduce((sum, v, i) => sum + (v && !this.shown[i] ? 1 : 0), 0);
      this.stale = true;
    }
  }

  glide() {  // the same networks as before, at other places: the eye can follow them
    const { former, places, cloud } = this;
    this.former = null;
    if (former.map === this.kept.map || former.places.count !== places.count || former.look !== this.data.look) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    cloud.fill(3, former.places.xy);
    this.gliding = { view: former.view, start: performance.now(), gone: 0 };
  }

  get ready() {
    return !!this.places?.count && this.placed.header.path === this.data.points && this.look?.count === this.places.count;
  }

  // -- words ----------------------------------------------------------------------------------------------------

  get ink() {
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim() || "#888";
    return { text: colour("text"), border: colour("border"), paper: colour("background"), primary: colour("primary"), font: style.fontFamily };
  }

  write() {
    const { data, el } = this;
    el.x.textContent = this.ready ? `${data.axes[0]} →` : "";
    el.y.textContent = this.ready ? `↑ ${data.axes[1]}` : "";
    const none = this.places && this.placed.header.path === data.points && !this.places.count;
    const words = data.message || (this.ready || this.left ? "" : none ? "There is no network to show." : "loading the map");
    const bar = data.message && data.progress !== undefined && data.progress !== null ? `<span class="bar" style="--share:${100 * data.progress}%"></span>` : "";
    el.message.hidden = !words;
    el.message.classList.toggle("beside", this.ready);
    el.message.classList.toggle("working", !!bar || (!data.message && !none));
    el.map.classList.toggle("empty", !this.ready && !this.left);
    el.message.innerHTML = `${escaped(words)}${bar}`;
    el.chosen.hidden = !this.kept.polygon || !this.ready;
    el.chosen.firstElementChild.textContent = this.chosenWords();
    this.writeLegend();
    this.tell();
  }

  chosenWords() {
    if (!this.kept.polygon || !this.ready) return "selection cleared";
    const { selected, hidden } = this;
    return `${selected.toLocaleString("en")} selected${hidden ? `, ${hidden.toLocaleString("en")} of them hidden` : ""}`;
  }

  writeLegend() {
    const { look, data, kept } = this;
    const { text } = this.ink;
    const part = [];
    if (look) {
      const { colour, size, mark, filled, hollow, warned, used } = look;
      const chips = this.categories().map(({ name, colour, mark, count, index }) => `<button class="chip${kept.hidden.has(index) ? " off" : ""}" data-category="${index}" aria-pressed="${!kept.hidden.has(index)}" title="${kept.hidden.has(index) ? "Show" : "Hide"} these; with Shift, show only these">${drawing(mark, colour, true)}${escaped(name)} <i>${count.toLocaleString("en")}</i></button>`);
      if (colour.title) part.push(`<span><b>${escaped(colour.title)}</b>${colour.kind === "number" && colour.low !== null && colour.low !== undefined ? `${this.figure(colour.low, colour)} <i class="ramp" style="background:linear-gradient(90deg,${RAMP})"></i> ${this.figure(colour.high, colour)}` : ""}</span>`);
      if (chips.length) part.push(`<span class="chips">${chips.join("")}</span>`);
      if (size) part.push(`<span class="sizes"><b>${escaped(size.title)}</b>${this.figure(size.low, size)} <svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="3" fill="${text}"/></svg><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="7" fill="${text}"/></svg> ${this.figure(size.high, size)}</span>`);
      if (mark) part.push(`<span><b>${escaped(mark.title)}</b></span>`, ...mark.names.map((name, k) => `<span>${drawing(MARKS[k % MARKS.length], text, true)}${escaped(name)}</span>`));
      if (filled) part.push(`<span>${drawing("circle", text, true)}${escaped(filled)}</span>`);
      if (hollow && used & HOLLOW) part.push(`<span>${drawing("circle", text, false)}${escaped(hollow)}</span>`);
      if (warned && used & WARNED) part.push(`<span><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="4.5" fill="${UNKNOWN}"/><path d="M2.5 2.5l9 9M11.5 2.5l-9 9" stroke="${text}" stroke-width="1.8"/></svg>${escaped(warned)}</span>`);
      if (used & GUEST) part.push(`<span><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="3.2" fill="${UNKNOWN}"/><circle cx="7" cy="7" r="6.3" fill="none" stroke="${text}" stroke-width="1.3"/></svg>${escaped(look.guest || "imported")}</span>`);
    }
    const kinds = new Set(this.neighbours.map(({ kind }) => kind));
    const line = (colour, dash) => stroke(colour, dash, 26).replace("<svg", '<svg class="line"');
    const relations = [];
    if (kinds.has("latent")) relations.push(`<span>${line(text, "")}nearest in the space</span>`);
    if (kinds.has("function")) relations.push(`<span>${line(text, "4 3")}nearest by function</span>`);
    if (data.path) relations.push(`<span>${line(data.path.colour, "")}${escaped(data.path.words)}</span>`);
    const html = part.join("");
    if (this.legend !== html) this.el.legend.innerHTML = this.legend = html;
    const foot = `<span class="note">${escaped(data.note ?? "")}</span>${relations.join("")}`;
    if (this.foot !== foot) this.el.foot.innerHTML = this.foot = foot;
  }

  figure(value, { low, high }) {  // with as many digits as its column needs
    const digits = Math.max(0, Math.ceil(-Math.log10((high - low) / 1000)));
    if (digits > 5) return String(round(value, 3));  // tiny, or all the same
    return value.toLocaleString("en", { maximumFractionDigits: digits, useGrouping: Math.abs(value) >= 1e4 });
  }

  told(network) {  // name and words of what is pointed at
    const { names, look } = this;
    const told = [names ? names.names[network] : `network ${network + 1}`];
    if (names) told.push([names.words?.[network], names.splits?.[network]].filter(Boolean).join("; "));
    const { colour, mark } = look, value = look.colours[network];
    const said = value !== value ? "not known" : colour.kind === "category" ? colour.categories[value]?.name : this.figure(colour.low + value * (colour.high - colour.low), colour);
    if (colour.title) told.push(`${colour.title} ${said}`);
    if (mark) told.push(`${mark.title} ${mark.names[look.marks[network]] ?? "not known"}`);
    if (look.flags[network] & WARNED && look.warned) told.push(look.warned);
    return told.filter(Boolean);
  }

  tell() {  // what tests and benchmarks read
    const { kept } = this;
    const { view } = kept;
    Object.assign(this.root.dataset, {
      count: this.ready ? this.places.count : 0, points: this.ready ? this.data.points : "", look: this.ready ? this.look.path : "", shown: this.ready ? this.cloud.count : 0,
      clicks: kept.clicks, answered: kept.answered, picked: kept.picked ?? (kept.place ? kept.place.join(",") : ""), hovered: this.hot >= 0 ? this.hot : "",
      selected: this.ready ? this.selected : 0, tool: kept.tool, view: view ? [view.x, view.y, view.scale].map((v) => round(v, 4)).join(",") : "", frame: this.data?.path ? this.at : "",
    });
  }

  get left() {  // the picture of the map before, until this one is there
    return !this.ready && !this.data.message && !!this.placed && this.placed.header.path !== this.data.points && this.seen !== undefined;
  }

  get at() {  // the frame of the path where its slider is
    return this.frame ?? this.data.path.frame;
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  redraw() {
    drawSoon(this);
  }

  draw() {
    const { over } = this.el;
    const [width, height] = [over.clientWidth, over.clientHeight];
    if (!width) return;
    const begun = performance.now();
    const { ink } = this;
    const seen = [width, height, window.devicePixelRatio, ink.text, ink.paper, this.ready].join();
    if (seen !== this.seen) this.stale = true;
    [this.width, this.height, this.seen] = [width, height, seen];
    if (this.stale && this.cloud) {
      this.drawGround(ink);
      this.pace(begun);
      const { gliding } = this, passed = gliding ? (begun - gliding.start) / GLIDE : 1;
      this.gliding = passed < 1 ? Object.assign(gliding, { gone: passed * passed * (3 - 2 * passed) }) : null;
      const colours = { text: this.rgb(ink.text), paper: this.rgb(ink.paper) };
      if (this.ready) this.cloud.draw(this.view, width, height, this.swell, colours, this.moving || this.gliding ? this.share : 1, this.gliding);
      else if (!this.left) this.cloud.draw({ x: 1e9, y: 1e9, scale: 1 }, width, height, 1, colours, 1, null);
      this.stale = !!this.gliding;
      if (this.gliding) this.redraw();
    }
    this.drawOver(ink);
    this.times.push(performance.now() - begun);
    if (this.times.length > 120) this.times.shift();
    const sorted = [...this.times].sort((a, b) => a - b);
    this.root.dataset.drawn = sorted[sorted.length >> 1].toFixed(1);
    this.tell();
  }

  pace(now) {  // where a browser draws too slowly to follow the hand, fewer points while the view moves
    const passed = now - (this.before ?? -Infinity);
    const going = this.moving || this.gliding;
    this.before = going ? now : -Infinity;
    if (passed > STILL || !going) return;
    if (passed > 50) this.share = Math.max(Math.min(1, FEW / this.cloud.count), this.share / 1.5);
    else if (passed < 25) this.share = Math.min(1, this.share * 1.2);
  }

  rgb(colour) {  // of any CSS colour
    if (this.inked?.[colour]) return this.inked[colour];
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const found = [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    (this.inked ??= {})[colour] = found;
    return found;
  }

  get swell() {  // many points are small, and grow where one looks nearer
    const { count } = this.places ?? { count: 0 };
    const least = count > 50000 ? 0.34 : count > 10000 ? 0.46 : count > 2000 ? 0.6 : count > 500 ? 0.8 : 1;
    return Math.min(1, least * Math.max(1, this.kept.view?.scale ?? 1) ** 0.4) * Math.max(0.65, Math.min(1, this.width / 560));
  }

  drawGround({ text, border, font }) {  // a grid with its numbers, where distances along the axes mean something
    const { pen, width, height } = sheet(this.el.ground);
    if (!this.ready || !this.data.liftable) return;
    const { view } = this;
    Object.assign(pen, { font: `10.5px ${font}`, fillStyle: text, strokeStyle: border, lineWidth: 1, textBaseline: "middle", globalAlpha: 0.6 });
    for (const [k, size] of [[0, width], [1, height]]) {
      const from = k ? view.y - height / 2 / view.scale : view.x - width / 2 / view.scale;
      const { found, digits } = steps(from, from + size / view.scale, size / 70);
      for (const value of found) {
        const [x, y] = this.screen(k ? [view.x, value] : [value, view.y]);
        trace(pen, k ? [[0, y], [width, y]] : [[x, 0], [x, height]]);
        pen.textAlign = k ? "left" : "center";
        if (k ? y > 40 && y < height - 40 : x > 40 && x < width - 50) pen.fillText(value.toFixed(digits), k ? 6 : x, k ? y - 7 : height - 10);
      }
    }
  }

  drawOver(ink) {
    const { pen } = sheet(this.el.over);
    const { data, kept, places } = this;
    if (this.ready) {
      const { text, paper, primary, font } = ink;
      const known = (i) => i !== null && i !== undefined && places.known[i];
      Object.assign(pen, { lineJoin: "round", lineCap: "round", textAlign: "center", textBaseline: "middle" });
      if (kept.polygon && !this.rope) this.drawArea(pen, kept.polygon.map((corner) => this.screen(corner)), primary, false);
      if (data.path) this.drawPath(pen, data.path, paper);
      const answered = !kept.waiting.length;
      const from = known(kept.picked) ? this.screen(places.of(kept.picked)) : kept.place ? this.screen(kept.place) : null;
      if (from && answered) this.drawNeighbours(pen, from, this.neighbours, known, text, paper);
      if (from) this.drawPicked(pen, from, known(kept.picked), text, paper, primary);
      if (kept.place && answered && data.extra?.words) {
        Object.assign(pen, { font: `600 11.5px ${font}`, strokeStyle: paper, lineWidth: 4, fillStyle: text });
        const half = pen.measureText(data.extra.words).width / 2 + 8;
        const at = [Math.max(half, Math.min(this.width - half, from[0])), from[1] + (from[1] > this.height - 70 ? -21 : 21)];
        pen.strokeText(data.extra.words, ...at);
        pen.fillText(data.extra.words, ...at);
      }
      (data.anchors ?? []).forEach((i, k) => known(i) && this.drawBadge(pen, this.screen(places.of(i)), String(k + 1), 13, 13, "circle", ink));
      for (const [end, dx] of [["a", -12], ["b", 12]]) if (known(data.ends?.[end])) this.drawBadge(pen, this.screen(places.of(data.ends[end])), end.toUpperCase(), dx, -13, "square", ink);
      if (this.rope) this.drawArea(pen, this.rope, primary, true);
    }
    this.drawTip(pen, ink.text);
  }

  drawArea(pen, corners, colour, open) {
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 1.6 });
    pen.setLineDash(open ? [5, 4] : []);
    trace(pen, [...corners, corners[0]]);
    pen.setLineDash([]);
    pen.globalAlpha = 0.07;
    pen.fill();
    pen.globalAlpha = 1;
  }

  drawPath(pen, path, paper) {
    const places = path.places.map((place) => (place.every(Number.isFinite) ? this.screen(place) : null));
    for (const [colour, width] of [[paper, 5.5], [path.colour, 2.4]]) {
      Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: width });
      if (path.line ?? true) trace(pen, places);
      else places.filter(Boolean).forEach((at) => (outline(pen, "circle", ...at, width), pen.fill()));
    }
    let gone = 0;  // an arrow head every 90 pixels, the first after 45
    for (let k = 1, next = 45; (path.line ?? true) && k < places.length; k++) {
      const [from, to] = [places[k - 1], places[k]];
      if (!from || !to) continue;
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const length = Math.hypot(dx, dy);
      for (; next < gone + length; next += 90) {
        const [x, y, ux, uy] = [from[0] + (dx * (next - gone)) / length, from[1] + (dy * (next - gone)) / length, dx / length, dy / length];
        pen.fillStyle = path.colour;
        pen.beginPath();
        for (const [along, across] of [[6, 0], [-4, 5], [-4, -5]]) pen.lineTo(x + along * ux - across * uy, y + along * uy + across * ux);
        pen.fill();
      }
      gone += length;
    }
    const at = places[this.at];
    if (!at) return;
    Object.assign(pen, { strokeStyle: paper, lineWidth: 4, fillStyle: path.colour });
    outline(pen, "circle", ...at, 7);
    pen.stroke();
    pen.fill();
    pen.fillStyle = paper;
    outline(pen, "circle", ...at, 2.5);
    pen.fill();
  }

  drawNeighbours(pen, from, neighbours, known, text, paper) {
    for (const { id, kind } of neighbours) {
      if (!known(id)) continue;
      const to = this.screen(this.places.of(id));
      const dash = kind === "function" ? [4, 3] : [];
      const radius = kind === "function" ? 11.5 : 8.5;  // both rings are seen where a network is near in both ways
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
      const end = (d) => (length > d ? [from[0] + ((to[0] - from[0]) * d) / length, from[1] + ((to[1] - from[1]) * d) / length] : from);
      for (const [colour, width] of [[paper, 3.4], [text, 1.2]]) {
        Object.assign(pen, { strokeStyle: colour, lineWidth: width, globalAlpha: 0.8 });
        pen.setLineDash(colour === text ? dash : []);
        if (length > radius + 11) trace(pen, [end(11), end(length - radius)]);
        outline(pen, "circle", ...to, radius);
        pen.stroke();
      }
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  drawPicked(pen, at, network, text, paper, primary) {
    for (const [colour, width] of [[paper, 5], [primary, 2.6]]) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: width });
      outline(pen, network ? "circle" : "diamond", ...at, network ? 10 : 8);
      pen.stroke();
    }
  }

  drawBadge(pen, [x, y], words, dx, dy, shape, { text, paper, font }) {
    Object.assign(pen, { fillStyle: text, strokeStyle: paper, lineWidth: 3, font: `700 11px ${font}` });
    outline(pen, shape, x + dx, y + dy, shape === "square" ? 9.5 : 8);
    pen.stroke();
    pen.fill();
    pen.fillStyle = paper;
    pen.fillText(words, x + dx, y + dy + 0.5);
  }

  drawTip(pen, text) {
    const { tip } = this.el;
    const { hot } = this;
    tip.hidden = hot < 0 || hot === this.clicked || !this.ready;
    if (tip.hidden) return;
    const [x, y] = this.screen(this.places.of(hot));
    Object.assign(pen, { strokeStyle: text, lineWidth: 1.5 });
    outline(pen, "circle", x, y, 9);
    pen.stroke();
    const [title, ...more] = this.told(hot);
    const html = `${this.tile(hot)}<span><b>${escaped(title)}</b>${more.map((words) => `<i>${escaped(words)}</i>`).join("")}</span>`;
    if (this.tipped !== html) tip.innerHTML = this.tipped = html;
    const { offsetWidth: wide, offsetHeight: tall } = tip;
    tip.style.left = `${Math.max(4, Math.min(this.width - wide - 4, x + 14 + wide > this.width ? x - 14 - wide : x + 14))}px`;
    tip.style.top = `${Math.max(4, Math.min(this.height - tall - 4, y - tall / 2))}px`;
  }

  tile(network) {  // its picture, where the atlas has one
    const { atlas } = this;
    const cell = atlas ? (atlas.cells ? atlas.cells[network] : network) : -1;
    if (!(cell >= 0) || cell >= atlas.columns * atlas.rows) return "";
    const [wide, tall] = atlas.tile ?? [96, 96];
    const scale = 84 / Math.max(wide, tall);
    const [w, h] = [Math.round(wide * scale), Math.round(tall * scale)];
    const [column, row] = [cell % atlas.columns, Math.floor(cell / atlas.columns)];
    return `<span class="tile${scale > 1.2 ? " small" : ""}" style="width:${w}px;height:${h}px;background-image:url(${this.url});background-size:${w * atlas.columns}px ${h * atlas.rows}px;background-position:${-w * column}px ${-h * row}px"></span>`;
  }

  dispose() {
    clearTimeout(this.resting);
    clearTimeout(this.asking);
    clearTimeout(this.stilling);
    this.observer.disconnect();
    this.forgetKeys();
    window.removeEventListener("netspace-frame", this.onFrame);
    this.leave();
    if (this.url) URL.revokeObjectURL(this.url);
    this.cloud?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

// Numbers of a feed's body, which need not lie on a multiple of four bytes.
const floats = (body, count) => new Float32Array(body.slice(0, 4 * count).buffer);

// A step through 0..count-1 that meets each once: so that none is drawn above another only for being later in its zoo.
function mixing(count) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  let stride = Math.max(1, Math.round(count * 0.618));
  while (divisor(stride, count) > 1) stride++;
  return stride;
}

export default mounted(ZooMap, ".zoo-map");
