// The map of a bundle: what is pointed at has a card, names can be searched for, paths lie on it.

import { deliver, opened, unpacked } from "../shared/hub.js";
import { many } from "../shared/words.js";
import { pictureHtml } from "../views/map/legend.js";
import { floats } from "../views/map/look.js";
import { Places } from "../views/map/places.js";
import { button, choice, make, row, table } from "./build.js";
import { Mounted } from "./mounting.js";
import { feedsIn, jsonIn } from "./parts.js";

const [MOST_FOUND, MOST_LISTED] = [12, 200];
const NEAR = 6;  // how much nearer than everything the map is when it goes to what was searched for

export class NetworkMap {
  constructor(page, { data, looks, ways }) {
    Object.assign(this, { page, data, looks, ways, network: null, polygon: null, view: null, token: 0, look: 0, way: -1 });
    this.el = make("section", { className: "board" });
    this.arrived = this.receive();
  }

  async receive() {  // all that the map and its cards are made of
    const [feeds, looks, cards] = await Promise.all([feedsIn("map"), feedsIn("looks"), jsonIn("cards")]);
    this.cards = cards;
    this.lookFeeds = looks;
    for (const bytes of feeds) {
      const { header, body } = opened(bytes);
      if (header.feed === "names") this.names = await unpacked(body).json();
      if (header.feed === "points") this.places = new Places(floats(body, 2 * header.count));
      if (header.feed === "atlas") [this.atlas, this.url] = [header, URL.createObjectURL(new Blob([body]))];
      deliver(bytes);
    }
    this.count = this.names.names.length;
  }

  // -- links ----------------------------------------------------------------------------------------------------

  link() {
    const { network, look, way, view } = this, link = { tab: "map" };
    if (network !== null && this.names) link.network = this.names.names[network];
    if (look) link.colour = this.looks[look].title;
    if (way >= 0) link.way = this.page.paths.nameOf(this.page.paths.paths[way]);
    if (view) link.view = [view.x, view.y, view.scale].join(" ");
    return link;
  }

  async follow(link) {
    await this.arrived;
    const name = link.get("network"), found = name === null ? null : this.names.names.indexOf(name);
    const view = link.get("view")?.split(" ").map(Number);
    this.view = view?.length === 3 && view.every(Number.isFinite) && view[2] > 0 ? { x: view[0], y: view[1], scale: view[2] } : null;
    this.look = Math.max(0, this.looks.findIndex(({ title }) => title === link.get("colour")));
    this.way = this.ways.findIndex((_, k) => this.page.paths.nameOf(this.page.paths.paths[k]) === link.get("way"));
    this.network = found >= 0 ? found : null;
    this.token += 1;
    return found !== null && found < 0 ? `This file holds no network ${name}.` : "";
  }

  // -- what is shown --------------------------------------------------------------------------------------------

  show() {
    this.hide();
    this.mounted = new Mounted("map", (name, value) => this.heard(name, value));
    this.card = make("aside", { className: "card" });
    this.el.replaceChildren(this.controls(), make("div", { className: "split" }, make("div", {}, this.mounted.el, make("p", { className: "note" },
      "Distance on this map is not distance in the space: neighbours and distances are measured in the space itself.")), this.card));
    this.arrived.then(() => this.update(), (problem) => this.page.say(problem.message));
  }

  controls() {
    const found = make("ul", { className: "found", hidden: true });
    const search = make("input", { type: "search", placeholder: "Search networks", ariaLabel: "Search networks" });
    const list = () => {
      const ids = this.search(search.value);
      found.hidden = !search.value.trim();
      const items = ids.map((id) => make("li", {}, button(this.names.names[id], () => pick(id)), make("span", {}, this.names.words[id])));
      found.replaceChildren(...items, ...(items.length ? [] : [make("li", {}, "no network of this name")]));
      return ids;
    };
    const pick = (id) => {
      found.hidden = true;
      this.go(id);
    };
    search.oninput = () => this.names && list();
    search.onkeydown = (e) => {
      if (e.key === "Escape") found.hidden = true;
      if (e.key !== "Enter" || !this.names) return;
      const [first] = list();
      if (first !== undefined) pick(first);
    };
    const looks = this.looks.map(({ title }, k) => [String(k), title]);
    const ways = [["-1", "none"], ...this.ways.map((_, k) => [String(k), this.page.paths.paths[k].title])];
    return make("div", { className: "row" }, make("div", { className: "search" }, search, found),
      choice("Colour", looks, String(this.look), (k) => this.change({ look: Number(k) })),
      this.ways.length ? choice("Path on the map", ways, String(this.way), (k) => this.change({ way: Number(k) })) : null);
  }

