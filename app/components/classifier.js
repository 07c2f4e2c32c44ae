// A path between two image classifiers: accuracy at every step, and in full what the network at the slider answers.

const GUTTER = 40, THUMB = 8, TOP = 22, BOTTOM = 20;  // of the chart; its gammas stand above the slider's positions
const LABELLED = 20;  // up to this many classes the matrix names them

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
    chart.onpointermove = (e) => held && go(e);
    chart.onpointerup = chart.onpointercancel = () => {
      if (held) this.settle(() => this.release());
      held = false;
    };
    matrix.onpointermove = (e) => (matrix.title = this.cellAt(e.offsetX, e.offsetY));
  }

  lay(data) {
    super.lay(data);
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
    return this.frames.get(`${side}/${index}`);
  }

  write() {
    const { steps, sides, classes, subset, full, recorded, missing, same } = this.data;
    super.write();
    const { focus, what } = this;
    const entry = this.entry(focus.side);
    const entries = [...this.frames.values()];
    const whole = entries.filter((e) => e.full).length, all = steps * sides.length;
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
    this.el.caption.textContent = `${this.tiles.length} of the test images: what the ${this.atEnd || same ? "network" : "network in between"} says, and how sure it is`;
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
  }

  drawChart() {
    const { pen, width, height } = sheet(this.el.chart);
    if (!width) return;
    const { steps, sides, ends, chance } = this.data;
    const { text, border, paper, font } = this.ink;
    const lines = sides.map(({ side }) => Array.from({ length: steps }, (_, i) => this.entry(side, i)));
    const known = [...lines.flat().filter(Boolean).map((e) => e.full ? e.correct / e.count : e.high), ends.a.accuracy, ends.b.accuracy, 2 * chance];
    const top = Math.min(1, Math.ceil(Math.max(...known.filter((v) => v !== null)) * 10 + 0.2) / 10);
    const left = GUTTER + THUMB, right = width - THUMB, low = height - BOTTOM;
    const x = (i) => left + (i / (steps - 1)) * (right - left);
    const y = (v) => low - (v / top) * (low - TOP);
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
    for (let v = 0; v <= top + 1e-9; v += top > 0.5 ? 0.2 : 0.1) {
      Object.assign(pen, { strokeStyle: border, lineWidth: 1, textAlign: "right" });
      trace(pen, [[left, y(v)], [right, y(v)]]);
      pen.fillText(v.toFixed(1), left - 10, y(v));
    }
    pen.textAlign = "center";
    for (const gamma of [0, 0.25, 0.5, 0.75, 1]) pen.fillText(gamma, x(gamma * (steps - 1)), height - 8);
    pen.textAlign = "left";
    pen.fillText("accuracy", 4, 7);
    pen.fillText("gamma", 0, height - 8);
    pen.globalAlpha = 1;
    rule(chance, [1, 4], 0.9);
    for (const end of [ends.a, ends.b]) if (end.accuracy !== null) rule(end.accuracy, [], 0.45);
    pen.fillStyle = text;
    const apart = Math.abs(ends.a.accuracy - ends.b.accuracy) > 0.1 * top;  // then where the other's curve is not
    const labels = [[`A ${share(ends.a.accuracy ?? 0)}`, ends.a.accuracy, !apart], [`B ${share(ends.b.accuracy ?? 0)}`, ends.b.accuracy, apart]]
      .filter(([, v]) => v !== null);
    for (const [said, v, first] of labels) words(said, first ? left + 4 : right - 4, y(v) - 8, first ? "left" : "right");
    const below = y(0) - y(chance) > 16;  // where no curve runs
    words(`chance ${chance.toFixed(chance < 0.01 ? 3 : 2)}`, right - 4, y(chance) + (below ? 9 : -8), "right");
    trace(Object.assign(pen, { strokeStyle: text, globalAlpha: 0.5, lineWidth: 1 }), [[x(this.kept.frame), TOP - 8], [x(this.kept.frame), low]]);
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
      const e = line[this.kept.frame];
      if (e) this.dot(pen, x(this.kept.frame), y(e.correct / e.count), 5, sides[k].colour, e.full ? sides[k].colour : paper);
    });
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

export default mounted(Classifier, ".classifier");
