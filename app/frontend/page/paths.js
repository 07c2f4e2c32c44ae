// The paths of a bundle: the same views as in the app, one path at a time.

import { deliver } from "../shared/hub.js";
import { button, choice, command, make } from "./build.js";
import { Mounted } from "./mounting.js";
import { feedsIn } from "./parts.js";

const CHIPS = 12;  // paths that have a button each; of more there is a list

// `page.wrote()` is called when what a link holds has changed.
export class Paths {
  constructor(page, paths) {
    this.page = page;
    this.paths = paths;
    this.open = 0;
    this.kept = paths.map(({ data }) => ({ frame: data.frame, method: data.method, camera: null, token: 0 }));
    this.el = make("section", { className: "paths" });
  }

  // -- links ----------------------------------------------------------------------------------------------------

  nameOf({ a, b }) {
    return `${a}:${b}`;
  }

  link() {
    const { data } = this.paths[this.open], { frame, method, camera } = this.kept[this.open];
    return {
      path: this.nameOf(this.paths[this.open]), gamma: String(Number((frame / (data.steps - 1)).toFixed(4))), method,
      ...(camera ? { camera: camera.map((v) => v.toFixed(3)).join(" ") } : {}),
    };
  }

  follow(link) {  // what is wrong with it, in a sentence
    const found = this.paths.findIndex((path) => this.nameOf(path) === link.get("path"));
    if (found < 0) return `This file holds no path ${link.get("path")}.`;
    const kept = this.kept[found], { data } = this.paths[found], gamma = Number(link.get("gamma") ?? NaN);
    this.open = found;
    if (Number.isFinite(gamma)) kept.frame = Math.round(Math.max(0, Math.min(1, gamma)) * (data.steps - 1));
    if (data.sides.some(({ name }) => name === link.get("method"))) kept.method = link.get("method");
    const camera = link.get("camera")?.split(" ").map(Number);
    kept.camera = camera?.length === 3 && camera.every(Number.isFinite) ? [camera[0], clamp(camera[1], -1.5, 1.5), clamp(camera[2], 1.6, 9)] : null;
    kept.token += 1;
    return "";
  }

  // -- what is shown --------------------------------------------------------------------------------------------

  show() {
    const { title, view, part, commands, ends } = this.paths[this.open];
    this.hide();
    this.mounted = new Mounted(view, (name, value) => this.heard(name, value));
    this.command = make("div");
    const cards = this.page.map ? ends.map((id, k) => button(`card of ${k ? "B" : "A"}`, () => this.page.card(id))) : [];
    this.el.replaceChildren(
      this.chooser(), make("h2", { className: "visually-hidden" }, title), this.mounted.el,
      make("div", { className: "row" }, cards), make("h3", {}, "The command that writes this path"), this.command,
    );
    this.commands = commands;
    this.update();
    this.mounted.focus();
    feedsIn(part).then((feeds) => feeds.forEach(deliver), (problem) => this.page.say(problem.message));
  }

  chooser() {
    const go = (k) => {
      this.open = k;
      this.show();
      this.page.wrote();
    };
    if (this.paths.length > CHIPS) return choice("Path", this.paths.map(({ title }, k) => [String(k), title]), String(this.open), (k) => go(Number(k)));
    const buttons = this.paths.map(({ title }, k) => button(title, () => go(k), { className: k === this.open ? "chip on" : "chip", ariaPressed: k === this.open }));
    return make("div", { className: "row chips", role: "group", ariaLabel: "Paths" }, buttons);
  }

  update() {
    const { data } = this.paths[this.open], kept = this.kept[this.open];
    this.mounted.update({ ...data, ...kept });
    this.command.replaceChildren(command(this.commands[kept.method] ?? ""));
  }

  heard(name, value) {
    const kept = this.kept[this.open];
    if (name === "method") {
      kept.method = value;
      this.update();
    } else Object.assign(kept, { frame: value.frame, camera: value.camera ?? null });
    this.page.wrote();
  }

  hide() {
    this.mounted?.remove();
    this.mounted = null;
  }

  again() {
    this.mounted?.again();
  }
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
