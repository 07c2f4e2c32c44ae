// Networks as images: the values of an original, of a network of the path and their difference on one colour scale,
// with the borders of the parameters; below, how the two compare, parameter by parameter.

const TALL = 290;  // of the pictures at most, CSS pixels
const CLOSE = 3;  // borders nearer to each other than this are drawn as one, CSS pixels
const NOT_FINITE = -32768;
const WIDEST = 8;  // the greatest ratio of norms that a bar shows, and the smallest is its inverse
const CHOICES = {
  against: { nearer: ["nearer end", "The original at the nearer end of the path"], a: ["A", "The original A"], b: ["B", "The original B"] },
  scale: { own: ["own scales", "Every parameter's colours saturate where 99 % of its values in A and B are nearer to zero"], one: ["one scale", "Colours saturate where 99 % of all values in A and B are nearer to zero"] },
};

const many = (n) => n.toLocaleString("en");
const signed = (v, digits = 3) => v === null || v === undefined ? "–" : v.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
const short = (v) => Number.isNaN(v) ? "not finite" : String(Number(v.toPrecision(3))).replace("-", "−");
const product = (shape) => shape.reduce((a, b) => a * b, 1);
const percent = (v) => `${(100 * v).toFixed(v > 0.995 && v < 1 ? 1 : 0)} %`;

async function inflate(packed) {  // quanta, whose low bytes come before the high ones
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const half = bytes.length / 2;
  const quanta = new Int16Array(half);
  for (let i = 0; i < half; i++) quanta[i] = bytes[i] | (bytes[half + i] << 8);
  return quanta;
}

class Preps extends FocusView {
  chipHelp = "show its networks";

  build() {
    const find = (selector) => this.root.querySelector(selector);
    const all = (selector) => [...this.root.querySelectorAll(selector)];
    Object.assign(this.el, {
      progress: find(".progress"), panels: all(".panel"), tip: find(".tip"), bounds: find(".bounds"), label: find(".label"),
      chart: find(".chart"), words: find(".words"), head: find("thead tr"), body: find("tbody"), table: find(".table"),
    });
    this.buttons = Object.entries(CHOICES).flatMap(([what, options]) => Object.entries(options).map(([which, [words, help]]) => {
      const el = document.createElement("button");
      Object.assign(el, { textContent: words, title: help, onclick: () => this.set(what, which) });
      find(`.${what}`).append(el);
      return { el, what, which };
    }));
    this.forget();
  }

  listen() {
    super.listen();
    this.el.panels.forEach(({ lastElementChild: picture }, k) => {
      picture.onpointermove = (e) => this.point(this.cellAt(e, picture, k), k);
      picture.onpointerleave = () => this.point(null, k);
      picture.onclick = (e) => this.keep(this.layerOf(this.cellAt(e, picture, k), this.kinds[k]));
    });
  }

  keys(step) {
    return {
      ...super.keys(step),
      a: () => this.set("against", "a"), b: () => this.set("against", "b"), n: () => this.set("against", "nearer"),
      s: () => this.set("scale", this.kept.scale === "own" ? "one" : "own"),
    };
  }

  adopt(data) {
    super.adopt(data);
    Object.assign(this.kept, { against: data.against, scale: data.scale, layer: data.layer });
  }

  lay(data) {
    super.lay(data);
    const channels = getComputedStyle(this.root).color.match(/[\d.]+/g)?.map(Number) ?? [0];
    this.root.classList.toggle("dark", channels[0] > (channels[0] > 1 ? 128 : 0.5));  // light text: Streamlit names no theme
  }

  forget() {
    super.forget();
    this.values = new Map();  // "side/index" -> quanta; sides "a" and "b": the originals
    this.answers = new Map();
    this.about = null;
    this.hovered = this.over = this.shown = null;
  }

  better() {
    return false;
  }

  view() {
    return { frame: this.kept.frame, against: this.kept.against, scale: this.kept.scale, layer: this.kept.layer };
  }

  // -- what arrives ---------------------------------------------------------------------------------------------

  arrive(entry, body) {
    if (entry.bytes) this.unpack(`${entry.side}/${entry.index}`, body);
  }