  search(text) {  // ids: names that begin with it, then those that hold it, then words that do
    const asked = text.trim().toLowerCase(), ranked = [[], [], []];
    for (let i = 0; asked && i < this.count; i++) {
      const name = this.names.names[i].toLowerCase(), at = name.indexOf(asked);
      const rank = at === 0 ? 0 : at > 0 ? 1 : this.names.words[i].toLowerCase().includes(asked) ? 2 : -1;
      if (rank >= 0) ranked[rank].push(i);
      if (ranked[0].length >= MOST_FOUND) break;
    }
    return ranked.flat().slice(0, MOST_FOUND);
  }

  go(id) {  // to a network, whose card is shown
    if (this.places.known[id]) {
      const [x, y] = this.places.of(id);
      this.view = { x, y, scale: Math.max(NEAR, this.view?.scale ?? 1) };
    }
    this.token += 1;
    this.change({ network: id });
  }

  change(what) {
    Object.assign(this, what);
    if (this.mounted && this.cards) this.update();
    this.page.wrote();
  }

  update() {
    const { network, polygon, view, token, data, looks, look, ways, way } = this;
    deliver(this.lookFeeds[look]);
    const path = way < 0 ? null : { ...ways[way], frame: this.page.paths.kept[way].frame };
    const ends = way < 0 ? data.ends : { a: this.page.paths.paths[way].ends[0], b: this.page.paths.paths[way].ends[1] };
    const neighbours = network === null ? [] : this.cards.near[network].map(([id]) => ({ id, kind: "latent" }));
    this.mounted.update({ ...data, look: looks[look].key, picked: network, neighbours, view, token, path, ends, selection: polygon && { polygon } });
    this.writeCard();
  }

  heard(name, value) {
    if (name === "pick") this.change({ network: value.network ?? null });
    else if (name === "select") this.change({ polygon: value.polygon.length ? value.polygon : null });
    else if (name === "view") {
      this.view = value;
      this.page.wrote();
    }
  }

  // -- the card -------------------------------------------------------------------------------------------------

  writeCard() {
    const { network } = this;
    const parts = network === null ? this.invitation() : this.told(network);
    this.card.replaceChildren(...parts, ...this.selected());
  }

  invitation() {
    const lost = this.cards.lost ? ` ${many(this.cards.lost)} have weights that are not all numbers and no place on the map.` : "";
    return [make("h2", {}, "Click a network"), make("p", {}, "Its card is shown here, with the training networks nearest to it in the space."),
      make("p", { className: "note" }, `${many(this.count)} networks on the map.${lost}`)];
  }

  told(id) {
    const { names, cards } = this, picture = make("span", { className: "picture" });
    picture.innerHTML = pictureHtml(this.atlas, this.url, id);  // numbers alone
    const near = cards.near[id].map(([other, distance]) => make("li", {}, button(names.names[other], () => this.go(other)), make("span", {}, distance.toPrecision(3))));
    const facts = Object.entries(cards.facts).filter(([, values]) => values[id] !== null).map(([title, values]) => row([title, values[id]]));
    const paths = this.page.paths.paths.flatMap(({ title, ends }, k) => (ends.includes(id) ? [button(title, () => this.page.openPath(k))] : []));
    return [
      make("h2", {}, names.names[id], make("span", { className: "badge" }, names.splits[id])), picture, make("p", {}, names.words[id]),
      cards.off[id] ? make("p", { className: "warned" }, cards.off[id]) : null,
      paths.length ? make("h3", {}, "Paths") : null, paths.length ? make("div", { className: "row" }, paths) : null,
      near.length ? make("h3", {}, "Nearest training networks in the space") : null, near.length ? make("ol", { className: "near" }, near) : null,
      facts.length ? make("h3", {}, "What is known of it") : null, facts.length ? table(null, facts) : null,
    ].filter(Boolean);
  }

  selected() {  // names of what is in the area that was drawn
    if (!this.polygon) return [];
    const inside = this.places.within(this.polygon), ids = [];
    inside.forEach((v, i) => v && ids.push(i));
    const items = ids.slice(0, MOST_LISTED).map((id) => make("li", {}, button(this.names.names[id], () => this.go(id))));
    const more = ids.length > MOST_LISTED ? ` The first ${MOST_LISTED} of them:` : "";
    return [make("h3", {}, "Selected"), make("p", {}, `${many(ids.length)} networks.${more}`), make("ul", { className: "near" }, items)];
  }

  hide() {
    this.mounted?.remove();
    this.mounted = null;
  }

  again() {
    this.mounted?.again();
  }
}
