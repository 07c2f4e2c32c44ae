// The map of a zoo's embeddings. The graphics card draws the points; what is told of them lies on a canvas above.

import { channelsOf, inkOf, listed, sheet } from "../shared/canvas.js";
import { letGo } from "../shared/gl.js";
import { feedsOf, hear, unpacked } from "../shared/hub.js";
import { MapView } from "../shared/mapview.js";
import { fitting } from "../shared/panzoom.js";
import { mounted, Stopwatch } from "../shared/view.js";
import { escaped, many, rounded } from "../shared/words.js";
import { arranged, drawBadges, labelled, leader, lettered, named } from "./map/badges.js";
import { roping } from "./map/lasso.js";
import { figure, footHtml, looksHtml, pictureHtml } from "./map/legend.js";
import { categories, floats, lookOf, styled } from "./map/look.js";
import { drawArea, drawNeighbours, drawOrbit, drawPath, drawPicked, drawRing } from "./map/overlay.js";
import { Places } from "./map/places.js";
import { Points, WARNED } from "./map/points.js";
import { Twin } from "./map/twin.js";

const REACH = 12;  // of the pointer, pixels
const STILL = 180;  // milliseconds after which a view that moved is drawn with all its points
const FEW = 4000;  // points that are always drawn
const GLIDE = 450;  // milliseconds in which networks go from their place on one map to that on the next
const ANSWER = 3000;  // milliseconds after which Python is asked again
const REST = 500;  // milliseconds until Python hears of a view
const NONE = new Uint8Array(0);
const NAMED = 8;  // networks that a filter leaves which are named on the map
const TOOLS = { v: null, b: "box", l: "lasso" };

class ZooMap extends MapView {
  far = 400;

