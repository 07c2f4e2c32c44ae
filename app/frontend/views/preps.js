// Networks as images: the values of an original, of a network of the path and their difference on one colour scale,
// with the borders of the parameters; below, how the two compare, parameter by parameter.

import { dashed, inkOf, isDark, sheet, trace } from "../shared/canvas.js";
import { FocusView } from "../shared/focus.js";
import { linesHtml, outline } from "../shared/marks.js";
import { mounted, Stopwatch } from "../shared/view.js";
import { escaped, many, percent, short, signed } from "../shared/words.js";
import { between, cellAt, difference, foldOf, inflate, NOT_FINITE, paint, palette, rule } from "./preps/pictures.js";
import { Table } from "./preps/table.js";

const THUMB = 8;  // half of the slider's, under the chart
const ENDS = ["a", "b"];
const DASHES = [[], [2, 4]];  // of the cosine with A, with B
const CHOICES = {
  against: { nearer: ["nearer end", "The original at the nearer end of the path"], a: ["A", "The original A"], b: ["B", "The original B"] },
  scale: { own: ["own scales", "Every parameter's colours saturate where 99 % of its values in A and B are nearer to zero"], one: ["one scale", "Colours saturate where 99 % of all values in A and B are nearer to zero"] },
};

class Preps extends FocusView {
  chipHelp = "show its networks";

  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, {
      progress: find(".progress"), panels: [...this.root.querySelectorAll(".panel")], tip: find(".tip"), bounds: find(".bounds"), label: find(".label"),
      chart: find(".chart"), words: find(".words"),
    });
    this.table = new Table(find("table"), { enter: (layer) => this.point(null, null, layer), leave: () => this.point(null, null), click: (layer) => this.keep(layer) });
    this.buttons = Object.entries(CHOICES).flatMap(([what, options]) => Object.entries(options).map(([which, [words, help]]) => {
      const el = document.createElement("button");
      Object.assign(el, { textContent: words, title: help, onclick: () => this.set(what, which) });
      find(`.${what}`).append(el);
      return { el, what, which };
    }));
    this.stopwatch = new Stopwatch();
    this.forget();
  }

  listen() {
    super.listen();
    this.el.panels.forEach(({ lastElementChild: picture }, k) => {
      const cell = (e) => {
        const { left, top, width } = picture.getBoundingClientRect(), kind = this.kinds[k];
        const scale = picture.offsetWidth / width;  // the page may be shown larger
        return kind?.fold ? cellAt(kind.fold, kind.count, (e.clientX - left) * scale, (e.clientY - top) * scale) : null;
      };
      picture.onpointermove = (e) => this.point(cell(e), this.kinds[k]);
      picture.onpointerleave = () => this.point(null, null);
      picture.onclick = (e) => this.keep(layerOf(cell(e), this.kinds[k]));
    });
  }

  keyed(e) {
    return {
      ...super.keyed(e),
      a: () => this.set("against", "a"), b: () => this.set("against", "b"), n: () => this.set("against", "nearer"),
      s: () => this.set("scale", this.kept.scale === "own" ? "one" : "own"),
    };
  }

  keyRows() {
    return [
      ...super.keyRows(), [["A", "B", "N"], "compare with A, with B, with the nearer end"], ["S", "own scales, one scale"],
      ["a click", "in a picture or the table: keep a parameter marked"],
    ];
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  adopt(data) {
    super.adopt(data);
    Object.assign(this.kept, { against: data.against, scale: data.scale, layer: data.layer });
  }

  lay(data) {
    super.lay(data);
    this.root.classList.toggle("dark", isDark(this.root));
  }

  view() {
    const { frame, against, scale, layer } = this.kept;
    return { frame, against, scale, layer };
  }

  // -- what arrives ---------------------------------------------------------------------------------------------

  forget() {
    super.forget();
    this.values = new Map();  // "side/index" -> quanta; "a" and "b": the originals
    this.answers = new Map();
    this.about = null;
    this.hovered = this.over = this.cell = null;
    this.table.forget();
  }

  arrive(entry, body) {
    if (entry.bytes) this.unpack(`${entry.side}/${entry.index}`, body);
  }

  pictures({ header, body }) {  // a feed without steps: the originals, or answers
    for (const answer of header.answers ?? []) this.answers.set(`${answer.side}/${answer.index}`, { ...answer, ends: header.ends, count: header.count });
    if (header.feed !== "ends") return;
    const archs = Object.entries(header.archs).map(([k, { parameters, ...words }]) => {
      let start = 0;
      const layers = parameters.map((parameter) => {
        const count = parameter.shape.reduce((a, b) => a * b, 1);
        start += count;
        return { ...parameter, start: start - count, end: start, count };
      });
      return [k, { ...words, layers, count: start }];
    });
    this.about = { ...header, archs: Object.fromEntries(archs) };
    this.unpack("a", body.subarray(0, header.bytes[0]));
    this.unpack("b", body.subarray(header.bytes[0]));
  }

  async unpack(key, packed) {
    const { path } = this.data;
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
    this.set("layer", !layer || layer.name === this.kept.layer ? "" : layer.name);
  }

  point(cell, kind, layer = layerOf(cell, kind)) {  // what the pointer is at: a value, or a parameter in the table
    [this.cell, this.over, this.hovered] = [cell, kind, layer];
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

  // Architectures with their parameters: of the original, of the network, and where they are the same, of both.
  get kinds() {
    if (!this.about) return [null, null, null];
    const { archs, ends } = this.about;
    const original = archs[ends[ENDS.indexOf(this.other)]];
    const entry = this.entry(this.focus);
    const network = entry ? archs[entry.arch] : null;
    return [original, network, original === network ? original : null];
  }

  // -- values ---------------------------------------------------------------------------------------------------

  original() {
    return this.values.get(this.other);
  }

  network() {  // where no values are sent, they lie on the line between the ends
    const { focus } = this;
    if (this.entry(focus)?.bytes !== 0) return this.values.get(this.key(focus));
    const [a, b] = ENDS.map((end) => this.values.get(end));
    if (!a || !b) return undefined;
    const found = between(a, b, this.kept.frame / (this.data.steps - 1), this.line);
    if (found !== a && found !== b) this.line = found;
    return found;
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    super.write();
    const { data, kept, other, focus, about } = this;
    for (const { el, what, which } of this.buttons) {
      el.classList.toggle("on", which === kept[what]);
      el.setAttribute("aria-pressed", which === kept[what]);
    }
    const [original, network, same] = this.kinds, apart = original && network && !same;
    this.writePanels(original, network, apart);
    this.el.words.textContent = this.sentence();
    this.el.progress.textContent = this.frames.size < this.all ? `${this.frames.size} of ${this.all} networks`
      : data.steps < data.all_steps ? `${data.steps} steps: a network of this size has too many values for ${data.all_steps}` : "";
    if (about) {
      const { cosine, norm } = this.entry(focus) ?? {}, k = ENDS.indexOf(other);
      this.table.show(network ?? original);
      this.table.write(other.toUpperCase(), { cosine: cosine?.[k], norm: norm?.[k] }, this.layer, kept.layer);
      this.tell(about);
    }
    Object.assign(this.root.dataset, {
      frame: kept.frame, frames: this.frames.size, pictures: this.values.size, answers: this.answers.size, method: focus.name,
      architecture: network?.title ?? "", compared: !apart, against: other, scale: kept.scale, layer: kept.layer, messages: kept.sent, bytes: this.bytes(),
    });
  }

  writePanels(original, network, apart) {
    const { data, other, focus } = this;
    const end = data.ends[other], gamma = this.positionAt(), which = other.toUpperCase();
    const built = data.family && network ? `, ${network.title}` : "";
    const titles = [
      [`${which}, the original`, `${end.name}, ${data.family ? `${end.arch}, ` : ""}${end.split}`],
      [`${focus.title}, gamma ${gamma}${built}`, this.whatIs(focus)],
      ["difference", `gamma ${gamma} minus ${which}`],
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
  }

  bytes() {  // of pictures, as they came: what a test or a curious user can read
    return (this.about?.bytes ?? []).reduce((a, b) => a + b, 0) + [...this.frames.values()].reduce((a, e) => a + e.bytes, 0);
  }

  tell(about) {  // colour scale, and what the pointer is at
    const { layer, cell } = this, own = this.kept.scale === "own";
    const edge = own && !layer ? "own scale" : short(own ? layer.scale : about.scale);
    this.el.bounds.innerHTML = `<span>−${edge}</span><i></i><span>${edge}</span>${about.bad[0] + about.bad[1] ? '<i class="none"></i><span>not finite</span>' : ""}`;
    this.el.bounds.title = `The same in all three pictures. ${CHOICES.scale[this.kept.scale][1]}; point at a parameter to read its scale.`;
    this.el.tip.innerHTML = "<b></b> <i></i>";
    const [name, words] = this.el.tip.children;
    name.textContent = layer?.name ?? "";
    const [original, network, same] = this.kinds;
    const sized = ({ name: arch, count, fold }) => `${many(count)} values of ${arch} in the order of the PRep${fold?.over > 1 ? `, ${fold.over ** 2} to a pixel` : ""}`;
    const brief = ({ title, count }) => `${title}, ${many(count)} values`;
    words.textContent = layer && cell !== null && layerOf(cell, this.over) === layer ? this.valueAt(layer, cell)
      : layer ? `${layer.shape.join(" × ")}, ${many(layer.count)} values`
      : same || !network ? sized(original) : `${brief(original)}; ${brief(network)}`;
  }

  valueAt(layer, cell) {
    const { kinds } = this, gamma = this.positionAt(), which = this.other.toUpperCase();
    const quantum = layer.scale / this.data.shades;
    const [original, network] = [this.original(), this.network()].map((v, k) => !v || v[cell] === NOT_FINITE || kinds[k] !== this.over ? NaN : v[cell] * quantum);
    let rest = cell - layer.start;
    const at = layer.shape.toReversed().map((size) => {
      const k = rest % size;
      rest = Math.floor(rest / size);
      return k;
    }).toReversed();
    if (!kinds[2]) return `[${at.join(", ")}]  ${this.over === kinds[0] ? `${which} ${short(original)}` : `gamma ${gamma}: ${short(network)}`}`;
    return `[${at.join(", ")}]  ${which} ${short(original)}, gamma ${gamma}: ${short(network)}, difference ${short(network - original)}`;
  }

  sentence() {
    const { data, other, focus } = this;
    const k = ENDS.indexOf(other), which = other.toUpperCase();
    const entry = this.entry(focus);
    if (!entry || !this.about) return "";
    const bad = ENDS.flatMap((end, i) => this.about.bad[i] ? [`${end.toUpperCase()} holds ${many(this.about.bad[i])} values that are not finite`] : []);
    if (bad.length) return `${bad.join(", ")}: what is decoded from there, or interpolated from these values, is not finite either.`;
    const [cosine, norm] = [entry.cosine[k]?.[0], entry.norm[k]?.[0]];
    const [original, network, same] = this.kinds;
    const values = !same ? `A ${network.title} has other parameters than ${which}, a ${original.title}: only their answers can be compared.`
      : cosine === null ? `Cosine similarity with ${which} is not defined: one of the two is zero or not finite.`
      : `Cosine similarity with ${which} over all values: ${signed(cosine)}, norm ${norm.toFixed(2)} times ${which}'s.`;
    const answer = this.answers.get(this.key(focus));
    if (!data.asked) return `${values} ${data.without}`;
    if (!answer) return `${values} Comparing the answers …`;
    const count = many(answer.count);
    if (answer.accuracy === null) return `${values} Its answers agree with ${which}'s at ${percent(answer.same[k])} of ${count} ${data.asked}.`;
    return `${values} Of ${count} ${data.asked}, it gives the same answer as ${which} on ${percent(answer.same[k])}; accuracy ${answer.accuracy.toFixed(3)}, ${which} ${answer.ends[k].toFixed(3)}.`;
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    const start = performance.now();
    this.ink = inkOf(this.root);
    this.drawChart();
    if (!this.about) return;
    const colours = Object.fromEntries(["low", "middle", "high", "none"].map((name) => [name, this.ink.value(name)]));
    if (this.theme !== JSON.stringify(colours)) [this.theme, this.palette] = [JSON.stringify(colours), palette(colours, this.data.shades)];
    const kinds = Object.values(this.about.archs), width = this.el.panels[0].clientWidth;
    for (const kind of kinds) kind.fold = foldOf(kind.count, width);
    this.root.style.setProperty("--tall", `${Math.ceil(Math.max(...kinds.map(({ fold: { rows, pitch } }) => rows * pitch)))}px`);
    const [original, network] = [this.original(), this.network()];
    if (this.kinds[2] && original && network) this.apart = difference(original, network, this.apart);
    const three = [original, network, this.kinds[2] && original && network && this.apart];
    const factorOf = ({ scale }) => (this.kept.scale === "own" ? 1 : scale / this.about.scale);
    this.el.panels.forEach((el, k) => {
      const [values, lines] = el.querySelectorAll("canvas");
      values.hidden = !three[k];
      if (three[k]) paint(values, three[k], this.kinds[k], this.palette, factorOf);
      rule(lines, three[k] ? this.kinds[k] : null, this.layer, this.ink);
    });
    this.root.dataset.milliseconds = this.stopwatch.lap(performance.now() - start).toFixed(1);
  }

  drawChart() {  // cosine with A and with B along the path, of all values or of the marked parameter
    const { pen, width, height } = sheet(this.el.chart);
    if (!width) return;
    const { steps } = this.data, { focus, layer, ink, kept: { frame } } = this;
    const rowIn = (arch) => (layer ? this.about.archs[arch].layers.indexOf(layer) + 1 || NaN : 0);  // other architectures have other parameters
    const lines = ENDS.map((_, k) => Array.from({ length: steps }, (__, i) => {
      const entry = this.entry(focus, i), v = this.about && entry?.cosine[k]?.[rowIn(entry.arch)];
      return typeof v === "number" ? v : null;
    }));
    const low = Math.min(0, ...lines.flat().filter((v) => v !== null));
    const x = (i) => THUMB + (i / (steps - 1)) * (width - 2 * THUMB);
    const y = (v) => 5 + ((1 - v) / (1 - low)) * (height - 9);
    Object.assign(pen, { strokeStyle: ink.border, lineWidth: 1 });
    for (const v of [0, 1]) trace(pen, [[THUMB, y(v)], [width - THUMB, y(v)]]);
    Object.assign(pen, { strokeStyle: ink.text, globalAlpha: 0.5 });
    trace(pen, [[x(frame), 0], [x(frame), height]]);
    Object.assign(pen, { strokeStyle: focus.colour, fillStyle: focus.colour, lineWidth: 2, globalAlpha: 1 });
    lines.forEach((line, k) => {
      dashed(pen, DASHES[k], line.map((v, i) => (v === null ? null : [x(i), y(v)])));
      if (line[frame] === null) return;
      outline(pen, "circle", x(frame), y(line[frame]), 3.5);
      pen.fill();
    });
    const title = `cosine, ${layer ? layer.name : "all values"}${this.data.family ? ", where the architectures are the same" : ""}: ${low < 0 ? `${signed(low, 2)} to 1` : "0 to 1"}`;
    const label = `<b>${escaped(title)}</b>${linesHtml(ENDS.map((end, k) => ({ colour: focus.colour, dash: DASHES[k], title: `with ${end.toUpperCase()}` })))}`;
    if (this.labelled !== label) this.el.label.innerHTML = this.labelled = label;
  }
}

// The parameter of an architecture that a value belongs to.
function layerOf(cell, kind) {
  return cell === null || !kind ? null : kind.layers.find(({ end }) => cell < end) ?? null;
}

export default mounted(Preps, ".preps");
