// A path view with one method in focus, chosen by chips.
class FocusView extends PathView {
  adopt(data) {
    this.kept.method = data.method;
  }

  lay(data) {
    if (data.method !== this.told) this.kept.method = this.told = data.method;
    this.chips = this.root.querySelector(".methods");
    const offered = JSON.stringify([data.sides, data.absent]);
    if (this.offered === offered) return;
    this.offered = offered;
    this.chips.replaceChildren(...data.sides.map((side, k) => this.chip(side, k > 0)), ...(data.absent ?? []).map(absent));
  }

  chip({ side, title, help, colour }, dashed) {
    const el = document.createElement("button");
    el.className = "chip";
    el.classList.toggle("dashed", dashed);
    el.textContent = title;
    el.title = `${help}\nClick: ${this.chipHelp}`;
    el.style.setProperty("--method", colour);
    el.onclick = () => this.choose(side);
    return el;
  }

  choose(method) {
    if (method === this.kept.method) return;
    this.kept.method = method;
    this.show(this.kept.frame);
    this.setStateValue("method", method);
  }

  get focus() {
    return this.data.sides.find(({ side }) => side === this.kept.method) ?? this.data.sides[0];
  }

  get atEnd() {
    return this.kept.frame === 0 || this.kept.frame === this.data.steps - 1;
  }

  get what() {  // what the network in focus is
    const { ends, between, kinds, fixed } = this.focus;
    if (fixed) return ends;
    if (kinds) return kinds[this.kept.frame] + (this.isOff(this.focus) ? `; ${OFF}` : "");
    return this.data.same ? `A and B are the same network: ${ends}` : this.atEnd ? `${this.kept.frame ? "B" : "A"}, ${ends}` : between;
  }

  write() {
    this.root.style.setProperty("--method", this.focus.colour);
    this.data.sides.forEach((side, k) => {
      this.chips.children[k].classList.toggle("on", side === this.focus);
      this.chips.children[k].setAttribute("aria-pressed", side === this.focus);
    });
  }

  tick() {}
}

function absent({ title, help }) {  // in the place of a chip: a way that there is not, and why
  const el = document.createElement("span");
  el.className = "chip dashed absent";
  el.textContent = `no ${title}`;
  el.title = help;
  return el;
}
