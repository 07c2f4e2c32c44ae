// The panel of saved views: save, go to, rename, order, delete; export and import.

import { placeButton } from "./pairs.js";
import { parameters } from "./links.js";

const MOST_BYTES = 2e6;  // of a file: the server reads no more
const FILE = "views.json";

export class ViewList {
  // `doing.act(what, particulars)` asks for a change of the list, `doing.go(place)` leads to a view, `doing.busy()` says
  // whether one is waited for.
  constructor(panel, doing) {
    [this.panel, this.doing, this.shown] = [panel, doing, ""];
    const find = (selector) => panel.querySelector(selector);
    this.el = { name: find(".name"), list: find(".list"), nothing: find(".nothing"), problem: find(".problem"), carried: find(".carried"), undone: find(".undone"), done: find(".done"), adopt: find('[data-act="adopt"]'), export: find(".export"), present: find(".present"), file: find(".file") };
    find(".saving").onsubmit = (e) => {
      e.preventDefault();
      this.save();
    };
    for (const button of panel.querySelectorAll("[data-act]")) button.onclick = () => this.act(button.dataset.act);
    this.el.export.onclick = () => this.saveFile();
    find(".import").onclick = () => this.el.file.click();
    this.el.file.onchange = () => this.read();
  }

  update(data) {
    this.data = data;
    const { problem, carried, undone, done, adopt, nothing } = this.el;
    this.tell(data.problem);
    carried.hidden = !data.carried || data.visitor;
    undone.hidden = !data.undo;
    done.textContent = `${data.undo}.`;
    adopt.hidden = data.visitor;
    nothing.hidden = data.views.length > 0 || !problem.hidden;
    this.el.export.disabled = this.el.present.disabled = !data.views.length;
    if (this.shown !== data.stamp) this.fill();
    this.shown = data.stamp;
  }

  tell(words) {
    this.el.problem.hidden = !words;
    this.el.problem.textContent = words;
  }

  // What the panel begins with when it is opened: a name that says what is in view.
  begin() {
    const { a, b, gamma } = parameters();
    const usual = a && b ? `${a} → ${b}${gamma === undefined ? "" : `, γ ${Number(gamma).toFixed(2)}`}` : this.data.title;
    this.el.name.value = usual.slice(0, this.el.name.maxLength);
    this.el.name.focus();
    this.el.name.select();
  }

  save() {
    const name = this.el.name.value.trim();
    if (name) this.act("save", { name, link: parameters() });
  }

  act(what, more = {}) {
    this.doing.act(what, more);
  }

  change(what, view, more = {}) {
    if (this.doing.busy()) return;  // what was clicked may stand elsewhere by then
    this.act(what, { view, stamp: this.data.stamp, ...more });
  }

  // -- the list -------------------------------------------------------------------------------------------------

  fill() {
    const { list } = this.el;
    list.replaceChildren(...this.data.views.map((view, k) => this.row(view, k)));
    if (this.then) list.children[this.then.view]?.querySelector(`.${this.then.what}:not(:disabled), .place`)?.focus();
    this.then = null;
  }

  row({ name, about }, k) {
    const item = document.createElement("li");
    const last = this.data.views.length - 1;
    item.append(
      placeButton(name, about, () => this.doing.go({ view: k, stamp: this.data.stamp })),
      small("rename", "✎", `Rename “${name}”`, () => this.rename(item, name, k)),
      small("up", "↑", `Move “${name}” up`, () => this.move(k, -1, "up"), k === 0),
      small("down", "↓", `Move “${name}” down`, () => this.move(k, 1, "down"), k === last),
      small("delete", "×", `Delete “${name}”`, () => this.remove(k)),
    );
    return item;
  }

  move(view, by, what) {
    this.then = { view: view + by, what };
    this.change("move", view, { by });
  }

  remove(view) {
    this.then = { view: Math.min(view, this.data.views.length - 2), what: "delete" };
    this.change("delete", view);
  }

  rename(item, name, view) {
    const [place, field] = [item.querySelector(".place"), document.createElement("input")];
    [field.value, field.maxLength] = [name, this.el.name.maxLength];
    field.setAttribute("aria-label", `New name of “${name}”`);
    const end = (keep) => {
      field.onblur = null;
      const words = field.value.trim();
      if (keep && words && words !== name) this.change("rename", view, { name: words });
      field.replaceWith(place);
      place.focus();
      this.then = { view, what: "place" };
    };
    field.onblur = () => end(true);
    field.onkeydown = (e) => {
      if (e.key !== "Enter" && e.key !== "Escape") return;
      e.preventDefault();
      e.stopPropagation();
      end(e.key === "Enter");
    };
    place.replaceWith(field);
    field.select();
    field.focus();
  }

  // -- files ----------------------------------------------------------------------------------------------------

  saveFile() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.data.text], { type: "application/json" }));
    link.download = FILE;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async read() {
    const [file] = this.el.file.files;
    this.el.file.value = "";
    if (!file) return;
    if (file.size > MOST_BYTES) this.tell("The file is larger than 2 MB, which is no list of views.");
    else this.act("import", { text: await file.text() });
  }
}

function small(name, sign, words, click, disabled = false) {
  const button = document.createElement("button");
  [button.className, button.textContent, button.title, button.onclick, button.disabled] = [`small ${name}`, sign, words, click, disabled];
  button.setAttribute("aria-label", words);
  return button;
}
