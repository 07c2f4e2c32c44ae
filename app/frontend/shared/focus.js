// A path view with one method in focus, chosen by chips.

import { stroke } from "./marks.js";
import { OFF, PathView } from "./path.js";

export class FocusView extends PathView {
  adopt(data) {
    this.kept.method = data.method;
  }

  lay(data) {
    if (data.method !== this.told) this.kept.method = this.told = data.method;
    this.chips = this.root.querySelector(".methods");
    const offered = JSON.stringify([data.sides, data.absent]);
    if (this.offered === offered) return;
    this.offered = offered;
    this.chips.replaceChildren(...data.sides.map((side) => this.chip(side)), ...data.absent.map(absent));
  }

  chip(side) {
    const el = document.createElement("button");
    el.className = "chip";
    el.innerHTML = `${stroke(side.colour, side.dash, 22)}<span></span>`;
    el.lastChild.textContent = side.title;
    el.title = `${side.help}\nClick: ${this.chipHelp}`;
    el.style.setProperty("--method", side.colour);
    el.onclick = () => this.choose(side.name);
    return el;
  }

  choose(method) {
    if (method === this.kept.method) return;
    this.kept.method = method;
    this.show(this.kept.frame);
    this.setStateValue("method", method);
  }

  get focus() {
    return this.data.sides.find((side) => side.name === this.kept.method) ?? this.data.sides[0];
  }

  whatIs(side) {
    return super.whatIs(side) + (side.kinds && this.isOff(side) ? `; ${OFF}` : "");
  }

  write() {
    this.root.style.setProperty("--method", this.focus.colour);
    this.data.sides.forEach((side, k) => {
      this.chips.children[k].classList.toggle("on", side === this.focus);
      this.chips.children[k].setAttribute("aria-pressed", side === this.focus);
    });
  }
}

function absent({ title, help }) {  // in the place of a chip: a way that there is not, and why
  const el = document.createElement("span");
  el.className = "chip absent";
  el.textContent = `no ${title}`;
  el.title = help;
  return el;
}
