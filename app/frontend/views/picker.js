// Pictures of a zoo's networks to choose A and B from: searched as you type, filtered by split, drawn from one atlas.

import { feedsOf, hear, keptOf, onFeeds } from "../shared/hub.js";
import { mounted } from "../shared/view.js";

class Picker {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    this.kept = keptOf(id, { words: "", split: "all", slot: "a" });
    const find = (selector) => root.querySelector(selector);
    this.el = { search: find(".search"), grid: find(".grid"), found: find(".found"), slots: [...root.querySelectorAll(".slot")], splits: [...root.querySelectorAll(".split")] };
    this.el.search.value = this.kept.words;
    this.el.search.oninput = () => this.filter({ words: this.el.search.value });
    this.el.search.onkeydown = (e) => e.stopPropagation();
    this.el.splits.forEach((el) => (el.onclick = () => this.filter({ split: el.dataset.split })));
    this.el.slots.forEach((el) => (el.onclick = () => this.take(el.dataset.slot)));
    find(".swap").onclick = () => this.setTriggerValue("swap", {});
    find(".random").onclick = () => this.setTriggerValue("random", {});
    this.endings = [hear("slot", (slot) => this.take(slot)), onFeeds(id, () => this.paint())];
  }

  update(data, _setStateValue, setTriggerValue) {
    this.setTriggerValue = setTriggerValue;
    if (this.zoo !== data.zoo) this.fill(data);
    this.data = data;
    for (const slot of ["a", "b"]) {
      const el = this.el.slots.find((s) => s.dataset.slot === slot);
      const network = data.networks[data[slot]];
      el.querySelector(".who").textContent = network.name;
      el.querySelector(".words").textContent = network.words;
      this.badge(el.querySelector(".badge"), network);
    }
    this.cards.forEach((card, i) => {
      card.classList.toggle("is-a", i === data.a);
      card.classList.toggle("is-b", i === data.b);
    });
    this.take(this.kept.slot);
    this.paint();
  }

  fill(data) {
    this.zoo = data.zoo;
    this.el.grid.replaceChildren();
    this.cards = data.networks.map((network, i) => {
      const card = document.createElement("button");
      card.className = "card";
      card.title = `${network.name}\n${network.words}`;
      card.innerHTML = '<span class="thumb"></span><span class="who"></span><span class="badge"></span>';
      card.querySelector(".who").textContent = network.name;
      this.badge(card.querySelector(".badge"), network);
      card.onclick = () => this.setTriggerValue("pick", { slot: this.kept.slot, id: i });
      this.el.grid.append(card);
      return card;
    });
    this.networks = data.networks;
    const splits = new Set(["all", ...data.networks.map(({ split }) => split)]);
    this.el.splits.forEach((el) => (el.hidden = !splits.has(el.dataset.split)));
    if (!splits.has(this.kept.split)) this.kept.split = "all";
    this.nothing = document.createElement("p");
    this.nothing.className = "nothing";
    this.el.grid.append(this.nothing);
    this.filter({});
  }

  badge(el, network) {
    el.textContent = network.split;
    el.classList.toggle("hollow", network.held_out);
  }

  take(slot) {  // the slot that the next click fills
    this.kept.slot = slot;
    this.el.slots.forEach((el) => el.classList.toggle("on", el.dataset.slot === slot));
  }

  filter(change) {
    Object.assign(this.kept, change);
    const words = this.kept.words.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    this.networks.forEach((network, i) => {
      const text = `${network.name} ${network.words} ${network.split}`.toLowerCase();
      const fits = words.every((word) => text.includes(word)) &&
        (this.kept.split === "all" || this.kept.split === network.split);
      this.cards[i].hidden = !fits;
      found += fits;
    });
    this.el.splits.forEach((el) => el.classList.toggle("on", el.dataset.split === this.kept.split));
    this.el.found.textContent = `${found} of ${this.networks.length}`;
    const where = this.kept.split === "all" ? "" : ` among the networks marked ${this.kept.split}`;
    this.nothing.textContent = `Nothing fits${where}. Try sled, arms, stool or ladder.`;
    this.nothing.hidden = found > 0;
  }

  paint() {  // the atlas, once it has arrived
    const feed = feedsOf(this.id).get("atlas");
    if (!feed || !this.cards || this.painted === `${feed.header.zoo}/${this.data.a}/${this.data.b}`) return;
    this.painted = `${feed.header.zoo}/${this.data.a}/${this.data.b}`;
    if (this.atlasOf !== feed.header.zoo) {
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = URL.createObjectURL(new Blob([feed.body], { type: "image/webp" }));
      this.atlasOf = feed.header.zoo;
      this.cards.forEach((card, i) => this.picture(card.querySelector(".thumb"), i, feed.header));
    }
    for (const el of this.el.slots) this.picture(el.querySelector(".thumb"), this.data[el.dataset.slot], feed.header);
  }

  picture(el, i, { columns, rows }) {
    el.style.backgroundImage = `url(${this.url})`;
    el.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    el.style.backgroundPosition =
      `${((i % columns) / Math.max(columns - 1, 1)) * 100}% ${(Math.floor(i / columns) / Math.max(rows - 1, 1)) * 100}%`;
  }

  dispose() {
    this.endings.forEach((end) => end());
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

export default mounted(Picker, ".picker");
