// The path viewer: meshes of both sides of a path side by side, one camera, one slider. Everything a drag needs is in
// GPU buffers before it starts.

const HOME_CAMERA = { azimuth: 0.62, elevation: 0.36, distance: 5.3 };
const LIFT = -0.08;  // the shape stands a little below the middle: words are above it

const NUMBERS = [
  ["volume", "volume", "Volume enclosed by the surface, world units; the cube has 8."],
  ["components", "components", "Connected pieces of the surface; 0 where there is no surface."],
  ["iou_a", "IoU to A", "Intersection over union with the original network A, on the points of the grid."],
  ["iou_b", "IoU to B", "Intersection over union with the original network B, on the points of the grid."],
  ["grid", "grid", "Cells along each axis: 64 while dragging, 128 when at rest."],
];

const VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
uniform mat4 camera;
uniform mat3 turn;
uniform vec3 low, size;
uniform float flatten;
out vec3 n;
void main() {
  vec3 world = low + size * position;
  if (flatten > 0.0) world = vec3(world.x + 0.28 * (world.y + 0.91), -0.91, world.z - 0.18 * (world.y + 0.91));
  n = turn * normal;
  gl_Position = camera * vec4(world, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n;
uniform vec4 colour;
uniform float flatten;
out vec4 pixel;
void main() {
  if (flatten > 0.0) { pixel = colour; return; }
  vec3 normal = normalize(n);
  if (normal.z < 0.0) normal = -normal;
  float head = max(normal.z, 0.0);
  float key = max(dot(normal, normalize(vec3(0.45, 0.75, 0.55))), 0.0);
  float rim = pow(1.0 - head, 3.0);
  float shine = pow(max(dot(normal, normalize(vec3(0.3, 0.5, 1.4))), 0.0), 40.0);
  vec3 lit = colour.rgb * (0.34 + 0.34 * head + 0.42 * key) + 0.10 * rim + 0.16 * shine;
  pixel = vec4(lit, 1.0);
}`;

const hex = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16) / 255);

function multiply(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++)
    for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) out[c * 4 + r] += a[k * 4 + r] * b[c * 4 + k];
  return out;
}

function cameraMatrices({ azimuth, elevation, distance }, aspect) {
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const right = [ca, 0, -sa], up = [-sa * se, ce, -ca * se], back = [sa * ce, se, ca * ce];
  const view = new Float32Array([
    right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0, 0, LIFT, -distance, 1,
  ]);
  const f = 1 / Math.tan(0.27), near = 0.5, far = 20;
  const fit = Math.min(1, aspect);  // narrow panes show the whole shape too
  const projection = new Float32Array([
    (f * fit) / aspect, 0, 0, 0, 0, f * fit, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, (2 * far * near) / (near - far), 0,
  ]);
  const turn = new Float32Array([right[0], up[0], back[0], right[1], up[1], back[1], right[2], up[2], back[2]]);
  return { camera: multiply(projection, view), turn };
}

class Viewer extends PathView {
  build() {
    const find = (selector) => this.root.querySelector(selector);
    this.meshes = new Map();  // "side/index" -> { vao, count, ... } of the current path
    this.times = [];
    Object.assign(this.el, {
      stage: find(".stage"), canvas: find("canvas.scene"), chart: find("canvas.chart"), legend: find(".legend"),
      sides: [...this.root.querySelectorAll(".side")], numbers: [...this.root.querySelectorAll(".numbers")],
    });
    const gl = this.el.canvas.getContext("webgl2", { antialias: true, alpha: true, stencil: true, premultipliedAlpha: false });
    this.gl = gl;
    if (!gl) {
      this.el.stage.classList.add("without-gl");
      return;
    }
    this.uniform = use(gl, VERTEX, FRAGMENT, ["camera", "turn", "low", "size", "colour", "flatten"]);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.SCISSOR_TEST);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
  }

  layNumbers(numbers) {
    const told = JSON.stringify(numbers);
    if (this.numbersTold === told) return;
    this.numbersTold = told;
    for (const el of this.el.numbers) {
      const whose = document.createElement("div");
      whose.className = "whose";
      el.replaceChildren(whose);
      el.style.setProperty("--cells", numbers.length);
      for (const [name, label, help] of numbers) {
        const cell = document.createElement("div");
        const words = document.createElement("span");
        cell.className = `cell ${name}`;
        cell.title = help;
        words.textContent = label;
        cell.append(words, document.createElement("b"));
        el.append(cell);
      }
    }
  }

  layChart(chart) {
    const { legend } = this.el;
    if (!chart || !legend) return;
    legend.textContent = chart.title;
    legend.title = chart.help;
  }

  listen() {
    super.listen();
    const { stage } = this.el;
    let grip = null;
    stage.onpointerdown = (e) => {
      if (e.button || e.target.closest(".help, .keys")) return;
      grip = { x: e.clientX, y: e.clientY, moved: false };
      stage.setPointerCapture(e.pointerId);
      this.root.classList.add("active");
    };
    stage.onpointermove = (e) => {
      if (!grip) return;
      const camera = this.kept.camera;
      const [dx, dy] = [e.clientX - grip.x, e.clientY - grip.y];
      grip.moved ||= Math.abs(dx) + Math.abs(dy) > 3;
      camera.azimuth -= dx * 0.008;
      camera.elevation = Math.max(-1.5, Math.min(1.5, camera.elevation + dy * 0.008));
      grip = { ...grip, x: e.clientX, y: e.clientY };
      this.redraw();
    };
    stage.onpointerup = stage.onpointercancel = (e) => {
      if (grip?.moved) this.settle(() => this.release());
      if (grip && !grip.moved && this.data.sides.length > 1) {
        const box = stage.getBoundingClientRect();
        this.choose(this.data.sides[e.clientX - box.left < box.width / 2 ? 0 : 1].side);
      }
      grip = null;
    };
    stage.onwheel = (e) => {  // the page scrolls until the viewer has been touched
      if (this.data.hero) return;
      if (!this.root.classList.contains("active") && !e.ctrlKey) return;
      e.preventDefault();
      this.zoom(Math.exp(e.deltaY * 0.001));
    };
    stage.ondblclick = () => this.resetCamera();
  }

  away(e) {
    super.away(e);
    if (!e.composedPath().includes(this.root)) this.root.classList.remove("active");
  }

  keys(step) {
    return {
      ...super.keys(step),
      r: () => this.resetCamera(), "+": () => this.zoom(0.9), "-": () => this.zoom(1 / 0.9),
      a: () => this.slot("a"), b: () => this.slot("b"),
    };
  }

  zoom(factor) {
    this.kept.camera.distance = Math.max(1.6, Math.min(9, this.kept.camera.distance * factor));
    this.redraw();
    this.settle(() => this.release());
  }

  resetCamera() {
    Object.assign(this.kept.camera, HOME_CAMERA);
    this.redraw();
    this.settle(() => this.release());
  }

  adopt(data) {
    const [azimuth, elevation, distance] = data.camera ?? Object.values(HOME_CAMERA);
    this.kept.camera = { azimuth, elevation, distance };
  }

  lay(data) {
    this.root.classList.toggle("hero", !!data.hero);
    this.root.classList.toggle("still", !!data.still);
    this.root.classList.toggle("padded", !!data.padded);
    this.root.classList.toggle("single", data.sides.length === 1);
    this.layNumbers(data.numbers ?? NUMBERS);
    this.layChart(data.chart);
    this.el.sides.forEach((el, i) => {
      const side = data.sides[i];
      el.hidden = !side;
      if (!side) return;
      el.querySelector(".name").textContent = side.title;
      el.querySelector(".name").title = side.help;
      el.style.setProperty("--method", side.colour);
      el.classList.toggle("chosen", side.side === data.method && data.sides.length > 1);
      this.el.numbers[i].style.setProperty("--method", side.colour);
      this.el.numbers[i].querySelector(".whose").textContent = side.title;
    });
    const channels = getComputedStyle(this.root).color.match(/[\d.]+/g)?.map(Number) ?? [0];
    this.dark = channels[0] > (channels[0] > 1 ? 128 : 0.5);  // light text: Streamlit names no theme
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (data.hero && !this.playing && !still) this.toggle();
  }

  forget() {
    super.forget();
    for (const mesh of this.meshes.values()) this.discard(mesh);
    this.meshes.clear();
  }

  discard(mesh) {
    this.gl.deleteVertexArray(mesh.vao);
    mesh.buffers.forEach((buffer) => this.gl.deleteBuffer(buffer));
  }

  better(entry, known) {  // finer, or of a later version
    const later = (entry.version ?? 0) - (known.version ?? 0);
    return later > 0 || (later === 0 && entry.resolution > known.resolution);
  }

  arrive(entry, body) {
    if (entry.bytes) this.upload(entry, body, this.data.path);
  }

  async upload(entry, packed, path) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(stream).arrayBuffer();
    if (path !== this.kept.path || !this.gl) return;  // another path was chosen meanwhile
    const { gl } = this;
    const { vertices, triangles, wide } = entry;
    const position = new Uint16Array(bytes, 0, vertices * 4);  // x, y, z and padding
    const normal = new Int8Array(bytes, vertices * 8, vertices * 4);
    const index = wide ? new Uint32Array(bytes, vertices * 12, triangles * 3) : new Uint16Array(bytes, vertices * 12, triangles * 3);
    const vao = gl.createVertexArray();
    gl.bindVertexArray(vao);
    const buffers = [position, normal, index].map((array, i) => {
      const target = i < 2 ? gl.ARRAY_BUFFER : gl.ELEMENT_ARRAY_BUFFER;
      const buffer = gl.createBuffer();
      gl.bindBuffer(target, buffer);
      gl.bufferData(target, array, gl.STATIC_DRAW);
      return buffer;
    });
    for (const [slot, kind, stride] of [[0, gl.UNSIGNED_SHORT, 8], [1, gl.BYTE, 4]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[slot]);
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, 3, kind, true, stride, 0);
    }
    gl.bindVertexArray(null);
    const key = `${entry.side}/${entry.index}`;
    const before = this.meshes.get(key);
    if (before && this.better(before.entry, entry)) return this.discard({ vao, buffers });
    if (before) this.discard(before);
    this.meshes.set(key, { vao, buffers, count: triangles * 3, kind: wide ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT, entry });
    this.redraw();
  }

  // -- time -----------------------------------------------------------------------------------------------------

  view() {
    const { azimuth, elevation, distance } = this.kept.camera;
    const turned = Math.abs(azimuth - HOME_CAMERA.azimuth) + Math.abs(elevation - HOME_CAMERA.elevation) + Math.abs(distance - HOME_CAMERA.distance) > 1e-3;
    return { frame: this.kept.frame, camera: turned ? [azimuth, elevation, distance] : null };
  }

  slot(name) {  // which end the next picture fills: the picker listens
    window.dispatchEvent(new CustomEvent("netspace-slot", { detail: name }));
  }

  tick(now) {
    if (!this.data.hero) return;
    this.kept.camera.azimuth = HOME_CAMERA.azimuth + 0.35 * Math.sin(now / 4000);
    this.redraw();
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  meshAt(side) {  // the mesh of the current frame, or the nearest one that has arrived while it is decoded
    const key = this.key(side);
    const exact = this.frames.get(key);
    if (exact) return { mesh: this.meshes.get(key), entry: exact };
    let best = null;
    for (const mesh of this.meshes.values())
      if (mesh.entry.side === side.side && (!best || this.far(mesh) < this.far(best))) best = mesh;
    return { mesh: best, entry: null };
  }

  far(mesh) {
    return Math.abs(mesh.entry.index - this.kept.frame);
  }

  draw() {
    this.drawChart();
    const { gl } = this;
    if (!gl) return;
    const start = performance.now();
    const { canvas, stage } = this.el;
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(stage.clientWidth * scale), Math.round(stage.clientHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.scissor(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    const panes = this.data.sides.length;
    const pane = Math.floor(width / panes);
    const { camera, turn } = cameraMatrices(this.kept.camera, pane / height);
    gl.uniformMatrix4fv(this.uniform.camera, false, camera);
    gl.uniformMatrix3fv(this.uniform.turn, false, turn);
    let triangles = 0;
    this.data.sides.forEach((side, i) => {
      const { mesh } = this.meshAt(side);
      if (!mesh) return;
      gl.viewport(i * pane, 0, pane, height);
      gl.scissor(i * pane, 0, pane, height);
      gl.uniform3fv(this.uniform.low, mesh.entry.low);
      gl.uniform3fv(this.uniform.size, mesh.entry.size);
      gl.bindVertexArray(mesh.vao);
      if (this.kept.camera.elevation > 0.02) this.shadow(mesh);
      gl.uniform1f(this.uniform.flatten, 0);
      gl.uniform4f(this.uniform.colour, ...hex(side.colour), 1);
      gl.drawElements(gl.TRIANGLES, mesh.count, mesh.kind, 0);
      triangles += mesh.count / 3;
    });
    gl.bindVertexArray(null);
    this.report(performance.now() - start, triangles);
  }

  shadow(mesh) {
    const { gl } = this;
    gl.uniform1f(this.uniform.flatten, 1);
    gl.uniform4f(this.uniform.colour, ...(this.dark ? [0, 0, 0, 0.5] : [0.05, 0.07, 0.1, 0.16]));
    gl.enable(gl.BLEND);
    gl.enable(gl.STENCIL_TEST);  // every pixel is darkened once, however many triangles fall on it
    gl.stencilFunc(gl.EQUAL, 0, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    gl.drawElements(gl.TRIANGLES, mesh.count, mesh.kind, 0);
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.BLEND);
  }

  report(milliseconds, triangles) {  // what a test or a curious user can read
    this.times.push(milliseconds);
    if (this.times.length > 120) this.times.shift();
    const sorted = [...this.times].sort((a, b) => a - b);
    const { azimuth, elevation, distance } = this.kept.camera;
    Object.assign(this.root.dataset, {
      frame: this.kept.frame, triangles, draws: Number(this.root.dataset.draws ?? 0) + 1,
      milliseconds: sorted[sorted.length >> 1].toFixed(3), messages: this.kept.sent,
      frames: this.frames.size, camera: [azimuth, elevation, distance].map((v) => v.toFixed(4)).join(" "),
    });
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    const { steps, sides, hero } = this.data;
    sides.forEach((side, i) => {
      const entry = this.frames.get(this.key(side));
      const [message, off] = [".message", ".off"].map((name) => this.el.sides[i].querySelector(name));
      off.hidden = hero || !this.isOff(side);
      off.textContent = OFF;
      const waiting = !entry;
      message.hidden = hero || (!waiting && entry.triangles > 0);
      message.classList.toggle("waiting", waiting);
      message.textContent = waiting ? "decoding" : this.data.still ? "no surface" : side.fixed ? "no surface" : `no surface at ${this.parameter.title} ${this.positionAt()}`;
      const atEnd = this.kept.frame === 0 || this.kept.frame === steps - 1;
      const which = this.kept.frame === 0 ? "A" : "B";
      const kind = side.kinds?.[this.kept.frame] ?? (this.data.still || side.fixed ? side.ends : this.data.same ? `A and B are the same network: ${side.ends}` : atEnd ? `${which}, ${side.ends}` : side.between);
      this.el.sides[i].querySelector(".kind").textContent = kind;
      const values = entry?.numbers ?? {};
      const solid = entry?.triangles > 0;
      const cells = {
        volume: values.volume?.toFixed(3), components: values.components, measured: values.measured?.toFixed(3),
        iou_a: solid ? values.iou_a.toFixed(3) : undefined, iou_b: solid ? values.iou_b.toFixed(3) : undefined,
        grid: solid ? `${entry.resolution}³` : undefined,
      };
      for (const [name] of this.data.numbers ?? NUMBERS)
        this.el.numbers[i].querySelector(`.${name} b`).textContent = cells[name] ?? "–";
    });
    this.el.numbers.forEach((el, i) => (el.hidden = i >= sides.length));
  }

  drawChart() {  // volume along the path, or what else is asked for, one line a side, the slider's position marked
    const { chart } = this.el;
    if (!this.data || this.data.hero || !chart.clientWidth) return;
    const { pen, width, height } = sheet(chart);
    const { steps, sides, chart: asked } = this.data;
    const lines = sides.map((side) =>
      Array.from({ length: steps }, (_, i) => this.frames.get(this.key(side, i))?.numbers[asked?.key ?? "volume"]));
    const known = lines.flat().filter((v) => v !== undefined && v !== null);
    const goal = asked ? this.parameter.values : [0], span = Math.max(...goal) - Math.min(...goal);
    const base = asked ? Math.min(...goal) - 0.4 * span : 0;  // what is measured may be far from what is asked for
    const top = asked ? Math.max(...goal) + 0.4 * span : Math.max(0.05, ...known) * 1.1;
    const thumb = 8;
    const x = (i) => thumb + (i / (steps - 1)) * (width - 2 * thumb);
    const y = (v) => height - 3 - ((Math.max(base, Math.min(top, v)) - base) / (top - base)) * (height - 8);
    const style = getComputedStyle(this.root), colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim() || "#8888";
    pen.strokeStyle = colour("border");
    pen.beginPath();
    pen.moveTo(thumb, height - 3);
    pen.lineTo(width - thumb, height - 3);
    pen.stroke();
    this.annotate(pen, x, 1, height - 3, { text: colour("text"), paper: colour("background"), font: style.fontFamily });
    if (asked) {
      Object.assign(pen, { strokeStyle: colour("text"), lineWidth: 1, globalAlpha: 0.6 });
      pen.setLineDash([1, 3]);
      trace(pen, this.parameter.values.map((v, i) => [x(i), y(v)]));
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    }
    lines.forEach((line, k) => {
      pen.strokeStyle = pen.fillStyle = sides[k].colour;
      pen.lineWidth = 2;
      pen.setLineDash(k ? [4, 3] : []);
      trace(pen, line.map((v, i) => (v === undefined || v === null ? null : [x(i), y(v)])));
      pen.setLineDash([]);
      const v = line[this.kept.frame];
      if (v === undefined || v === null) return;
      pen.beginPath();
      pen.arc(x(this.kept.frame), y(v), 4, 0, 7);
      pen.fill();
    });
  }

  dispose() {
    super.dispose();
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

export default mounted(Viewer, ".viewer");
