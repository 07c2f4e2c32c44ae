// A path view with one method in focus, chosen by chips.
class FocusView extends PathView {
  adopt(data) {
    this.kept.method = data.method;
  }

  lay(data) {
    if (data.method !== this.told) this.kept.method = this.told = data.method;
    this.chips = this.root.querySelector(".methods");
    if (!this.chips.children.length) this.chips.append(...data.sides.map((side, k) => this.chip(side, k > 0)));
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
    const { ends, between } = this.focus;
    return this.data.same ? `A and B are the same network: ${ends}` : this.atEnd ? `${this.kept.frame ? "B" : "A"}, ${ends}` : between;
  }

  write() {
    this.root.style.setProperty("--method", this.focus.colour);
    [...this.chips.children].forEach((chip, k) => {
      chip.classList.toggle("on", this.data.sides[k] === this.focus);
      chip.setAttribute("aria-pressed", this.data.sides[k] === this.focus);
    });
  }

  tick() {}
}
