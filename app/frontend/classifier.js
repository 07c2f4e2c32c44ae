// A path between two image classifiers: accuracy at every step, and in full what the network at the slider answers.

const GUTTER = 40, THUMB = 8, TOP = 22, BOTTOM = 20;  // of the chart; its gammas stand above the slider's positions
const LABELLED = 20;  // up to this many classes the matrix names them
const LANE = 22, BAND = 46;  // below the chart of a family: heights of the stars' lane and of the probabilities
const MARKS = {  // outlines in units of their radius
  circle: "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z", square: "M-.9-.9H.9V.9H-.9Z", triangle: "M0-1.15 1.1.8H-1.1Z",
  diamond: "M0-1.25 1.25 0 0 1.25-1.25 0Z", pentagon: "M0-1.1 1.05-.34.65.89H-.65L-1.05-.34Z",
  star: "M0-1.3.35-.42 1.24-.4.56.17.77 1.05 0 .52-.77 1.05-.56.17-1.24-.4-.35-.42Z",
};
const PATHS = Object.fromEntries(Object.entries(MARKS).map(([name, outline]) => [name, new Path2D(outline)]));

const share = (v) => v.toFixed(3);
const many = (n) => n.toLocaleString("en");

class Classifier extends FocusView {
  chipHelp = "show its answers";

