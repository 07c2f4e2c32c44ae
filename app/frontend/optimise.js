// The map of a zoo's embeddings with the trajectories of runs on it, their curves, and their numbers.

const STYLES = [  // of runs shown over each other: colour, dash and number
  { colour: null, dash: [] },  // null: that of text
  { colour: "#d6336c", dash: [8, 4] },
  { colour: "#8a63d2", dash: [2, 4] },
  { colour: "#d9711f", dash: [10, 3, 2, 3] },
];
const TERM_DASHES = [[], [7, 4], [2, 4]];
const WAITING = {
  queued: "Waiting: two jobs run at a time on a machine.", running: "Preparing: what the network is to do is read, and its teacher asked.",
  stopping: "Stopping.", stopped: "Stopped before anything was measured.",
};
const REACH = 12;  // of the pointer, pixels
const FAR = 24;  // how often nearer than everything

const lines = (run) => run.at.length;

class Optimise {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    // what outlives a remount: where the map is, once someone has moved it
    this.kept = hub.views.get(id) ?? { map: null, view: null, clicks: 0 };
    hub.views.set(id, this.kept);
    const find = (selector) => root.querySelector(selector);
    this.el = {
      map: find(".map"), canvas: find(".map canvas"), x: find(".axis.x"), y: find(".axis.y"), message: find(".message"), curves: find(".curves"), hint: find(".hint"), tip: find(".tip"),
      keys: find(".keys"), help: find(".help"), titles: [...root.querySelectorAll(".title")], score: find("canvas.score"), loss: find("canvas.loss"),
      legend: find(".legend"), numbers: find(".numbers"), live: find(".live"),
    };
    this.listen();
    this.leave = onFeeds(id, () => this.receive());
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  listen() {
    const { map, canvas, keys, help } = this.el;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.root);
    let grip = null;
    canvas.onpointerdown = (e) => {
      if (e.button) return;
      grip = { x: e.offsetX, y: e.offsetY, moved: false };
      canvas.setPointerCapture(e.pointerId);
      this.root.classList.add("active");
    };
    canvas.onpointermove = (e) => {
      if (!grip) return this.point(this.near(e.offsetX, e.offsetY));
      const [dx, dy] = [e.offsetX - grip.x, e.offsetY - grip.y];
      if (!grip.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
      grip = { x: e.offsetX, y: e.offsetY, moved: true };
      map.classList.add("held");
      this.point(null);
      const { x, y, scale } = this.view;
      this.move({ x: x - dx / scale, y: y + dy / scale, scale });
    };
    canvas.onpointerup = canvas.onpointercancel = (e) => {
      if (grip && !grip.moved && e.type === "pointerup") this.start(this.near(e.offsetX, e.offsetY), e.offsetX, e.offsetY);
      grip = null;
      map.classList.remove("held");
    };
    canvas.onpointerleave = () => grip ?? this.point(null);
    canvas.addEventListener("wheel", (e) => {  // the page scrolls until the map has been touched
      if (!this.root.classList.contains("active") && !e.ctrlKey) return;
      e.preventDefault();
      this.zoom(Math.exp(-e.deltaY * 0.0015), e.offsetX, e.offsetY);
    }, { passive: false });
    canvas.ondblclick = (e) => e.preventDefault();
    for (const curve of [this.el.score, this.el.loss]) {
      curve.onpointermove = (e) => this.point(this.nearStep(curve, e.offsetX, e.offsetY));
      curve.onpointerleave = () => this.point(null);
    }
    this.keyed = {
      "+": () => this.zoom(1.25), "-": () => this.zoom(0.8), r: () => this.move(null), t: () => this.move(this.around(this.data.runs.flatMap((run) => run.places))), "?": () => keys.toggleAttribute("hidden"),
      Escape: () => { keys.hidden = true; this.point(null); },
      ArrowLeft: () => this.walk(-1, 0), ArrowRight: () => this.walk(1, 0), ArrowUp: () => this.walk(0, 1), ArrowDown: () => this.walk(0, -1),
      Enter: () => this.hot?.network !== undefined && this.start(this.hot),
    };
    this.forgetKeys = hearKeys(this);
  }