  pictures({ header, body }) {  // a feed without steps: the originals, or answers
    for (const answer of header.answers ?? []) this.answers.set(`${answer.side}/${answer.index}`, { ...answer, ends: header.ends, count: header.count });
    if (header.feed !== "ends") return;
    const archs = Object.entries(header.archs).map(([k, { parameters, ...words }]) => {
      let start = 0;
      const layers = parameters.map((parameter) => {
        const count = product(parameter.shape);
        start += count;
        return { ...parameter, start: start - count, end: start, count };
      });
      return [k, { ...words, layers, count: start }];
    });
    this.about = { ...header, archs: Object.fromEntries(archs) };
    this.unpack("a", body.subarray(0, header.bytes[0]));
    this.unpack("b", body.subarray(header.bytes[0]));
  }

  // Architectures with their parameters: of the original, of the network, and where they are the same, of both.
  get kinds() {
    if (!this.about) return [null, null, null];
    const { archs, ends } = this.about;
    const original = archs[ends[this.other === "a" ? 0 : 1]];
    const entry = this.frames.get(`${this.focus.side}/${this.kept.frame}`);
    const network = entry ? archs[entry.arch] : null;
    return [original, network, original === network ? original : null];
  }

  async unpack(key, packed) {
    const path = this.data.path;
    const quanta = await inflate(packed);
    if (path !== this.kept.path) return;  // another path was chosen meanwhile
    this.values.set(key, quanta);
    if (this.root.isConnected) this.show(this.kept.frame);
  }

  // -- what is chosen -------------------------------------------------------------------------------------------

  set(what, which) {
    this.kept[what] = which;
    this.show(this.kept.frame);
    this.release();
  }

  keep(layer) {  // again: no longer
    this.kept.layer = !layer || layer.name === this.kept.layer ? "" : layer.name;
    this.show(this.kept.frame);
    this.release();
  }

  point(cell, panel) {
    this.cell = cell;
    this.over = cell === null ? null : this.kinds[panel];
    this.mark(this.layerOf(cell, this.over));
  }

  mark(layer) {
    if (this.hovered !== layer) this.hovered = layer;
    this.write();
    this.redraw();
  }

  get other() {  // the original that is compared with: a or b
    const { against, frame } = this.kept;
    return against !== "nearer" ? against : frame <= (this.data.steps - 1) / 2 ? "a" : "b";
  }

  get layer() {
    const kept = (kind) => kind?.layers.find(({ name }) => name === this.kept.layer);
    const [original, network] = this.kinds;
    return this.hovered ?? kept(network) ?? kept(original) ?? null;
  }

  layerOf(cell, kind) {
    return cell === null || !kind ? null : kind.layers.find(({ end }) => cell < end) ?? null;
  }

  cellAt(e, picture, panel) {
    const kind = this.kinds[panel];
    if (!kind?.fold) return null;
    const { columns, pitch } = kind.fold;
    const { left, top } = picture.getBoundingClientRect();
    const [column, row] = [e.clientX - left, e.clientY - top].map((v) => Math.floor(v / pitch));
    const cell = row * columns + column;
    return column >= 0 && column < columns && cell >= 0 && cell < kind.count ? cell : null;
  }

  // -- values ---------------------------------------------------------------------------------------------------

  original() {
    return this.values.get(this.other);
  }

  network(side = this.focus.side, frame = this.kept.frame) {  // raw weights lie on the line between the ends
    if (side !== "weights") return this.values.get(`${side}/${frame}`);
    const [a, b] = [this.values.get("a"), this.values.get("b")];
    if (!a || !b) return undefined;
    const gamma = frame / (this.data.steps - 1);
    if (gamma === 0 || gamma === 1) return gamma ? b : a;
    if (this.between?.length !== a.length) this.between = new Float32Array(a.length);
    const { between } = this;
    for (let i = 0; i < a.length; i++)
      between[i] = a[i] === NOT_FINITE || b[i] === NOT_FINITE ? NOT_FINITE : a[i] + gamma * (b[i] - a[i]);
    return between;
  }

