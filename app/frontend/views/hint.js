// What to do on a page, for who is there for the first time in this browser.

import { mounted } from "../shared/view.js";

const KEPT = "netspace-";

// What the browser keeps; where it keeps nothing, a hint is shown again.
function kept(id) {
  try {
    return localStorage.getItem(KEPT + id);
  } catch {
    return null;
  }
}

function keep(id) {
  try {
    localStorage.setItem(KEPT + id, "seen");
  } catch { /* it is shown again */ }
}

class Hint {
  constructor(root, id) {
    [this.root, this.id, this.closed] = [root, id, kept(id) !== null];
    root.querySelector(".close").onclick = () => this.close();
    this.used = (e) => {  // once a view of the page was, the hint has done its work; it stays where it is until the next visit
      if (e.composedPath().some((el) => el.classList?.contains("view"))) keep(id);
    };
    for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, this.used, true);
  }

  update({ words }) {
    this.root.querySelector(".words").textContent = words;
    this.show();
  }

  show() {
    this.root.hidden = this.closed;
    const place = this.root.getRootNode().host?.closest('[data-testid="stElementContainer"]');
    if (place) place.style.display = this.closed ? "none" : "";  // else its gap stays
  }

  close() {
    keep(this.id);
    this.closed = true;
    this.show();
  }

  dispose() {
    for (const event of ["pointerdown", "keydown"]) document.removeEventListener(event, this.used, true);
  }
}

export default mounted(Hint, ".hint");