  start(hot, x, y) {  // the next run is to start here
    if (!this.data.start) return;
    const network = hot?.network ?? hot?.start;
    const where = network !== undefined ? { network } : { at: this.place(x, y).map((v) => Number(v.toPrecision(4))) };
    this.kept.clicks += 1;
    this.setStateValue("start", { ...where, click: this.kept.clicks });
  }

  walk(dx, dy) {  // to the nearest network in a direction
    if (!this.points) return;
    const from = this.hot?.network !== undefined ? this.points.points[this.hot.network] : [this.view.x, this.view.y];
    let best = null, least = Infinity;
    this.points.points.forEach(([x, y], network) => {
      const [along, across] = [(x - from[0]) * dx + (y - from[1]) * dy, Math.abs((x - from[0]) * dy) + Math.abs((y - from[1]) * dx)];
      if (along <= 1e-9 || along + 2 * across >= least) return;
      [best, least] = [{ network }, along + 2 * across];
    });
    if (!best) return;
    this.point(best);
    const [x, y] = this.screen(this.points.points[best.network]);
    if (x < 10 || y < 10 || x > this.width - 10 || y > this.height - 10)
      this.move({ ...this.view, x: this.points.points[best.network][0], y: this.points.points[best.network][1] });
    this.el.live.textContent = this.el.tip.textContent;
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const all = this.everything()?.scale ?? 1;
    const scale = Math.max(all / 4, Math.min(all * FAR, this.view.scale * factor));
    const [px, py] = this.place(x, y);
    this.move({ x: px - (x - this.width / 2) / scale, y: py + (y - this.height / 2) / scale, scale });
  }

  move(view) {
    this.kept.view = view;
    this.redraw();
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    if (this.kept.map !== data.map.split("|")[0]) this.kept.view = null;  // another space
    this.kept.map = data.map.split("|")[0];
    if (this.data?.map !== data.map) this.points = this.hot = null;
    this.data = data;
    for (const part of ["board", "numbers"]) this.root.classList.toggle(`${part}-alone`, data.part === part);
    data.runs.forEach((run, k) => Object.assign(run, { style: STYLES[k % STYLES.length], rank: k }));
    this.receive();
  }

  receive() {
    if (!this.data) return;
    const feed = hub.feeds.get(this.id)?.get("map");
    if (feed?.header.path === this.data.map) this.points = feed.header;
    this.write();
    this.redraw();
  }

  // -- where things are -----------------------------------------------------------------------------------------

  get view() {
    return this.kept.view ?? this.everything() ?? { x: 0, y: 0, scale: 1 };
  }

  everything() {
    const start = this.data.start ? [this.data.start.place] : [];
    return this.around([...(this.points?.points ?? []), ...this.data.runs.flatMap((run) => run.places), ...start]);
  }

  around(places) {  // a view of these; null where there are none
    if (!places.length || !this.width) return places.length ? { x: 0, y: 0, scale: 1 } : null;
    const [xs, ys] = [0, 1].map((k) => places.map((place) => place[k]));
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min((this.width - 90) / (right - left || 1), (this.height - 70) / (high - low || 1));
    return { x: (left + right) / 2, y: (low + high) / 2, scale };
  }

  screen([x, y]) {
    const { view } = this;
    return [this.width / 2 + (x - view.x) * view.scale, this.height / 2 - (y - view.y) * view.scale];
  }

  place(x, y) {
    const { view } = this;
    return [view.x + (x - this.width / 2) / view.scale, view.y - (y - this.height / 2) / view.scale];
  }

  near(x, y) {  // the network or the step of a run at the pointer
    let best = null, least = REACH;
    const offer = (place, hot) => {
      const [px, py] = this.screen(place);
      const far = Math.hypot(px - x, py - y);
      if (far < least) [best, least] = [hot, far];
    };
    this.points?.points.forEach((place, network) => offer(place, { network }));
    this.data.runs.forEach((run, k) => run.places.forEach((place, line) => offer(place, { run: k, line })));
    return best;
  }