  constructor(root, id) {
    // what hands have done, and what Python has heard of it
    super(root, id, ".over", { view: null, tool: "v", hidden: new Set(), picked: null, place: null, polygon: null, clicks: 0, answered: 0, selects: 0, waiting: [], hot: -1 });
  }

  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, { ground: find(".ground"), points: find(".points"), chosen: find(".chosen"), found: find(".found"), legend: find(".looks"), foot: find(".foot"), tools: [...this.root.querySelectorAll(".tools button")] });
    this.stopwatch = new Stopwatch();
    this.share = 1;
    this.remaining = NONE;  // 1 for networks that a filter leaves; empty without one
    const { chosen, legend, points } = this.el;
    points.addEventListener("webglcontextlost", (e) => e.preventDefault());
    points.addEventListener("webglcontextrestored", () => {
      this.cloud = this.placed = this.looked = null;
      this.receive();
    });
    chosen.querySelector("button").onclick = () => this.select("none", []);
    legend.onclick = (e) => {
      const chip = e.target.closest(".chip");
      if (chip) this.hide(Number(chip.dataset.category), e.shiftKey);
    };
    this.twin = new Twin(this);
    this.leaveFrames = hear("frame", ({ id, frame, steps }) => {  // the slider of the path that is drawn
      if (this.data?.path?.follows !== id || this.data.path.places.length !== steps) return;
      this.frame = frame;
      this.redraw();
    });
  }

  // -- hands ----------------------------------------------------------------------------------------------------

  keyed(e) {
    return {
      ...super.keyed(e),
      v: () => this.take("v"), b: () => this.take("b"), l: () => this.take("l"), Escape: () => this.escape(),
      Enter: () => this.hot >= 0 && this.pick({ network: this.hot }),
    };
  }

  keyRows() {
    const lift = this.data.liftable ? [["click an empty place", "decode it"]] : [];
    return [
      ...super.keyRows(), ["Enter", "show this network, as a click does"], ...lift, [["V", "B", "L"], "move, select with a box, with a lasso"],
      ["Shift and drag", "select with a box"], ["Esc", "clear the selection, then what is shown"],
    ];
  }

  escape() {
    const { kept, el } = this;
    if (this.hand.drop()) this.rope = null;
    else if (!el.keys.hidden) el.keys.hidden = true;
    else if (this.area) this.select("none", []);
    else if (kept.picked !== null || kept.place) this.pick({ none: true });
    this.pointAt(-1);
    this.redraw();
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

  tool({ shiftKey, offsetX, offsetY }) {
    const kind = TOOLS[shiftKey ? "b" : this.kept.tool];
    return kind && roping(kind, offsetX, offsetY, {
      draw: (corners) => {
        this.rope = corners;
        this.el.map.classList.toggle("drawing", !!corners || this.kept.tool !== "v");
        this.redraw();
      },
      done: (corners) => this.select(kind, corners.map(([x, y]) => this.hand.place(x, y).map((v) => rounded(v)))),
    });
  }

  hover(x, y) {
    this.pointAt(this.near(x, y), false);
  }

  leave() {
    this.pointAt(-1);
  }

  click(x, y) {
    const network = this.near(x, y);
    if (network >= 0) this.pick({ network });
    else if (this.data.liftable) this.pick({ at: this.hand.place(x, y).map((v) => rounded(v)) });
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
    if (this.twin.kept) this.twin.kept.polygon = null;
    this.setStateValue("select", { tool, polygon, click: kept.selects });
    this.receive();
    this.twin.tell();
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
    if (this.twin.kept) this.twin.kept.hidden = new Set(hidden);
    this.styled = false;
    this.receive();
    this.twin.tell();
  }

  mirror() {  // what hands did on the map beside this one
    const hidden = [...this.kept.hidden].join();
    if (this.hiding !== hidden) this.styled = false;
    this.receive();
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
      const shown = this.kept.view;
      this.setStateValue("view", shown && { x: rounded(shown.x), y: rounded(shown.y), scale: rounded(shown.scale, 4) });
    }, REST);
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  update(data, setStateValue) {
    const { kept } = this, before = this.data, first = kept.token === undefined, { view } = kept;
    this.setStateValue = setStateValue;
    if (before && before.points !== data.points && this.ready) this.former = { map: kept.map, places: this.places, view: this.view, kept: kept.view, look: this.look.path };
    if (!first && kept.map !== data.points) [kept.view, kept.hot] = [null, -1];  // other coordinates
    if (kept.token !== data.token) kept.view = data.view ?? null;
    [kept.map, kept.token] = [data.points, data.token];
    if (view !== kept.view || before?.grid !== data.grid) this.stale = true;
    if (JSON.stringify(data.path) !== JSON.stringify(before?.path)) this.frame = null;
    if (before?.points !== data.points) this.atlas = null;
    this.data = data;
    this.hear(data);
    this.root.classList.toggle("twin", !!data.twin);
    this.el.map.classList.toggle("liftable", data.liftable);
    this.take(kept.tool);
    this.receive();
  }

  hear(data) {  // which clicks are answered; Python's word holds where no newer click waits
    const { kept } = this;
    const place = data.extra?.place ?? null;
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
    if (!this.data) return;
    this.cloud ??= new Points(this.el.points, this.data.marks);
    this.el.map.classList.toggle("without-gl", !this.cloud.gl);
    if (!this.cloud.gl) return;
    const { data } = this, feeds = feedsOf(this.id);
    const feed = (name, path) => (feeds.get(name)?.header.path === path ? feeds.get(name) : null);
    const points = feed("points", data.points), look = feed("look", data.look), names = feed("names", data.points), atlas = feed("atlas", data.points);
    if (points && this.placed !== points) this.place(points);
    if (look && this.looked !== look) {
      this.looked = look;
      const title = look.header.colour?.title;
      if (this.kept.coloured !== title) this.kept.hidden.clear();
      this.kept.coloured = title;
      this.look = lookOf(look);
      this.styled = false;
    }
    const filter = data.filter ? feed("filter", data.filter) : null;
    if (this.filtered !== filter && (filter || !data.filter)) {
      this.filtered = filter;
      this.remaining = filter?.body ?? NONE;
      this.styled = false;
    }
    if (names && this.named !== names) this.read(names);
    if (atlas && this.pictured !== atlas) {
      this.pictured = atlas;
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = URL.createObjectURL(new Blob([atlas.body], { type: atlas.body[0] === 0x89 ? "image/png" : "image/webp" }));
    }
    this.atlas = atlas?.header ?? null;
    if (!this.styled || this.insideOf !== this.area) this.restyle();
    this.write();
    this.redraw();
  }

  place(points) {
    this.placed = points;
    const places = new Places(floats(points.body, 2 * points.header.count)), { former } = this;
    if (former?.kept && former.kept === this.kept.view) this.kept.view.scale *= this.allOf(former.places).scale / this.allOf(places).scale;
    this.places = places;
    this.cloud.fill(0, places.xy);
    this.roped = null;
    this.styled = false;
  }

  async read(feed) {
    this.named = feed;
    this.decoded = { path: feed.header.path, words: await unpacked(feed.body).json() };
    this.redraw();
  }

  get names() {
    return this.decoded?.path === this.data.points ? this.decoded.words : null;
  }

  get neighbours() {  // of the picked network: those in the space at once, those by function by a feed when they are found
    const header = feedsOf(this.id).get("function")?.header;
    const found = header && header.path === this.data.points && header.of === this.data.of ? header.ids : [];
    return [...this.data.neighbours, ...found.map((id) => ({ id, kind: "function" }))];
  }

  get orbit() {  // places of copies of the picked network, and what they are
    const found = feedsOf(this.id).get("orbit"), { orbit } = this.data;
    if (!orbit || found?.header.path !== orbit) return null;
    const xy = floats(found.body, 2 * found.header.count);
    return { words: found.header.words, places: Array.from({ length: found.header.count }, (_, k) => [xy[2 * k], xy[2 * k + 1]]) };
  }

  // -- where things are -----------------------------------------------------------------------------------------

  get area() {  // what selects networks: an area of this map, or the networks selected on the one beside it
    return this.kept.polygon ?? (this.twin.ids && this.twin.rope);
  }

  get ready() {
    return !!this.places?.count && this.placed.header.path === this.data.points && this.look?.count === this.places.count;
  }

  get left() {  // the picture of the map before, until this one is there
    return !this.ready && !this.data.message && !!this.placed && this.placed.header.path !== this.data.points && this.seen !== undefined;
  }

  get count() {
    return this.places.count;
  }

  at(i) {
    return this.shown[i] ? this.places.of(i) : undefined;
  }

  get hot() {  // what the pointer or the keys are at: of the next view too, where this one is mounted anew between two keys
    return this.kept.hot;
  }

  set hot(network) {
    this.kept.hot = network;
  }

  get walkedFrom() {
    return this.hot >= 0 ? this.hot : this.kept.picked;
  }

  get everything() {
    return this.allOf(this.places);
  }

  allOf(places) {
    return places && places.right >= places.left ? fitting(places, this.hand, [110, 80]) : { x: 0, y: 0, scale: 1 };
  }

  get view() {
    const { view } = this.kept;
    return view ? { x: view.x, y: view.y, scale: view.scale * this.everything.scale } : this.everything;
  }

  near(x, y) {
    return this.ready ? this.places.near(...this.hand.place(x, y), REACH / this.view.scale, this.shown) : -1;
  }

  pointAt(network, asked = true) {  // what the pointer or the keys are at
    if (network === this.hot) return;
    if (asked || network !== this.clicked) this.clicked = null;
    this.hot = network;
    this.el.surface.classList.toggle("hot", network >= 0);
    this.tell();
    this.redraw();
    this.twin.tell();
  }

  get hotPlace() {
    return this.ready && this.hot >= 0 && this.hot !== this.clicked ? this.places.of(this.hot) : null;
  }

  // -- how points look ------------------------------------------------------------------------------------------

  categories() {
    return categories(this.look, this.ink.value("unknown"));
  }

  restyle() {  // colours, what is shown, and in which order
    const { places, look, cloud, kept, ink } = this;
    if (!places || look?.count !== places.count) return;
    if (this.insideOf !== this.area || !this.roped) {
      kept.roped = kept.polygon && places.within(kept.polygon);
      this.roped = kept.roped ?? this.twin.roped ?? NONE;
      this.insideOf = this.area;
      if (kept.roped) this.twin.tell();
    }
    const left = this.remaining.length === places.count ? this.remaining : NONE;
    this.inside = left.length ? this.roped.map((v, i) => v & left[i]) : this.roped;
    this.found = left.length ? Array.from(left.keys()).filter((i) => left[i]) : null;
    this.selected = this.inside.reduce((sum, v) => sum + v, 0);
    this.styled = true;
    this.hiding = [...kept.hidden].join();
    const { colours, looks, shown, layers, order } = styled(look, places, { hidden: kept.hidden, roped: this.roped.length ? this.inside : NONE, left, ramp: listed(ink.value("ramp")), unknown: ink.value("unknown") });
    this.shown = shown;
    cloud.fill(1, colours);
    cloud.fill(2, looks);
    cloud.order(order, layers);
    if (this.hot >= 0 && !shown[this.hot]) this.hot = -1;
    if (this.former) this.glide();
    this.hidden = this.inside.reduce((sum, v, i) => sum + (v && !shown[i] ? 1 : 0), 0);
    this.stale = true;
  }

  glide() {  // the same networks as before, at other places: the eye can follow them
    const { former, places, cloud } = this;
    this.former = null;
    if (former.map === this.kept.map || former.places.count !== places.count || former.look !== this.data.look) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    cloud.fill(3, former.places.xy);
    this.gliding = { view: former.view, start: performance.now(), gone: 0 };
  }

  // -- words ----------------------------------------------------------------------------------------------------

  get ink() {
    return inkOf(this.root);
  }

  write() {
    const { data, el } = this;
    el.x.textContent = this.ready ? `${data.axes[0]} →` : "";
    el.y.textContent = this.ready ? `↑ ${data.axes[1]}` : "";
    const none = this.places && this.placed.header.path === data.points && !this.places.count;
    const words = data.message || (this.ready || this.left ? "" : none ? "There is no network to show." : "loading the map");
    el.message.hidden = !words;
    el.message.classList.toggle("beside", this.ready);
    el.message.classList.toggle("working", !data.message && !none);
    el.map.classList.toggle("empty", !this.ready && !this.left);
    el.message.innerHTML = escaped(words);
    el.chosen.hidden = !this.area || !this.ready;
    el.chosen.firstElementChild.textContent = this.chosenWords();
    el.found.hidden = !this.found || !this.ready;
    el.found.textContent = this.found ? `${many(this.found.length)} of ${many(this.places.count)} match` : "";
    this.writeLegend();
    this.tell();
  }

  chosenWords() {
    if (!this.area || !this.ready) return "selection cleared";
    const { selected, hidden } = this;
    return `${many(selected)} selected${hidden ? `, ${many(hidden)} of them hidden` : ""}`;
  }

  writeLegend() {
    const { look, data, kept, el, ink } = this, { text } = ink;
    const html = look && data.legend ? looksHtml(look, { all: this.categories(), hidden: kept.hidden, marks: data.marks, text, unknown: ink.value("unknown") }) : "";
    if (this.legend !== html) el.legend.innerHTML = this.legend = html;
    const kinds = new Set(this.neighbours.map(({ kind }) => kind));
    const foot = footHtml({ note: data.note, kinds, path: data.path, orbit: this.orbit?.words, text });
    if (this.foot !== foot) el.foot.innerHTML = this.foot = foot;
  }

  told(network) {  // name and words of what is pointed at
    const { names, look } = this, { colour, mark } = look, value = look.colours[network];
    const told = [names ? names.names[network] : `network ${network + 1}`];
    if (names) told.push([names.words[network], names.splits[network]].filter(Boolean).join("; "));
    const said = Number.isNaN(value) ? "not known" : colour.kind === "category" ? colour.categories[value]?.name : figure(colour.low + value * (colour.high - colour.low), colour);
    if (colour.title) told.push(`${colour.title} ${said}`);
    if (mark) told.push(`${mark.title} ${mark.names[look.marks[network]] ?? "not known"}`);
    if (look.flags[network] & WARNED && look.warned) told.push(look.warned);
    return told.filter(Boolean);
  }

  tell() {  // what tests and benchmarks read
    const { kept, ready } = this, { view } = kept;
    Object.assign(this.root.dataset, {
      count: ready ? this.places.count : 0, points: ready ? this.data.points : "", look: ready ? this.look.path : "", shown: ready ? this.cloud.count : 0,
      clicks: kept.clicks, answered: kept.answered, picked: kept.picked ?? (kept.place ? kept.place.join(",") : ""), hovered: this.hot >= 0 ? this.hot : "", echo: ready && this.twin.hot >= 0 ? this.twin.hot : "",
      selected: ready ? this.selected : 0, tool: kept.tool, view: view ? [view.x, view.y, view.scale].map((v) => rounded(v, 4)).join(",") : "", frame: this.data?.path ? this.frameNow : "",
      left: (ready && this.found?.length) ?? "", copies: (this.data && this.orbit?.places.length) ?? "",
      badges: ready ? JSON.stringify((this.badges ?? []).filter(({ to }) => to).map((badge) => ({ words: badge.words, to: badge.to, size: badge.size, led: !!leader(badge) }))) : "",
    });
  }

  get frameNow() {  // the step of the path where its slider is
    return this.frame ?? this.data.path.frame;
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    const { surface } = this.el, [width, height] = [surface.clientWidth, surface.clientHeight];
    if (!width) return;
    const begun = performance.now(), { ink } = this;
    const seen = [width, height, window.devicePixelRatio, ink.text, ink.paper, this.ready].join();
    if (seen !== this.seen) this.stale = true;
    this.seen = seen;
    Object.assign(this.hand, { width, height });
    if (this.stale && this.cloud?.gl) this.drawPoints(begun, ink);
    this.drawOver(ink);
    this.root.dataset.drawn = this.stopwatch.lap(performance.now() - begun).toFixed(1);
    this.tell();
  }

  drawPoints(begun, ink) {
    const { width, height } = this.hand, { pen } = sheet(this.el.ground);
    if (this.ready && this.data.grid) this.drawGrid(pen, ink);
    this.pace(begun);
    const { gliding } = this, passed = gliding ? (begun - gliding.start) / GLIDE : 1;
    this.gliding = passed < 1 ? Object.assign(gliding, { gone: passed * passed * (3 - 2 * passed) }) : null;
    const size = { width, height, ink: { text: channelsOf(ink.text), paper: channelsOf(ink.paper) } };
    if (this.ready) this.cloud.draw(this.view, { ...size, swell: this.swell, share: this.moving || this.gliding ? this.share : 1, glide: this.gliding });
    else if (!this.left) this.cloud.clear(size);
    this.stale = !!this.gliding;
    if (this.gliding) this.redraw();
  }

  pace(now) {  // where a browser draws too slowly to follow the hand, fewer points while the view moves
    const passed = now - (this.before ?? -Infinity);
    const going = this.moving || this.gliding;
    this.before = going ? now : -Infinity;
    if (passed > STILL || !going) return;
    if (passed > 50) this.share = Math.max(Math.min(1, FEW / this.cloud.count), this.share / 1.5);
    else if (passed < 25) this.share = Math.min(1, this.share * 1.2);
  }

  get swell() {  // many points are small, and grow where one looks nearer
    const { count } = this.places ?? { count: 0 };
    const least = count > 50000 ? 0.34 : count > 10000 ? 0.46 : count > 2000 ? 0.6 : count > 500 ? 0.8 : 1;
    return Math.min(1, least * Math.max(1, this.kept.view?.scale ?? 1) ** 0.4) * Math.max(0.65, Math.min(1, this.hand.width / 560));
  }

  drawOver(ink) {
    const { pen } = sheet(this.el.surface), { data, kept, places, hand } = this;
    if (this.ready) {
      const on = (i) => (i !== null && i !== undefined && places.known[i] ? hand.screen(places.of(i)) : null);
      Object.assign(pen, { lineJoin: "round", lineCap: "round", textAlign: "center", textBaseline: "middle" });
      if (kept.polygon && !this.rope) drawArea(pen, kept.polygon.map((corner) => hand.screen(corner)), ink.primary, false);
      if (data.path) drawPath(pen, data.path.places.map((place) => (place.every(Number.isFinite) ? hand.screen(place) : null)), data.path, this.frameNow, ink.paper);
      const answered = !kept.waiting.length;
      const from = on(kept.picked) ?? (kept.place ? hand.screen(kept.place) : null);
      if (from && answered) drawNeighbours(pen, from, this.neighbours.map(({ id, kind }) => ({ to: on(id), kind })).filter(({ to }) => to), ink);
      const copies = (from && answered && this.orbit?.places) || [];
      drawOrbit(pen, copies.filter((place) => place.every(Number.isFinite)).map((place) => hand.screen(place)), ink);
      if (from) drawPicked(pen, from, !!on(kept.picked), ink);
      if (on(this.twin.hot)) drawRing(pen, on(this.twin.hot), ink);
      this.drawBadges(pen, on, ink);
      if (this.rope) drawArea(pen, this.rope, ink.primary, true);
    }
    this.drawTip(pen, ink, this.hotPlace ? pictureHtml(this.atlas, this.url, this.hot) : "");
  }

  drawBadges(pen, on, ink) {  // those that matter most first: they have the first choice of place
    const { data, kept, hand, look, names } = this, list = [];
    const add = (at, make) => at && list.push(make(at));
    const letter = (i, words, mark, usual) => add(on(i), (at) => lettered(at, words, mark, usual));
    letter(data.ends.a, "A", "square", [-12, -13]);
    letter(data.ends.b, "B", "square", [12, -13]);
    data.anchors.forEach((i, k) => letter(i, String(k + 1), "circle", [11, 11]));
    const extra = kept.place && !kept.waiting.length && data.extra;
    if (extra) add(hand.screen(kept.place), (at) => named(pen, at, extra.words, ink));
    const echo = this.twin.hot;
    if (names) add(on(echo), (at) => named(pen, at, names.names[echo], ink));
    for (const i of names && this.found?.length <= NAMED ? this.found : []) add(on(i), (at) => named(pen, at, names.names[i], ink));
    for (const { id, category } of look.path === data.look ? data.groups : []) {
      const group = look.colour.categories[category];
      if (!kept.hidden.has(category)) add(on(id), (at) => labelled(pen, at, group.name, group.colour, group.mark, ink));
    }
    this.badges = arranged(list, hand, this.covered, (box) => this.crowded(box));
    drawBadges(pen, this.badges, ink);
  }

  crowded([left, top, right, low]) {  // whether networks are shown in a box of pixels
    const { hand, places, shown } = this, [[x0, y0], [x1, y1]] = [hand.place(left, low), hand.place(right, top)];
    return places.among(x0, y0, x1, y1, shown);
  }

  get covered() {  // boxes of the window that buttons and counts lie over
    const { width, height } = this.hand, right = width - 42;
    const low = this.el.found.hidden && this.el.chosen.hidden ? [] : [[0, height - 74, 210, height]];
    return [[right, 0, width, 184], [right, height - 42, width, height], ...low];
  }

  dispose() {
    super.dispose();
    for (const timer of [this.resting, this.asking, this.stilling]) clearTimeout(timer);
    this.leaveFrames();
    this.twin.end();
    if (this.url) URL.revokeObjectURL(this.url);
    letGo(this.cloud?.gl);
  }
}

function same(a, b) {  // places, as far as they are written
  return a && b && a.every((v, k) => Math.abs(v - b[k]) <= 1e-4 * Math.abs(v) + 1e-9);
}

export default mounted(ZooMap, ".zoo-map");