  difference(original, network) {
    if (this.apart?.length !== original.length) this.apart = new Float32Array(original.length);
    const { apart } = this;
    for (let i = 0; i < apart.length; i++)
      apart[i] = original[i] === NOT_FINITE || network[i] === NOT_FINITE ? NOT_FINITE : network[i] - original[i];
    return apart;
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    super.write();
    const { data, kept, other, focus, about } = this;
    const end = data.ends[other], gamma = (kept.frame / (data.steps - 1)).toFixed(2);
    for (const { el, what, which } of this.buttons) {
      el.classList.toggle("on", which === kept[what]);
      el.setAttribute("aria-pressed", which === kept[what]);
    }
    const [original, network, same] = this.kinds, apart = original && network && !same;
    const built = data.family && network ? `, ${network.title}` : "";
    const titles = [
      [`${other.toUpperCase()}, the original`, `${end.name}, ${data.family ? `${end.arch}, ` : ""}${end.split}`],
      [`${focus.title}, gamma ${gamma}${built}`, this.what],
      ["difference", `gamma ${gamma} minus ${other.toUpperCase()}`],
    ];
    const there = [this.original(), this.network(), !apart && this.original() && this.network()];
    this.el.panels.forEach((el, k) => {
      const [name, kind, message] = [".name", ".kind", ".message"].map((selector) => el.querySelector(selector));
      [name.textContent, kind.textContent] = titles[k];
      kind.title = k ? titles[k][1] : end.words;
      message.hidden = !!there[k];
      message.classList.toggle("still", k === 2 && !!apart);
      message.textContent = k === 2 && apart ? `no difference: the parameters of a ${network.title} and of a ${original.title} do not correspond`
        : k ? "decoding" : "reading";
    });
    this.el.words.textContent = this.sentence();
    const all = data.steps * data.sides.length;
    this.el.progress.textContent = this.frames.size < all ? `${this.frames.size} of ${all} networks`
      : data.steps < data.all_steps ? `${data.steps} steps: a network of this size has too many values for ${data.all_steps}` : "";
    if (about) {
      this.tabulate(network ?? original);
      this.tell(about);
    }
    Object.assign(this.root.dataset, {
      frame: kept.frame, frames: this.frames.size, pictures: this.values.size, answers: this.answers.size, method: focus.side,
      architecture: network?.title ?? "", compared: !apart, against: other, scale: kept.scale, layer: kept.layer, messages: kept.sent, bytes: this.bytes(),
    });
  }

  bytes() {  // of pictures, as they came: what a test or a curious user can read
    return (this.about?.bytes ?? []).reduce((a, b) => a + b, 0) + [...this.frames.values()].reduce((a, e) => a + e.bytes, 0);
  }

  tell(about) {  // colour scale, the value under the pointer, the table
    const { layer, cell } = this, own = this.kept.scale === "own";
    const edge = own && !layer ? "own scale" : short(own ? layer.scale : about.scale);
    this.el.bounds.innerHTML = `<span>−${edge}</span><i></i><span>${edge}</span>${about.bad[0] + about.bad[1] ? '<i class="none"></i><span>not finite</span>' : ""}`;
    this.el.bounds.title = `The same in all three pictures. ${CHOICES.scale[this.kept.scale][1]}; point at a parameter to read its scale.`;
    this.el.tip.innerHTML = "<b></b> <i></i>";
    const [name, words] = this.el.tip.children;
    name.textContent = layer?.name ?? "";
    const [original, network, same] = this.kinds;
    const sized = ({ name, count, fold }) => `${many(count)} values of ${name} in the order of the PRep${fold?.over > 1 ? `, ${fold.over ** 2} to a pixel` : ""}`;
    const brief = ({ title, count }) => `${title}, ${many(count)} values`;
    words.textContent = layer && cell !== null && cell !== undefined && this.layerOf(cell, this.over) === layer ? this.valueAt(layer, cell)
      : layer ? `${layer.shape.join(" × ")}, ${many(layer.count)} values`
      : same || !network ? sized(original) : `${brief(original)}; ${brief(network)}`;
    const entry = this.frames.get(`${this.focus.side}/${this.kept.frame}`);
    const [cosine, norm] = [entry?.cosine, entry?.norm].map((of) => of?.[this.other === "a" ? 0 : 1]);
    const which = this.other.toUpperCase();
    this.heads.forEach((el) => (el.textContent = which));
    this.rows.forEach(({ row, bars, layer: of }, k) => {
      row.classList.toggle("on", !!of && of === layer);
      row.classList.toggle("kept", !!of && of.name === this.kept.layer);
      this.fill(bars[0], cosine?.[k], (v) => v, 3);
      this.fill(bars[1], norm?.[k], (v) => Math.log(v) / Math.log(WIDEST), 2);
    });
  }