  nearStep(canvas, x, y) {
    const { at, up } = canvas.scales ?? {};
    let best = null, least = Infinity;
    this.data.runs.forEach((run, k) => run.at.forEach((step, line) => {
      const value = canvas === this.el.score ? run.scores[line] : null;
      const far = Math.abs(at?.(step) - x) + (value === null || !up ? 0 : 0.2 * Math.abs(up(value) - y));
      if (far < least) [best, least] = [{ run: k, line }, far];
    }));
    return best;
  }

  point(hot) {  // what the pointer or the keys are at; map and curves show it together
    if (JSON.stringify(hot) === JSON.stringify(this.hot)) return;
    this.hot = hot;
    this.redraw();
  }

  // -- words ----------------------------------------------------------------------------------------------------

  get ink() {
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim() || "#888";
    return { text: colour("text"), border: colour("border"), paper: colour("background"), font: style.fontFamily };
  }

  colourOf(run) {
    return run.style.colour ?? this.ink.text;
  }

  write() {
    const { data, el } = this;
    const { shares, runs, archs, range, shapes, score } = data;
    const share = (v) => `${(100 * v).toFixed(v < 0.1 ? 1 : 0)} % of the variance`;
    el.x.textContent = shares ? `first component, ${share(shares[0])} →` : "";
    el.y.textContent = shares ? `↑ second component, ${share(shares[1])}` : "";
    el.message.hidden = !!this.points;
    el.message.textContent = data.embedded < 1 ? `embedding the networks of this zoo, ${Math.round(100 * data.embedded)} %` : "";
    el.map.querySelector("[data-key=t]").hidden = !runs.some((run) => run.places.length);
    const begun = runs.some(lines);
    el.curves.classList.toggle("without", !begun);
    el.hint.textContent = runs.length ? WAITING[runs[0].state] ?? "This run ended before anything was measured."
      : data.start ? "No run in this space yet. Click the map where one should start, say what its network is to do, and launch it: its path through the space, its loss and its score appear here."
      : "No run in this space yet.";
    this.writeLegend(archs, range, runs);
    this.writeNumbers();
    const [scores, losses] = el.titles;
    scores.innerHTML = `<b>${shapes ? "IoU with the target" : "Accuracy"}</b><span class="over">on validation ${shapes ? "points" : "images"}, over steps</span>`;
    const single = runs.length === 1 ? Object.keys(runs[0].terms) : [];
    losses.innerHTML = `<b>Loss</b>${single.map((name, k) => `<span title="${escaped(data.terms[name]?.[1] ?? name)}">${stroke(this.colourOf(runs[0]), TERM_DASHES[k % 3], 22)}${escaped(data.terms[name]?.[0] ?? name)}</span>`).join("") || `<span class="over">${runs.length ? "sum of its terms, over steps" : ""}</span>`}`;
    const first = runs[0];
    Object.assign(this.root.dataset, {
      points: this.points?.points.length ?? 0, runs: runs.length, lines: first ? lines(first) : 0, step: first?.at.at(-1) ?? "",
      state: first?.state ?? "", start: data.start?.where ?? "",
    });
  }

  writeLegend(archs, range, runs) {
    const { text } = this.ink;
    const { splits = [], held = [] } = this.points ?? {};
    const others = [...new Set(splits.filter((_, i) => held[i]))];
    const part = [];
    if (archs.length) part.push(...archs.map(({ name, colour, mark }) => `<span>${drawing(mark, colour, true)}${escaped(name)}</span>`));
    else if (range) part.push(`<span title="Of the networks of the zoo, as it records it">test accuracy ${range[0].toFixed(2)} <i class="ramp" style="background:linear-gradient(90deg,${RAMP})"></i> ${range[1].toFixed(2)}</span>`);
    part.push(`<span>${drawing("circle", text, true)}train</span>`);
    if (others.length) part.push(`<span>${drawing("circle", text, false)}${escaped(others.join(", "))}</span>`);
    if (runs.length) part.push(`<span>${drawing("square", text, false)}start</span><span>${drawing("circle", text, true)}now</span><span>${drawing("star", text, true)}best</span>`);
    if (this.data.start) part.push(`<span>${drawing("diamond", "#0f9d8a", false)}next start</span>`);
    this.el.legend.innerHTML = part.join("");
  }

