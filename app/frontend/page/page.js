// A bundle: the app's views on a page of their own, which needs no server and asks the network for nothing.

import { hub } from "../shared/hub.js";
import { button, make } from "./build.js";
import { Making } from "./making.js";
import { NetworkMap } from "./map.js";
import { part } from "./parts.js";
import { Paths } from "./paths.js";
import { Scorecards } from "./score.js";

const THEMES = { system: "as the system", light: "light", dark: "dark" };
const TITLES = { paths: "Paths", map: "Map", scorecard: "Scorecard", made: "How it was made" };

class Page {
  constructor(index) {
    this.paths = new Paths(this, index.paths);
    this.map = index.map && new NetworkMap(this, index.map);
    const score = index.reports.length ? new Scorecards(this, index.reports) : null;
    const all = { paths: index.paths.length ? this.paths : null, map: this.map, scorecard: score, made: new Making(this, index.made) };
    this.tabs = Object.fromEntries(Object.entries(all).filter(([, tab]) => tab));
    this.theme = "system";
    this.build(index.title);
    window.addEventListener("hashchange", () => this.follow());
    window.addEventListener("resize", () => this.tabs[this.tab]?.again());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.again());
    this.follow();
  }

  build(title) {
    this.buttons = Object.fromEntries(Object.keys(this.tabs).map((name) => [name, button(TITLES[name], () => this.open(name), { role: "tab" })]));
    this.main = make("main");
    this.notice = make("p", { className: "notice", role: "status", hidden: true });
    this.switch = button("", () => this.nextTheme(), { className: "theme", title: "Light or dark" });
    this.writeTheme();
    document.body.append(make("header", {}, make("h1", {}, title), make("nav", { role: "tablist" }, Object.values(this.buttons)), this.switch), this.notice, this.main);
  }

  // -- links ----------------------------------------------------------------------------------------------------

  async follow() {  // what the address asks for
    const link = new URLSearchParams(location.hash.slice(1)), asked = link.has("path") ? "paths" : link.get("tab");
    const name = asked in this.tabs ? asked : Object.keys(this.tabs)[0];
    const wrong = asked in this.tabs ? await this.tabs[name].follow(link) : asked ? `This file has no ${asked}.` : "";
    this.show(name);
    this.say(wrong);
  }

  wrote() {  // the address holds what is shown
    const link = new URLSearchParams(this.tabs[this.tab].link());
    history.replaceState(null, "", `#${link}`);
    this.say("");
  }

  // -- tabs -----------------------------------------------------------------------------------------------------

  open(name) {
    this.show(name);
    this.wrote();
  }

  show(name) {
    this.tabs[this.tab]?.hide();
    this.tab = name;
    for (const [each, el] of Object.entries(this.buttons)) el.setAttribute("aria-selected", each === name);
    this.main.replaceChildren(this.tabs[name].el);
    this.tabs[name].show();
    document.documentElement.dataset.tab = name;
  }

  openPath(k) {
    this.paths.open = k;
    this.open("paths");
  }

  card(network) {
    this.map.network = network;
    this.open("map");
  }

  say(words) {
    this.notice.hidden = !words;
    this.notice.textContent = words;
  }

  // -- theme ----------------------------------------------------------------------------------------------------

  nextTheme() {
    const names = Object.keys(THEMES);
    this.theme = names[(names.indexOf(this.theme) + 1) % names.length];
    this.writeTheme();
    this.again();
  }

  writeTheme() {
    document.documentElement.dataset.theme = this.theme;
    this.switch.textContent = `Theme: ${THEMES[this.theme]}`;
  }

  again() {
    this.tabs[this.tab]?.again();
  }
}

// What writes videos, of which the views have no other place to load it from.
hub.library = async () => new TextDecoder().decode(await part("mediabunny"));

export default new Page(JSON.parse(document.getElementById("index").textContent));