  build() {
    const all = (selector) => [...this.root.querySelectorAll(selector)];
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, {
      progress: find(".progress"), focus: find(".focus"), chart: find(".chart"),
      matrix: find(".matrix"), strip: find(".strip"), caption: find(".caption"), messages: all(".message"), accuracy: all(".accuracy"),
      sizes: find(".sizes"), architecture: find(".architecture"),
    });
  }

  listen() {
    super.listen();
    const { chart, matrix } = this.el;
    let held = false;
    const go = (e) => {
      const { left, width } = chart.getBoundingClientRect();
      const at = (e.clientX - left - GUTTER - THUMB) / (width - GUTTER - 2 * THUMB);
      this.show(Math.round(Math.max(0, Math.min(1, at)) * (this.data.steps - 1)));
    };
    chart.onpointerdown = (e) => {
      if (e.button) return;
      held = true;
      chart.setPointerCapture(e.pointerId);
      this.stop();
      go(e);
    };
    chart.onpointermove = (e) => (held ? go(e) : (chart.title = this.saidAt(e.offsetX, e.offsetY)));
    chart.onpointerup = chart.onpointercancel = () => {
      if (held) this.settle(() => this.release());
      held = false;
    };
    matrix.onpointermove = (e) => (matrix.title = this.cellAt(e.offsetX, e.offsetY));
  }

  lay(data) {
    super.lay(data);
    this.root.classList.toggle("padded", !!data.padded);
    this.el.accuracy.forEach((el, k) => (el.hidden = k >= data.sides.length));
    this.layFamily(data.family);
    data.sides.forEach((side, k) => {
      this.el.accuracy[k].style.setProperty("--method", side.colour);
      this.el.accuracy[k].classList.toggle("dashed", k > 0);
      this.el.accuracy[k].querySelector("span").textContent = `accuracy, ${side.title}`;
    });
    if (!this.tiles || this.picturesOf !== data.path) this.tile(data.recorded ? 0 : data.strip);
  }

  view() {
    return { frame: this.kept.frame };
  }

  better(entry, known) {
    return entry.full && !known.full;
  }

  arrive(entry, body) {
    if (entry.bytes) entry.matrix = new Uint16Array(body.slice().buffer);  // rows true, columns said
  }

  // -- architectures of a family --------------------------------------------------------------------------------

  layFamily(family) {
    const { sizes, architecture } = this.el;
    this.root.classList.toggle("family", !!family);
    sizes.hidden = architecture.hidden = !family;
    if (!family || this.sized === this.kept.path) return;
    this.sized = this.kept.path;
    const largest = Math.max(...family.archs.map(({ parameters }) => parameters));
    const cell = (kind, row, column, content, title) => {
      const el = document.createElement("div");
      el.className = kind;
      Object.assign(el, { innerHTML: content, title });
      for (const [name, value] of Object.entries({ row, column })) el.style.setProperty(`--${name}`, value);
      return el;
    };
    const bought = "Accuracies of the networks on this path, by architecture; large: the network at gamma. Hollow: the originals A and B.";
    this.axis = cell("head axis", 1, 3, "<span></span><span>accuracy</span><span></span>", bought);
    this.rows = family.archs.map(({ title, colour, mark, parameters }, k) => {
      const cells = [
        cell("name", k + 2, 1, `${shape(mark, colour)}${title}`, `ClassId ${k}: ${title}`),
        cell("size", k + 2, 2, `<i></i>${many(parameters)}`, `${many(parameters)} parameters`),
        cell("along", k + 2, 3, "", bought),
      ];
      cells.forEach((el) => el.style.setProperty("--arch", colour));
      cells[1].style.setProperty("--size", `${Math.max(4, (100 * parameters) / largest)}%`);
      return cells;
    });
    this.strips = document.createElement("canvas");
    sizes.style.setProperty("--archs", family.archs.length);
    sizes.replaceChildren(
      cell("head", 1, 1, "architecture", "Of this family, by increasing size"), cell("head number", 1, 2, "parameters", "Batch norm fused into the convolutions"),
      this.axis, ...this.rows.flat(), this.strips,
    );
  }

  archOf(side = this.focus.side, index = this.kept.frame) {  // ClassId of a network, as measured, else as the class head says
    const { archs, probabilities, ends } = this.data.family;
    const known = archs.findIndex(({ name }) => name === this.entry(side, index)?.arch);
    return known >= 0 ? known : side === "latent" ? probabilities[index].indexOf(Math.max(...probabilities[index])) : ends[0];
  }

  writeFamily() {
    const { family } = this.data, { frame } = this.kept;
    if (!family) return;
    const here = this.archOf(), { title, colour, mark, parameters } = family.archs[here];
    const [words, name, more] = this.el.architecture.children;
    const latent = this.focus.side === "latent", sure = family.probabilities[frame][here];
    words.textContent = latent ? "predicted architecture" : "architecture of A and B";
    name.innerHTML = `${shape(mark, colour)}${title}`;
    more.textContent = `${latent ? `p = ${sure.toFixed(2)}, ` : ""}${many(parameters)} parameters`;
    this.el.architecture.title = latent ? "The architecture that the class head names for this embedding, in which the network is built; p: its softmax probability (Eq. 7)."
      : "Raw weights lie between networks of one architecture.";
    this.rows.forEach((cells, k) => cells.forEach((el) => el.classList.toggle("here", k === here)));
    Object.assign(this.root.dataset, { architecture: title, probability: sure.toFixed(3), stars: family.stars.length });
  }

  starred({ gamma, arch }) {
    const { title } = this.data.family.archs[arch];
    return `gamma ${gamma.toFixed(3)}: here the interpolation loss asks for a ${title} (Eqs. 7 to 12; stars in Fig. 5)`;
  }

  saidAt(x, y) {  // words about what the pointer is over
    const { family, steps } = this.data, place = this.ribbon;
    if (!family || !place || y < place.top - LANE) return "";
    const star = family.stars.find(({ gamma }) => Math.abs(place.x(gamma * (steps - 1)) - x) < 9);
    if (star && y < place.top) return this.starred(star);
    const i = Math.round((x - place.x(0)) / (place.x(1) - place.x(0)));
    if (y < place.top || y > place.low || i < 0 || i >= steps) return "";
    const shares = family.archs.map(({ title }, k) => `${title} ${family.probabilities[i][k].toFixed(3)}`);
    return `${this.parameter.title} ${this.positionAt(i)}, softmax of the class head\n${shares.join("\n")}`;
  }

  // -- test images ----------------------------------------------------------------------------------------------

  tile(count) {  // places for the images, empty until these arrive
    this.picturesOf = null;
    this.tiles = Array.from({ length: count }, () => {
      const el = document.createElement("div");
      el.className = "tile blank";
      el.innerHTML = '<canvas width="1" height="1"></canvas><span class="mark"></span><span class="said"></span><span class="bar"></span>';
      return el;
    });
    this.el.strip.replaceChildren(...this.tiles);
    if (count) return;
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = this.data.hint;
    this.el.strip.append(none);
  }

  pictures({ header: { count, size, truth, path }, body }) {
    this.tile(count);
    this.picturesOf = path;
    this.truth = truth;
    this.tiles.forEach((el, k) => {
      const canvas = el.querySelector("canvas");
      canvas.width = canvas.height = size;
      const image = new ImageData(size, size);
      const from = k * size * size * 3;
      for (let i = 0; i < size * size; i++) {
        image.data.set(body.subarray(from + 3 * i, from + 3 * i + 3), 4 * i);
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      el.classList.remove("blank");
    });
  }

  // -- words ----------------------------------------------------------------------------------------------------

  entry(side, index = this.kept.frame) {
    return this.frames.get(this.key(this.data.sides.find((one) => one.side === side) ?? { side }, index));
  }

  write() {
    const { steps, sides, classes, subset, full, recorded, missing, same } = this.data;
    super.write();
    const { focus, what } = this;
    const entry = this.entry(focus.side);
    const entries = [...this.frames.values()];
    const whole = entries.filter((e) => e.full).length, all = sides.reduce((count, side) => count + (side.fixed ? 1 : steps), 0);
    this.el.progress.textContent = recorded ? `recorded, all ${many(entries[0]?.count ?? 0)} test images`
      : entries.length < all ? `first ${many(subset)} test images: ${entries.length} of ${all} networks`
      : whole < all ? `full test set: ${whole} of ${all} networks` : "";
    this.el.progress.title = "Accuracy is first estimated on a part of the test set, with its 95 % confidence band, then measured on all of it.";
    sides.forEach((side, k) => {
      const here = this.entry(side.side);
      const [number, words] = ["b", "i"].map((tag) => this.el.accuracy[k].querySelector(tag));
      number.textContent = here ? share(here.correct / here.count) : "–";
      words.textContent = !here ? "evaluating" : here.full ? `on all ${many(here.count)} test images`
        : `${share(here.low)} to ${share(here.high)}, on ${many(here.count)} of ${many(full)} test images`;
      this.el.accuracy[k].title = "Share of test images whose class the network names. Where not all were asked: with the 95 % Wilson interval.";
    });
    this.el.focus.innerHTML = "<span class=\"name\"></span><i></i>";
    this.el.focus.querySelector("span").textContent = focus.title;
    this.el.focus.querySelector("i").textContent = what;
    this.el.focus.title = what;
    const [chart, matrix] = this.el.messages;
    chart.hidden = entries.length > 0;
    chart.classList.add("waiting");
    chart.textContent = "evaluating the first networks";
    matrix.hidden = !recorded && !!entry?.matrix;
    matrix.classList.toggle("waiting", !recorded);
    matrix.textContent = recorded ? missing : "evaluating";
    this.el.caption.hidden = recorded;
    this.el.caption.textContent = `${this.tiles.length} of the test images: what the ${this.atEnd || same || this.data.axis ? "network" : "network in between"} says, and how sure it is`;
    this.el.strip.classList.toggle("waiting", !entry && !recorded);
    this.tiles.forEach((el, k) => {
      const [said, sure, truth] = [entry?.said?.[k], entry?.sure?.[k], this.truth?.[k]];
      const known = said !== undefined && truth !== undefined;
      el.classList.toggle("hit", known && said === truth);
      el.classList.toggle("miss", known && said !== truth);
      el.querySelector(".said").textContent = known ? classes[said] : "…";
      el.style.setProperty("--sure", known ? `${100 * sure}%` : "0%");
      el.title = known ? `${classes[said]} with probability ${sure.toFixed(2)}\ntrue class: ${classes[truth]}` : "";
    });
    this.writeFamily();
    Object.assign(this.root.dataset, {
      frame: this.kept.frame, frames: entries.length, full: whole, method: focus.side, messages: this.kept.sent,
      pictures: this.picturesOf ? this.tiles.length : 0,
    });
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim() || "#8888";
    this.ink = { text: colour("text"), border: colour("border"), paper: colour("background"), font: style.fontFamily };
    this.drawChart();
    this.drawMatrix();
    this.drawSizes();
  }

  drawChart() {
    const { pen, width, height } = sheet(this.el.chart);
    if (!width) return;
    const { steps, sides, ends, chance, family } = this.data;
    const { text, border, paper, font } = this.ink;
    const lines = sides.map(({ side }) => Array.from({ length: steps }, (_, i) => this.entry(side, i)));
    const known = [...lines.flat().filter(Boolean).map((e) => e.full ? e.correct / e.count : e.high), ends.a.accuracy, ends.b.accuracy, 2 * chance];
    const top = Math.min(1, Math.ceil(Math.max(...known.filter((v) => v !== null)) * 10 + 0.2) / 10);
    const left = GUTTER + THUMB, right = width - THUMB, low = height - BOTTOM - (family ? LANE + BAND : 0);
    const lowest = Math.min(...lines.flat().filter(Boolean).map((e) => e.full ? e.correct / e.count : e.low), ends.a.accuracy ?? 1, ends.b.accuracy ?? 1);
    const base = family && lowest > 0.5 ? Math.floor(lowest * 20 - 0.2) / 20 : 0;  // good networks of different sizes are close
    const x = (i) => left + (i / (steps - 1)) * (right - left);
    const y = (v) => low - ((v - base) / (top - base)) * (low - TOP);
    const words = (said, at, up, align) => {  // on a halo, so that lines do not cross them
      Object.assign(pen, { textAlign: align, lineWidth: 4, strokeStyle: paper, lineJoin: "round" });
      pen.strokeText(said, at, up);
      pen.fillText(said, at, up);
    };
    const rule = (v, dash, strength) => {
      Object.assign(pen, { strokeStyle: text, lineWidth: 1, globalAlpha: strength });
      pen.setLineDash(dash);
      trace(pen, [[left, y(v)], [right, y(v)]]);
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    };
    pen.font = `11px ${font}`;
    pen.fillStyle = text;
    pen.textBaseline = "middle";
    pen.globalAlpha = 0.8;
    const range = top - base, every = range > 0.5 ? 0.2 : range > 0.25 ? 0.1 : range > 0.12 ? 0.05 : 0.02;
    for (let v = Math.ceil(base / every - 1e-9) * every; v <= top + 1e-9; v += every) {
      Object.assign(pen, { strokeStyle: border, lineWidth: 1, textAlign: "right" });
      trace(pen, [[left, y(v)], [right, y(v)]]);
      pen.fillText(v.toFixed(every < 0.1 ? 2 : 1), left - 10, y(v));
    }
    pen.textAlign = "center";
    for (const at of [0, 0.25, 0.5, 0.75, 1]) {
      const said = this.data.axis ? this.positionAt(Math.round(at * (steps - 1))) : `${at}`;
      pen.fillText(said, Math.min(x(at * (steps - 1)), width - pen.measureText(said).width / 2), height - 8);
    }
    pen.textAlign = "left";
    pen.fillText("accuracy", 4, 7);
    if (!this.data.axis) pen.fillText("gamma", 0, height - 8);
    this.annotate(pen, x, TOP - 8, low, this.ink);
    Object.assign(pen, { font: `11px ${font}`, fillStyle: text, textBaseline: "middle" });
    pen.globalAlpha = 1;
    if (chance >= base) rule(chance, [1, 4], 0.9);
    for (const end of [ends.a, ends.b]) if (end.accuracy !== null) rule(end.accuracy, [], 0.45);
    pen.fillStyle = text;
    const apart = Math.abs(ends.a.accuracy - ends.b.accuracy) > 0.1 * (top - base);  // then where the other's curve is not
    const labels = [[ends.a, "A", !apart], [ends.b, "B", apart]].filter(([{ accuracy }]) => accuracy !== null)
      .map(([{ accuracy, letter }, usual, first]) => [`${letter ?? usual} ${share(accuracy)}`, accuracy, first]);
    for (const [said, v, first] of labels) words(said, first ? left + 4 : right - 4, y(v) - 8, first ? "left" : "right");
    const below = y(0) - y(chance) > 16;  // where no curve runs
    const chances = `chance ${chance.toFixed(chance < 0.01 ? 3 : 2)}`;
    if (chance < base) words(`${chances} ↓`, right - 4, low - 9, "right");
    else words(chances, right - 4, y(chance) + (below ? 9 : -8), "right");
    if (family) this.drawRibbon(pen, { x, top: low + LANE, low: low + LANE + BAND, above: TOP - 8 }, words);
    trace(Object.assign(pen, { strokeStyle: text, globalAlpha: 0.5, lineWidth: 1 }), [[x(this.kept.frame), TOP - 8], [x(this.kept.frame), family ? height - BOTTOM : low]]);
    pen.globalAlpha = 1;
    lines.forEach((line, k) => {
      pen.fillStyle = sides[k].colour;
      pen.globalAlpha = 0.16;
      for (let i = 0; i + 1 < steps; i++) {
        const [a, b] = [line[i], line[i + 1]];
        if (!a || !b || (a.full && b.full)) continue;
        const edge = (e, side) => y(e.full ? e.correct / e.count : e[side]);
        pen.beginPath();
        pen.moveTo(x(i), edge(a, "low"));
        pen.lineTo(x(i), edge(a, "high"));
        pen.lineTo(x(i + 1), edge(b, "high"));
        pen.lineTo(x(i + 1), edge(b, "low"));
        pen.fill();
      }
      pen.globalAlpha = 1;
    });
    lines.forEach((line, k) => {
      Object.assign(pen, { strokeStyle: sides[k].colour, lineWidth: sides[k].side === this.kept.method ? 2.5 : 2, lineJoin: "round" });
      pen.setLineDash(k ? [6, 4] : []);
      trace(pen, line.map((e, i) => e && [x(i), y(e.correct / e.count)]));
      pen.setLineDash([]);
      line.forEach((e, i) => {  // a point with unknown neighbours is a line of no length
        if (e && !line[i - 1] && !line[i + 1]) this.dot(pen, x(i), y(e.correct / e.count), 2, sides[k].colour);
      });
    });
    lines.forEach((line, k) => {
      if (!family || sides[k].side !== "latent") return;
      line.forEach((e, i) => e && this.mark(pen, this.archOf("latent", i), x(i), y(e.correct / e.count), 3.4));
    });
    lines.forEach((line, k) => {
      const e = line[this.kept.frame];
      if (!e) return;
      if (family && sides[k].side === "latent") this.mark(pen, this.archOf("latent"), x(this.kept.frame), y(e.correct / e.count), 7, e.full);
      else this.dot(pen, x(this.kept.frame), y(e.correct / e.count), 5, sides[k].colour, e.full ? sides[k].colour : paper);
    });
  }

  mark(pen, arch, x, y, radius, full = true) {  // of an architecture, on a rim of paper; hollow: an estimate
    const { colour, mark } = this.data.family.archs[arch];
    pen.save();
    pen.translate(x, y);
    pen.scale(radius, radius);
    Object.assign(pen, { fillStyle: full ? colour : this.ink.paper, strokeStyle: this.ink.paper, lineWidth: 2.4 / radius, lineJoin: "round" });
    pen.stroke(PATHS[mark]);
    pen.fill(PATHS[mark]);
    Object.assign(pen, { strokeStyle: colour, lineWidth: 2 / radius });
    if (!full) pen.stroke(PATHS[mark]);
    pen.restore();
  }

  // The class head's probabilities, stacked, the smallest architecture at the bottom; above them stars where the
  // interpolation loss asks for an architecture.
  drawRibbon(pen, place, words) {
    const { archs, probabilities, stars } = this.data.family, { text, paper, border } = this.ink;
    const { x, top, low } = (this.ribbon = place), last = this.data.steps - 1;
    const under = probabilities.map(() => low);  // upper edge of what is drawn so far
    const spans = archs.map(({ colour, hatch }, k) => {
      const upper = under.map((edge, i) => edge - probabilities[i][k] * (low - top));
      pen.beginPath();
      upper.forEach((up, i) => pen.lineTo(x(i), up));
      for (let i = last; i >= 0; i--) pen.lineTo(x(i), under[i]);
      pen.closePath();
      pen.fillStyle = colour;
      pen.fill();
      if (hatch) {
        pen.fillStyle = this.hatching(pen, hatch);
        pen.fill();
      }
      const span = upper.map((up, i) => [up, under[i]]);
      upper.forEach((up, i) => (under[i] = up));
      return span;
    });
    Object.assign(pen, { strokeStyle: border, lineWidth: 1 });
    pen.strokeRect(x(0), top, x(last) - x(0), low - top);
    spans.forEach((span, k) => this.nameBand(pen, archs[k], span, x));
    pen.fillStyle = text;
    Object.assign(pen, { globalAlpha: 0.8 });
    words("1", x(0) - 10, top + 4, "right");
    words("0", x(0) - 10, low - 4, "right");
    words("architecture", 4, top - LANE / 2, "left");
    pen.globalAlpha = 1;
    for (const { gamma, arch } of stars) {
      const at = x(gamma * last);
      Object.assign(pen, { strokeStyle: archs[arch].colour, lineWidth: 1.2 });
      pen.setLineDash([1.5, 3.5]);
      trace(pen, [[at, place.above], [at, top - LANE + 4]]);
      pen.setLineDash([]);
      pen.save();
      pen.translate(at, top - LANE / 2 + 1);
      pen.scale(6.5, 6.5);
      Object.assign(pen, { fillStyle: archs[arch].colour, strokeStyle: text, lineWidth: 0.13, lineJoin: "round" });
      pen.fill(PATHS.star);
      pen.stroke(PATHS.star);
      pen.restore();
    }
  }

  nameBand(pen, { title, colour, mark }, span, x) {  // where it is thick over the longest stretch
    const thick = span.map(([up, down]) => down - up > 17);
    let best = [0, -1];
    for (let i = 0, from = 0; i <= thick.length; i++) {
      if (thick[i]) continue;
      if (i - 1 - from > best[1] - best[0]) best = [from, i - 1];
      from = i + 1;
    }
    const [from, to] = best, room = x(to) - x(from), wide = pen.measureText(title).width;
    if (to < from || room < 14) return;
    const named = room > wide + 22, across = named ? wide + 24 : 16;
    const i = Math.round((from + to) / 2), up = (span[i][0] + span[i][1]) / 2;
    const left = Math.max(x(0) + 3, Math.min(x(this.data.steps - 1) - across - 3, (x(from) + x(to) - across) / 2));
    Object.assign(pen, { fillStyle: this.ink.paper, globalAlpha: 0.92 });
    pen.beginPath();
    pen.roundRect(left, up - 8, across, 16, 8);
    pen.fill();
    pen.globalAlpha = 1;
    pen.save();
    pen.translate(left + (named ? 10 : 8), up);
    pen.scale(4, 4);
    pen.fillStyle = colour;
    pen.fill(PATHS[mark]);
    pen.restore();
    if (!named) return;
    Object.assign(pen, { fillStyle: this.ink.text, textAlign: "left" });
    pen.fillText(title, left + 18, up + 0.5);
  }

  hatching(pen, hatch) {  // strokes of paper, one kind an architecture
    const size = 7, tile = document.createElement("canvas"), scale = window.devicePixelRatio || 1;
    const key = `${hatch}${this.ink.paper}${scale}`;
    this.hatches ??= new Map();
    if (!this.hatches.has(key)) {
      tile.width = tile.height = size * scale;
      const ink = tile.getContext("2d");
      ink.scale(scale, scale);
      Object.assign(ink, { strokeStyle: this.ink.paper, fillStyle: this.ink.paper, globalAlpha: 0.45, lineWidth: 1.2 });
      for (const shift of [-size, 0, size]) {
        if (hatch === "/") trace(ink, [[shift, size], [shift + size, 0]]);
        if (hatch === "\\") trace(ink, [[shift, 0], [shift + size, size]]);
      }
      if (hatch === "-") trace(ink, [[0, size / 2], [size, size / 2]]);
      if (hatch === ".") [[1.8, 1.8], [5.3, 5.3]].forEach(([x, y]) => ink.fill(new Path2D(`M${x + 1.1} ${y}A1.1 1.1 0 1 1 ${x - 1.1} ${y}A1.1 1.1 0 1 1 ${x + 1.1} ${y}Z`)));
      const pattern = pen.createPattern(tile, "repeat");
      pattern.setTransform(new DOMMatrix().scale(1 / scale));
      this.hatches.set(key, pattern);
    }
    return this.hatches.get(key);
  }

  drawSizes() {  // accuracies of the path's networks in the row of their architecture: what size buys
    const { family, steps, ends } = this.data;
    if (!family) return;
    const { pen, width, height } = sheet(this.strips);
    const rows = family.archs.length, { side } = this.focus;
    const entries = Array.from({ length: steps }, (_, i) => this.entry(side, i));
    const known = [...entries.filter(Boolean).map((e) => e.correct / e.count), ends.a.accuracy, ends.b.accuracy].filter((v) => v !== null);
    if (!width || !known.length) return;
    const low = Math.max(0, Math.floor(Math.min(...known) * 20 - 1e-9) / 20), high = Math.max(low + 0.05, Math.ceil(Math.max(...known) * 20) / 20);
    const room = 20;  // for the letters of A and B
    const x = (v) => room + ((v - low) / (high - low)) * (width - 2 * room), y = (arch) => ((arch + 0.5) / rows) * height;
    [this.axis.firstChild.textContent, this.axis.lastChild.textContent] = [low.toFixed(2), high.toFixed(2)];
    Object.assign(pen, { strokeStyle: this.ink.border, lineWidth: 1 });
    for (let k = 0; k < rows; k++) trace(pen, [[x(low), y(k)], [x(high), y(k)]]);
    pen.globalAlpha = 0.5;
    entries.forEach((e, i) => e && this.mark(pen, this.archOf(side, i), x(e.correct / e.count), y(this.archOf(side, i)), 3.2));
    pen.globalAlpha = 1;
    Object.values(ends).forEach(({ accuracy }, k) => {
      if (accuracy === null) return;
      const { mark } = family.archs[family.ends[k]];
      pen.save();
      pen.translate(x(accuracy), y(family.ends[k]));
      pen.scale(6, 6);
      Object.assign(pen, { strokeStyle: this.ink.text, lineWidth: 0.2 });
      pen.stroke(PATHS[mark]);
      pen.restore();
      Object.assign(pen, { font: `600 10px ${this.ink.font}`, fillStyle: this.ink.text, textBaseline: "middle", textAlign: k ? "left" : "right" });
      pen.fillText(ends["ab"[k]].letter ?? "AB"[k], x(accuracy) + (k ? 10 : -10), y(family.ends[k]) + 0.5);
    });
    const here = entries[this.kept.frame], arch = this.archOf();
    if (here) this.mark(pen, arch, x(here.correct / here.count), y(arch), 5.5, here.full);
  }

  dot(pen, x, y, radius, colour, inside = colour) {
    Object.assign(pen, { strokeStyle: colour, fillStyle: inside, lineWidth: 2 });
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.fill();
    pen.stroke();
  }

  drawMatrix() {
    const { pen, width, height } = sheet(this.el.matrix);
    const { focus } = this;
    const matrix = this.entry(focus.side)?.matrix;
    this.grid = null;
    if (!matrix || !width) return;
    const { classes } = this.data;
    const { text, border, font } = this.ink;
    const count = classes.length;
    const named = count <= LABELLED;
    pen.font = `11px ${font}`;
    const longest = Math.max(...classes.map((name) => pen.measureText(name).width));
    const room = named ? Math.min(longest + 8, 84) : 4;
    const flat = named && longest < 18;  // names short enough to stand side by side
    const [left, under] = [16 + room, 16 + (flat ? 18 : room)];
    const size = Math.min(width - left - 2, height - under - 4);
    const cell = named ? Math.floor(size / count) : size / count;
    const side = cell * count;
    const from = Math.round(left + Math.max(0, (width - left - side) / 2)), up = 4;
    this.grid = { from, up, cell, count, matrix };
    for (let row = 0; row < count; row++) {
      const mine = matrix.subarray(row * count, (row + 1) * count);
      const total = Math.max(1, mine.reduce((a, b) => a + b, 0));
      for (let column = 0; column < count; column++) {
        const value = mine[column] / total;
        const [at, high] = [column, row].map((k) => Math.round(k * cell));
        const [wide, tall] = [column, row].map((k) => Math.round((k + 1) * cell) - Math.round(k * cell) - named);
        pen.globalAlpha = value ? 0.1 + 0.9 * value : row === column ? 0.07 : 0;
        pen.fillStyle = focus.colour;
        pen.fillRect(from + at, up + high, wide, tall);
        if (cell < 20 || !mine[column]) continue;
        pen.globalAlpha = 1;
        pen.fillStyle = value > 0.55 ? "#fff" : text;
        pen.font = `${cell < 26 || mine[column] > 99 ? 9 : 10.5}px ${font}`;
        Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
        pen.fillText(mine[column], from + at + wide / 2, up + high + tall / 2 + 0.5);
      }
    }
    Object.assign(pen, { globalAlpha: 1, strokeStyle: border, lineWidth: 1, fillStyle: text, textBaseline: "middle", font: `11px ${font}` });
    pen.strokeRect(from - 1.5, up - 1.5, side + 2, side + 2);
    const short = (name) => {
      while (name.length > 1 && pen.measureText(name).width > room - 6) name = name.endsWith("…") ? `${name.slice(0, -2)}…` : `${name.slice(0, -1)}…`;
      return name;
    };
    if (named)
      classes.forEach((name, i) => {
        pen.textAlign = "right";
        pen.fillText(short(name), from - 7, up + (i + 0.5) * cell);
        pen.save();
        pen.translate(from + (i + 0.5) * cell, up + side + 6);
        if (flat) pen.textAlign = "center";
        else pen.rotate(-Math.PI / 2);
        pen.fillText(short(name), 0, flat ? 7 : 0);
        pen.restore();
      });
    pen.globalAlpha = 0.75;
    pen.textAlign = "center";
    pen.fillText("said", from + side / 2, up + side + under - 6);
    pen.translate(from - left + 8, up + side / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText("true class", 0, 0);
  }

  cellAt(x, y) {
    if (!this.grid) return "";
    const { from, up, cell, count, matrix } = this.grid;
    const [column, row] = [Math.floor((x - from) / cell), Math.floor((y - up) / cell)];
    if (Math.min(row, column) < 0 || Math.max(row, column) >= count) return "";
    const mine = matrix.subarray(row * count, (row + 1) * count);
    const { classes } = this.data;
    return `true ${classes[row]}, said ${classes[column]}: ${mine[column]} of ${mine.reduce((a, b) => a + b, 0)}`;
  }
}

function shape(mark, colour) {  // a mark beside words
  return `<svg class="shape" viewBox="-1.3 -1.3 2.6 2.6" aria-hidden="true"><path d="${MARKS[mark]}" fill="${colour}"/></svg>`;
}

export default mounted(Classifier, ".classifier");