  writeNumbers() {
    const { runs, reference, shapes } = this.data;
    if (!runs.length) return this.el.numbers.replaceChildren();
    const narrow = this.data.part === "numbers";  // beside the board
    const measured = shapes ? "IoU" : "accuracy";
    const sure = runs.some((run) => run.sure.some((v) => v !== null));
    const count = Math.max(...runs.map((run) => run.count));
    const cell = (v, under = "", title = "") => `<td${title ? ` title="${escaped(title)}"` : ""}><b>${number(v)}</b>${under ? `<i>${escaped(under)}</i>` : ""}</td>`;
    const test = (run, key) => {
      const found = run.tests[key];
      return found ? cell(found.value, found.low === undefined ? "" : `${number(found.low)}–${number(found.high)}`) : "<td>–</td>";
    };
    const head = [
      ["run", "A run's name and state; its line on the map and in the curves"],
      ["start", `Of the network decoded where the run starts: ${measured} on validation ${shapes ? "points" : "images"}`],
      ["now", "The same of the last step that was measured"], ["best", "The same of the best step; by this, and nothing else, the best is selected"],
      ...(narrow ? [] : [["moved", "Distance of the embedding from its start, at the last step"]]),
      ...(sure ? [["architecture", "Predicted for the embedding of the last step, and with what probability"]] : []),
      ["start", "Of the network decoded where it starts, on test data, measured once at the end"],
      ["best", "Of the best network, on test data that nothing was selected by, measured once at the end"],
      ...(shapes ? [] : [["original", "Of the network itself from whose embedding it starts, before encoding"]]),
    ];
    const between = narrow && !sure ? "" : `<th colspan="${!narrow + sure}"></th>`;
    const words = count ? `, n = ${count.toLocaleString("en")}` : "";
    const rows = runs.map((run) => {
      const last = lines(run) - 1, best = run.best;
      const far = run.at[last] === undefined ? "" : ` · step ${run.at[last]}${run.steps ? ` of ${run.steps}` : ""}`;
      return `<tr><td title="${escaped(run.details)}"><span class="run">${stroke(this.colourOf(run), run.style.dash, 30)}<span>${runs.length > 1 ? `${run.rank + 1} ` : ""}${escaped(run.title)}</span></span><i>${escaped(run.words + far)}</i></td>`
        + cell(run.scores[0]) + cell(run.scores[last]) + cell(best === null ? null : run.scores[best], best === null ? "" : `step ${run.at[best]}`)
        + (narrow ? "" : `<td>${number(run.moved[last], 2)}</td>`) + (sure ? `<td>${escaped(run.architectures[last] ?? "–")}<i>${run.sure[last] === null ? "" : number(run.sure[last], 2)}</i></td>` : "")
        + test(run, "start") + test(run, "best") + (shapes ? "" : test(run, "original")) + "</tr>";
    });
    if (reference) rows.push(`<tr title="The zoo's network of the highest validation accuracy, as the zoo records it"><td><span class="run"><svg></svg><span>${escaped(reference.name)}</span></span><i>best of the zoo on validation images</i></td><td></td><td></td>${cell(reference.validation)}${narrow ? "" : "<td></td>"}${sure ? "<td></td>" : ""}<td></td>${cell(reference.test)}<td></td></tr>`);
    const titles = head.map(([name, help]) => `<th title="${escaped(help)}"><span>${name}</span></th>`).join("");
    const groups = `<tr><th></th><th class="group" colspan="3"><span>${shapes ? "IoU on validation points" : "accuracy on validation images"}</span></th>${between}<th class="group" colspan="${shapes ? 2 : 3}"><span>on test ${shapes ? "points" : "images"}${words}</span></th></tr>`;
    const html = `<table>${groups}<tr>${titles}</tr>${rows.join("")}</table>`;
    if (this.numbers !== html) this.el.numbers.innerHTML = this.numbers = html;
  }