  valueAt(layer, cell) {
    const quantum = layer.scale / this.data.shades;
    const kinds = this.kinds;
    const [original, network] = [this.original(), this.network()].map((v, k) => !v || v[cell] === NOT_FINITE || kinds[k] !== this.over ? NaN : v[cell] * quantum);
    let rest = cell - layer.start;
    const at = layer.shape.toReversed().map((size) => {
      const k = rest % size;
      rest = Math.floor(rest / size);
      return k;
    }).reverse();
    if (!kinds[2]) return `[${at.join(", ")}]  ${this.over === kinds[0] ? `${this.other.toUpperCase()} ${short(original)}` : `gamma ${this.el.gamma.textContent}: ${short(network)}`}`;
    return `[${at.join(", ")}]  ${this.other.toUpperCase()} ${short(original)}, gamma ${this.el.gamma.textContent}: ${short(network)}, difference ${short(network - original)}`;
  }

  fill(bar, value, place, digits) {
    const [number, line] = bar.children;
    number.textContent = signed(value, digits);
    const at = value === null || value === undefined ? 0 : Math.max(-1, Math.min(1, place(value)));
    line.style.setProperty("--from", `${50 + 50 * Math.min(0, at)}%`);
    line.style.setProperty("--long", `${50 * Math.abs(at)}%`);
  }

  sentence() {
    const { data, other, focus } = this;
    const k = other === "a" ? 0 : 1, which = other.toUpperCase();
    const entry = this.frames.get(`${focus.side}/${this.kept.frame}`);
    if (!entry || !this.about) return "";
    const bad = ["A", "B"].flatMap((end, i) => this.about.bad[i] ? [`${end} holds ${many(this.about.bad[i])} values that are not finite`] : []);
    if (bad.length) return `${bad.join(", ")}: what is decoded from there, or interpolated from these values, is not finite either.`;
    const [cosine, norm] = [entry.cosine[k]?.[0], entry.norm[k]?.[0]];
    const [original, network, same] = this.kinds;
    const values = !same ? `A ${network.title} has other parameters than ${which}, a ${original.title}: only their answers can be compared.`
      : cosine === null ? `Cosine similarity with ${which} is not defined: one of the two is zero or not finite.`
      : `Cosine similarity with ${which} over all values: ${signed(cosine)}, norm ${norm.toFixed(2)} times ${which}'s.`;
    const answer = this.answers.get(`${focus.side}/${this.kept.frame}`);
    if (!data.asked) return `${values} ${data.without}`;
    if (!answer) return `${values} Comparing the answers …`;
    const count = many(answer.count);
    if (answer.accuracy === null) return `${values} Its answers agree with ${which}'s at ${percent(answer.same[k])} of ${count} ${data.asked}.`;
    return `${values} Of ${count} ${data.asked}, it gives the same answer as ${which} on ${percent(answer.same[k])}; accuracy ${answer.accuracy.toFixed(3)}, ${which} ${answer.ends[k].toFixed(3)}.`;
  }

  tabulate(kind) {  // the table of an architecture, made when it is first seen
    if (this.shown === kind) return;
    this.shown = kind;
    kind.table ??= this.tableOf(kind);
    const { heads, rows } = kind.table;
    this.heads = heads.slice(3).map((el) => el.querySelector("span"));
    this.rows = rows;
    this.el.head.replaceChildren(...heads);
    this.el.body.replaceChildren(...rows.map(({ row }) => row));
  }

