// A way through the saved views: one after the other by keys, full screen where the browser lets it.

import { hub } from "../../shared/hub.js";
import { firstOfPage, writeKeys } from "../../shared/keys.js";

const ROWS = [[["PageDown", "PageUp"], "next and previous view"], ["F", "full screen, on and off"], ["Esc", "leave the presentation"], ["?", "this list"]];
const WITHOUT_VIEW = { ArrowRight: 1, ArrowLeft: -1, " ": 1 };  // where no view of the page hears them
const MARK = "netspace-presenting";  // of the document, for the style sheet of all pages
const TYPING = "input:not([type=range]), textarea, select, [contenteditable]";

export class Presentation {
  // `show(place)` goes to a view, by its place from 1; 0 ends.
  constructor(root, show) {
    [this.root, this.show, this.views, this.place] = [root, show, [], 0];
    const find = (selector) => root.querySelector(selector);
    this.el = { bar: find(".bar"), title: find(".bar .title"), count: find(".bar .count"), keys: find(".keys") };
    this.press = (e) => this.place && this.pressed(e);
    this.screen = () => {
      if (hub.fullScreen && !document.fullscreenElement) this.leave();  // Escape, which the browser takes for itself
    };
    window.addEventListener("keydown", this.press, true);  // before whatever has the focus, a slider say
    document.addEventListener("fullscreenchange", this.screen);
  }

  update(views, place) {
    [this.views, this.place] = [views, Math.min(place, views.length)];
    this.tell();
  }

  tell() {
    const { bar, title, count, keys } = this.el;
    this.root.classList.toggle("presenting", this.place > 0);
    document.documentElement.classList.toggle(MARK, this.place > 0);
    bar.hidden = !this.place;
    if (!this.place) keys.hidden = true;
    title.textContent = this.views[this.place - 1]?.name ?? "";
    count.textContent = `${this.place} / ${this.views.length}`;
  }

  begin() {
    this.fill();
    this.to(1);
    this.root.getRootNode().activeElement?.blur();  // the arrows are the slider's now
  }

  to(place) {
    if (place < 1 || place > this.views.length || place === this.place) return;
    this.place = place;
    this.el.keys.hidden = true;
    this.tell();
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
    this.show(place);
  }

  leave() {
    hub.fullScreen = false;
    if (document.fullscreenElement) document.exitFullscreen();
    if (!this.place) return;
    this.place = 0;
    this.tell();
    this.show(0);
  }

  // Fills the screen; a browser that does not let it shows the same in its window.
  async fill() {
    try {
      await document.documentElement.requestFullscreen();
      hub.fullScreen = true;
    } catch { /* in the window */ }
  }

  empty() {
    hub.fullScreen = false;
    document.exitFullscreen();
  }

  // -- keys -----------------------------------------------------------------------------------------------------

  pressed(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.composedPath()[0].matches?.(TYPING)) return;
    const action = this.actions(e)[e.key];
    if (!action) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    action();
  }

  actions({ shiftKey }) {
    const { keys } = this.el;
    const by = (step) => () => this.to(this.place + step);
    const screen = () => (document.fullscreenElement ? this.empty() : this.fill());
    const escape = () => (keys.hidden ? this.leave() : this.toggleKeys());
    const always = { PageDown: by(1), PageUp: by(-1), Escape: escape, f: screen, F: screen, "?": () => this.toggleKeys() };
    if (firstOfPage()) return always;
    const more = Object.entries(WITHOUT_VIEW).map(([key, step]) => [key, by(shiftKey ? -step : step)]);
    return { ...always, ...Object.fromEntries(more) };
  }

  toggleKeys() {
    const { keys } = this.el;
    if (keys.hidden) writeKeys(keys, [...ROWS, ...(firstOfPage()?.keyRows().filter(([key]) => key !== "?") ?? [])]);
    keys.hidden = !keys.hidden;
  }

  dispose() {
    window.removeEventListener("keydown", this.press, true);
    document.removeEventListener("fullscreenchange", this.screen);
  }
}