  told(hot) {  // title and words of what is pointed at
    const { runs, shapes, score } = this.data;
    if (hot.network !== undefined) {
      const { names, words, splits } = this.points;
      return [names[hot.network], `${words[hot.network]}; ${splits[hot.network]}`, ...(this.data.start ? ["click: start here"] : [])];
    }
    const run = runs[hot.run], k = hot.line;
    const which = k === 0 ? "start" : k === run.best ? "best" : "";
    return [
      `${run.title}, step ${run.at[k]}${which ? `, ${which}` : ""}`,
      `${score} ${number(run.scores[k])} on validation ${shapes ? "points" : "images"}`,
      `moved ${number(run.moved[k], 2)}${run.sure[k] === null ? "" : `; ${run.architectures[k]} with probability ${number(run.sure[k], 2)}`}`,
    ];
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  redraw() {
    drawSoon(this);
  }

  draw() {
    this.drawMap();
    const { runs, reference } = this.data;
    const planned = Math.max(1, ...runs.map((run) => (["queued", "running"].includes(run.state) ? run.steps : run.at.at(-1) ?? run.steps)));
    const scores = runs.flatMap((run) => run.scores).filter((v) => v !== null);
    const marks = reference ? [{ value: reference.validation, words: `best of the zoo ${number(reference.validation)}` }] : [];
    this.drawCurves(this.el.score, planned, runs.map((run) => [{ run, values: run.scores, dash: run.style.dash, star: run.best }]), scores, marks, false, 1.004);
    const single = runs.length === 1;
    const losses = runs.map((run) => {
      const names = Object.keys(run.terms);
      if (single) return names.map((name, k) => ({ run, values: run.terms[name], dash: TERM_DASHES[k % 3] }));
      const sums = run.at.map((_, k) => names.reduce((sum, name) => (sum === null || run.terms[name][k] === null ? null : sum + run.terms[name][k]), names.length ? 0 : null));
      return [{ run, values: sums, dash: run.style.dash }];
    });
    const known = losses.flat().flatMap(({ values }) => values).filter((v) => v !== null);
    this.drawCurves(this.el.loss, planned, losses, known, [], known.length > 0 && Math.min(...known) > 0 && Math.max(...known) > 12 * Math.min(...known));
  }

  drawMap() {
    this.root.dataset.zoomed = !!this.kept.view;
    const { pen, width, height } = sheet(this.el.canvas);
    [this.width, this.height] = [width, height];
    if (!width) return;
    const { text, border, paper, font } = this.ink;
    const { archs, range, runs, start } = this.data;
    const { view } = this;
    Object.assign(pen, { font: `10.5px ${font}`, fillStyle: text, strokeStyle: border, lineWidth: 1, textBaseline: "middle" });
    for (const [k, size] of this.points ? [[0, width], [1, height]] : []) {  // a grid with its numbers
      const from = k ? view.y - height / 2 / view.scale : view.x - width / 2 / view.scale;
      const { found, digits } = steps(from, from + size / view.scale, size / 70);
      for (const value of found) {
        const [x, y] = this.screen(k ? [view.x, value] : [value, view.y]);
        pen.globalAlpha = 0.6;
        trace(pen, k ? [[0, y], [width, y]] : [[x, 0], [x, height]]);
        pen.globalAlpha = 0.6;
        pen.textAlign = k ? "left" : "center";
        if (k ? y > 40 && y < height - 30 : x > 40 && x < width - 50) pen.fillText(value.toFixed(digits), k ? 6 : x, k ? y - 7 : height - 10);
      }
    }
    pen.globalAlpha = 1;
    if (this.points) {
      const { points, held, values, archs: whose } = this.points;
      const radius = points.length > 2000 ? 2.5 : points.length > 500 ? 3.5 : 4.5;
      const colour = (i) => archs.length ? archs[whose[i]].colour : range && values[i] !== null ? ramp((values[i] - range[0]) / (range[1] - range[0] || 1)) : "#7c8b99";
      for (const hollow of [true, false])
        points.forEach((place, i) => {
          if (held[i] !== hollow) return;
          const [x, y] = this.screen(place);
          outline(pen, archs[whose[i]]?.mark ?? "circle", x, y, radius);
          if (hollow) {
            Object.assign(pen, { strokeStyle: text, lineWidth: 3.4, globalAlpha: 0.35, fillStyle: paper });
            pen.stroke();
            pen.globalAlpha = 1;
            pen.fill();
            Object.assign(pen, { strokeStyle: colour(i), lineWidth: 2 });
            pen.stroke();
          } else {
            Object.assign(pen, { fillStyle: colour(i), strokeStyle: text, lineWidth: 0.8 });
            pen.fill();
            pen.globalAlpha = 0.45;
            pen.stroke();
            pen.globalAlpha = 1;
          }
        });
    }
    [...runs].reverse().forEach((run) => this.drawRun(pen, run, paper, runs.length > 1, font));
    if (start) {
      const [x, y] = this.screen(start.place);
      for (const [colour, wide] of [[paper, 5], ["#0f9d8a", 2.2]]) {
        Object.assign(pen, { strokeStyle: colour, lineWidth: wide });
        outline(pen, "diamond", x, y, 8);
        pen.stroke();
      }
    }
    this.drawTip(pen, text);
  }

  drawRun(pen, run, paper, several, font) {
    const places = run.places.map((place) => this.screen(place));
    if (!places.length) return;
    const colour = this.colourOf(run);
    Object.assign(pen, { lineJoin: "round", lineCap: "round" });
    for (const [ink, wide, dash] of [[paper, 5.5, []], [colour, 2.4, run.style.dash]]) {
      Object.assign(pen, { strokeStyle: ink, lineWidth: wide });
      pen.setLineDash(dash);
      trace(pen, places);
    }
    pen.setLineDash([]);
    pen.lineCap = "butt";
    places.forEach(([x, y]) => {  // a dot a measurement
      pen.fillStyle = colour;
      outline(pen, "circle", x, y, 2.9);
      pen.fill();
    });
    const mark = (kind, [x, y], radius, inside) => {
      outline(pen, kind, x, y, radius);
      Object.assign(pen, { strokeStyle: paper, lineWidth: 4.5, fillStyle: inside });
      pen.stroke();
      pen.fill();
      Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
      pen.stroke();
    };
    mark("square", places[0], 4.5, paper);
    mark("circle", places.at(-1), 5, colour);
    if (run.best !== null && places[run.best]) mark("star", places[run.best], 7, colour);
    if (["queued", "running"].includes(run.state)) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: 1.5, globalAlpha: 0.6 });
      outline(pen, "circle", ...places.at(-1), 11);
      pen.stroke();
      pen.globalAlpha = 1;
    }
    if (!several) return;
    const [x, y] = places.at(-1);
    Object.assign(pen, { font: `700 12px ${font}`, textAlign: "left", strokeStyle: paper, lineWidth: 4, fillStyle: colour });
    pen.strokeText(run.rank + 1, x + 9, y - 9);
    pen.fillText(run.rank + 1, x + 9, y - 9);
  }

  drawTip(pen, text) {
    const { tip } = this.el;
    const place = this.hot && (this.hot.network !== undefined ? this.points?.points[this.hot.network] : this.data.runs[this.hot.run]?.places[this.hot.line]);
    tip.hidden = !place;
    if (!place) return;
    const [x, y] = this.screen(place);
    Object.assign(pen, { strokeStyle: text, lineWidth: 1.5 });
    outline(pen, "circle", x, y, 9);
    pen.stroke();
    const [title, ...more] = this.told(this.hot);
    tip.innerHTML = `<b>${escaped(title)}</b>${more.map((words) => `<i>${escaped(words)}</i>`).join("")}`;
    const { offsetWidth: wide, offsetHeight: tall } = tip;
    tip.style.left = `${Math.max(4, Math.min(this.width - wide - 4, x + 14 + wide > this.width ? x - 14 - wide : x + 14))}px`;
    tip.style.top = `${Math.max(4, Math.min(this.height - tall - 4, y - tall / 2))}px`;
  }

  drawCurves(canvas, planned, groups, known, marks, log, limit = Infinity) {
    const { pen, width, height } = sheet(canvas);
    if (!width) return;
    const { text, border, paper, font } = this.ink;
    const [left, right, top, low] = [38, width - 10, 10, height - 20];
    const all = [...known, ...marks.map(({ value }) => value)];
    const to = log ? Math.log10 : (v) => v;
    let [least, most] = all.length ? [Math.min(...all.map(to)), Math.max(...all.map(to))] : [0, 1];
    const room = (most - least) * 0.07 || 0.05;
    [least, most] = [least - room, Math.min(most + room, limit)];
    const x = (step) => left + (step / planned) * (right - left);
    const y = (value) => low - ((to(value) - least) / (most - least)) * (low - top);
    canvas.scales = { at: x, up: y };
    Object.assign(pen, { font: `10.5px ${font}`, textBaseline: "middle", lineWidth: 1, fillStyle: text, strokeStyle: border, lineJoin: "round" });
    const { found, digits } = steps(least, most, Math.max(3, height / 34));
    const ticks = log
      ? Array.from({ length: Math.floor(most) - Math.floor(least) + 1 }, (_, k) => Math.floor(least) + k).flatMap((e) => [1, 3].map((k) => k * 10 ** e)).filter((v) => to(v) >= least && to(v) <= most)
      : found;
    pen.textAlign = "right";
    for (const value of all.length ? ticks : []) {
      trace(pen, [[left, y(value)], [right, y(value)]]);
      pen.globalAlpha = 0.8;
      pen.fillText(log ? (value >= 0.01 ? Number(value.toPrecision(2)) : value.toExponential(0)) : value.toFixed(digits), left - 6, y(value));
      pen.globalAlpha = 1;
    }
    trace(pen, [[left, low], [right, low]]);
    pen.globalAlpha = 0.8;
    if (groups.length) steps(0, planned, Math.max(2, width / 90)).found.forEach((step, k, every) => {
      pen.textAlign = k === 0 ? "left" : x(step) > right - 12 ? "right" : "center";
      pen.fillText(Math.round(step), x(step), height - 9);
    });
    pen.globalAlpha = 1;
    for (const { value, words } of marks) {
      Object.assign(pen, { strokeStyle: text, textAlign: "left", lineWidth: 1.2 });
      pen.setLineDash([1, 4]);
      trace(pen, [[left, y(value)], [right, y(value)]]);
      pen.setLineDash([]);
      const up = y(value) - 8 > top - 4 ? y(value) - 8 : y(value) + 9;
      Object.assign(pen, { strokeStyle: paper, lineWidth: 4 });
      pen.strokeText(words, left + 4, up);
      pen.fillText(words, left + 4, up);
    }
    for (const { run, values, dash, star } of groups.flat().reverse()) {
      const colour = this.colourOf(run);
      const places = values.map((v, k) => (v === null ? null : [x(run.at[k]), y(v)]));
      Object.assign(pen, { strokeStyle: colour, lineWidth: 2, fillStyle: colour });
      pen.setLineDash(dash);
      trace(pen, places);
      pen.setLineDash([]);
      places.forEach((place, k) => {  // a point with unknown neighbours is a line of no length
        if (!place || places[k - 1] || places[k + 1]) return;
        outline(pen, "circle", ...place, 2.5);
        pen.fill();
      });
      const marked = (place, kind, radius) => {
        if (!place) return;
        outline(pen, kind, ...place, radius);
        Object.assign(pen, { strokeStyle: paper, lineWidth: 3 });
        pen.stroke();
        pen.fill();
      };
      if (star !== undefined && star !== null) marked(places[star], "star", 6);
      if (this.hot?.line !== undefined && this.data.runs[this.hot.run] === run) marked(places[this.hot.line], "circle", 4);
    }
  }

  dispose() {
    this.observer.disconnect();
    this.forgetKeys();
    this.leave();
  }
}

export default mounted(Optimise, ".optimise");