  tableOf(kind) {
    const cells = (tag, ...contents) => contents.map((content) => {
      const el = document.createElement(tag);
      if (content !== null) el.textContent = content;
      return el;
    });
    const heads = cells("th", "parameter", "shape", "values", null, null);
    heads[2].className = "number";
    heads[3].innerHTML = "cosine with <span></span> <i>−1 to 1</i>";
    heads[3].title = "Cosine similarity of the network at gamma with the original: the dot product of their values over the product of their norms. 1: the same up to a factor; 0: unrelated.";
    heads[4].innerHTML = `norm over <span></span>'s <i>1/${WIDEST} to ${WIDEST}, logarithmic</i>`;
    heads[4].title = "Euclidean norm of the network's values at gamma over that of the original's.";
    const make = (layer, name, shape, count) => {
      const row = document.createElement("tr");
      const fields = cells("td", name, shape, many(count), null, null);
      fields[2].className = "number";
      const bars = fields.slice(3).map((field) => {
        field.className = "wide";
        field.innerHTML = '<div class="bar"><b></b><i></i></div>';
        return field.firstChild;
      });
      row.append(...fields);
      row.onpointerenter = () => {
        this.cell = null;
        this.mark(layer);
      };
      row.onpointerleave = () => this.mark(null);
      row.onclick = () => this.keep(layer);
      return { row, bars, layer };
    };
    const rows = kind.layers.map((layer) => make(layer, layer.name, layer.shape.join(" × "), layer.count));
    return { heads, rows: [make(null, "all", "", kind.count), ...rows] };
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    const start = performance.now();
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.ink = { text: colour("--st-text-color"), border: colour("--st-border-color"), paper: colour("--st-background-color"), font: style.fontFamily };
    const theme = ["--low", "--middle", "--high", "--none"].map(colour).join();
    if (this.theme !== theme) this.palette(...(this.theme = theme).split(","));
    this.drawChart();
    if (!this.about) return;
    this.measure();
    const [original, network] = [this.original(), this.network()], kinds = this.kinds;
    const three = [original, network, kinds[2] && original && network && this.difference(original, network)];
    this.el.panels.forEach((el, k) => {
      const [values, lines] = el.querySelectorAll("canvas");
      this.paint(values, three[k], kinds[k]);
      this.rule(lines, three[k] ? kinds[k] : null);
    });
    this.root.dataset.milliseconds = (performance.now() - start).toFixed(1);
  }

  palette(low, middle, high, none) {  // colours of -shades ... shades, and what is not finite
    const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    const [l, m, h, n] = [low, middle, high, none].map(channels);
    const { shades } = this.data;
    const pack = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;
    this.colours = Uint32Array.from({ length: 2 * shades + 1 }, (_, i) => {
      const v = i / shades - 1, to = v < 0 ? l : h;
      return pack(m.map((c, k) => Math.round(c + Math.abs(v) * (to[k] - c))));
    });
    this.none = pack(n);
  }

  measure() {  // rows as long as a panel is wide; whole pixels for a value, or whole values for a pixel
    const scale = window.devicePixelRatio || 1;
    const width = Math.floor(this.el.panels[0].clientWidth * scale), tall = TALL * scale;
    const kinds = Object.values(this.about.archs);
    for (const kind of kinds) kind.fold = this.foldOf(kind.count, width, tall, scale);
    this.root.style.setProperty("--tall", `${Math.ceil(Math.max(...kinds.map(({ fold: { rows, pitch } }) => rows * pitch)))}px`);
  }

  foldOf(count, width, tall, scale) {
    let times = Math.max(1, Math.floor(Math.sqrt((width * tall) / count)) + 1), over = 1;
    while (times > 1 && Math.ceil(count / Math.floor(width / times)) * times > tall) times--;
    while (times === 1 && Math.ceil(count / (width * over)) / over > tall) over++;
    const columns = times > 1 ? Math.floor(width / times) : width * over;
    const rows = Math.ceil(count / columns);
    return { columns, rows, pitch: times / over / scale, over };
  }

  paint(canvas, quanta, kind) {
    canvas.hidden = !quanta;
    if (!quanta) return;
    const { columns, rows, pitch, over } = kind.fold;
    if (canvas.width !== columns || canvas.height !== rows) {
      [canvas.width, canvas.height] = [columns, rows];
      [canvas.style.width, canvas.style.height] = [`${columns * pitch}px`, `${rows * pitch}px`];
      canvas.classList.toggle("fine", over > 1);
    }
    const { colours, none, data: { shades } } = this;
    const image = new ImageData(columns, rows), pixels = new Uint32Array(image.data.buffer);
    for (const { start, end, scale } of kind.layers) {
      const factor = this.kept.scale === "own" ? 1 : scale / this.about.scale;
      for (let i = start; i < end; i++) {
        const v = quanta[i] * factor;
        pixels[i] = quanta[i] === NOT_FINITE ? none : colours[v >= shades ? 2 * shades : v <= -shades ? 0 : (v + shades + 0.5) | 0];
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  outline(pen, { columns, pitch }, start, end) {  // around the values from start to end, which may begin and end within a row
    const [top, left, bottom, right] = [Math.floor(start / columns), start % columns, Math.floor(end / columns), end % columns];
    const corners = [
      [left, top], [columns, top], [columns, bottom], [right, bottom], [right, right ? bottom + 1 : bottom],
      [0, right ? bottom + 1 : bottom], [0, top + 1], [left, top + 1],
    ];
    corners.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x * pitch, y * pitch));
    pen.closePath();
  }

  rule(canvas, kind) {
    const { pen, width, height } = sheet(canvas);
    if (!kind) return;
    const { columns, pitch } = kind.fold, { ink } = this;
    const layer = kind.layers.includes(this.layer) ? this.layer : null;
    const across = columns * pitch;
    Object.assign(pen, { strokeStyle: ink.text, lineWidth: 1, globalAlpha: 0.55 });
    pen.beginPath();
    let last = -Infinity;
    for (const { start } of kind.layers.slice(1)) {
      const [x, y] = [(start % columns) * pitch, Math.floor(start / columns) * pitch];
      if (y - last < CLOSE) continue;
      last = y;
      if (x) {
        pen.moveTo(0, y + pitch);
        pen.lineTo(x, y + pitch);
        pen.lineTo(x, y);
      } else pen.moveTo(x, y);
      pen.lineTo(across, y);
    }
    pen.stroke();
    if (!layer) return;
    Object.assign(pen, { fillStyle: ink.paper, globalAlpha: 0.62 });
    pen.beginPath();
    pen.rect(0, 0, width, height);
    this.outline(pen, kind.fold, layer.start, layer.end);
    pen.fill("evenodd");
    pen.globalAlpha = 1;
    pen.beginPath();
    this.outline(pen, kind.fold, layer.start, layer.end);
    Object.assign(pen, { lineWidth: 1.5, lineJoin: "round" });
    pen.stroke();
    pen.font = `600 11px ${ink.font}`;
    const wide = pen.measureText(layer.name).width + 10;
    const at = Math.min((layer.start % columns) * pitch, across - wide), border = Math.floor(layer.start / columns) * pitch;
    const up = border >= 18 ? border - 18 : Math.min(height - 17, Math.ceil(layer.end / columns) * pitch + 2);
    Object.assign(pen, { fillStyle: ink.text, textBaseline: "middle" });
    pen.beginPath();
    pen.roundRect(at, up, wide, 16, 4);
    pen.fill();
    pen.fillStyle = ink.paper;
    pen.fillText(layer.name, at + 5, up + 8.5);
  }

  drawChart() {  // cosine with A and with B along the path, of all values or of the marked parameter
    const { pen, width, height } = sheet(this.el.chart);
    if (!width) return;
    const { steps } = this.data, { focus, layer, ink } = this;
    const rowIn = (arch) => (layer ? this.about.archs[arch].layers.indexOf(layer) + 1 || NaN : 0);  // other architectures have other parameters
    const lines = [0, 1].map((k) => Array.from({ length: steps }, (_, i) => {
      const entry = this.frames.get(`${focus.side}/${i}`);
      return this.about && entry?.cosine[k]?.[rowIn(entry.arch)];
    }));
    const low = Math.min(0, ...lines.flat().filter((v) => typeof v === "number"));
    const thumb = 8;
    const x = (i) => thumb + (i / (steps - 1)) * (width - 2 * thumb);
    const y = (v) => 5 + ((1 - v) / (1 - low)) * (height - 9);
    Object.assign(pen, { strokeStyle: ink.border, lineWidth: 1 });
    for (const v of [0, 1]) trace(pen, [[thumb, y(v)], [width - thumb, y(v)]]);
    Object.assign(pen, { strokeStyle: ink.text, globalAlpha: 0.5 });
    trace(pen, [[x(this.kept.frame), 0], [x(this.kept.frame), height]]);
    pen.globalAlpha = 1;
    lines.forEach((line, k) => {
      Object.assign(pen, { strokeStyle: focus.colour, fillStyle: focus.colour, lineWidth: 2 });
      pen.setLineDash(k ? [2, 4] : []);
      trace(pen, line.map((v, i) => (typeof v === "number" ? [x(i), y(v)] : null)));
      pen.setLineDash([]);
      const v = line[this.kept.frame];
      if (typeof v !== "number") return;
      pen.beginPath();
      pen.arc(x(this.kept.frame), y(v), 3.5, 0, 7);
      pen.fill();
    });
    this.el.label.textContent = `cosine with A (line), with B (dots), ${layer ? layer.name : "all values"}${this.data.family ? ", where the architectures are the same" : ""}: ${low < 0 ? `${signed(low, 2)} to 1` : "0 to 1"}`;
  }
}

export default mounted(Preps, ".preps");
