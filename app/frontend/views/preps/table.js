// How a network compares with an original, parameter by parameter.

import { many, signed } from "../../shared/words.js";

const WIDEST = 8;  // the greatest ratio of norms that a bar shows, and the smallest is its inverse

export class Table {
  // `enter(layer)`, `leave()` and `click(layer)` are called of rows; null is the row of all values.
  constructor(root, hands) {
    this.head = root.querySelector("thead tr");
    this.body = root.querySelector("tbody");
    this.hands = hands;
    this.made = new Map();  // by architecture, made when it is first seen
  }

  show(kind) {
    if (this.shown === kind) return;
    this.shown = kind;
    if (!this.made.has(kind)) this.made.set(kind, { heads: headsOf(), rows: this.rowsOf(kind) });
    const { heads, rows } = this.made.get(kind);
    this.which = heads.slice(3).map((el) => el.querySelector("span"));
    this.rows = rows;
    this.head.replaceChildren(...heads);
    this.body.replaceChildren(...rows.map(({ row }) => row));
  }

  forget() {
    this.made.clear();
    this.shown = null;
  }

  // Of every row, cosine and norm with the original that is named; one layer is pointed at, one is kept.
  write(name, { cosine, norm }, layer, kept) {
    this.which.forEach((el) => (el.textContent = name));
    this.rows.forEach(({ row, bars, layer: of }, k) => {
      row.classList.toggle("on", !!of && of === layer);
      row.classList.toggle("kept", !!of && of.name === kept);
      fill(bars[0], cosine?.[k], (v) => v, 3);
      fill(bars[1], norm?.[k], (v) => Math.log(v) / Math.log(WIDEST), 2);
    });
  }

  rowsOf(kind) {
    const make = (layer, name, shape, count) => {
      const row = document.createElement("tr");
      const fields = cells("td", name, shape, many(count), null, null);
      fields[2].className = "number";
      const bars = fields.slice(3).map((field) => {
        field.className = "wide";
        field.innerHTML = '<div class="bar"><b></b><i></i></div>';
        return field.firstChild;
      });
      row.append(...fields);
      row.onpointerenter = () => this.hands.enter(layer);
      row.onpointerleave = () => this.hands.leave();
      row.onclick = () => this.hands.click(layer);
      return { row, bars, layer };
    };
    return [make(null, "all", "", kind.count), ...kind.layers.map((layer) => make(layer, layer.name, layer.shape.join(" × "), layer.count))];
  }
}

function cells(tag, ...contents) {
  return contents.map((content) => {
    const el = document.createElement(tag);
    if (content !== null) el.textContent = content;
    return el;
  });
}

function headsOf() {
  const heads = cells("th", "parameter", "shape", "values", null, null);
  heads[2].className = "number";
  heads[3].innerHTML = "cosine with <span></span> <i>−1 to 1</i>";
  heads[3].title = "Cosine similarity of the network at gamma with the original: the dot product of their values over the product of their norms. 1: the same up to a factor; 0: unrelated.";
  heads[4].innerHTML = `norm over <span></span>'s <i>1/${WIDEST} to ${WIDEST}, logarithmic</i>`;
  heads[4].title = "Euclidean norm of the network's values at gamma over that of the original's.";
  return heads;
}

function fill(bar, value, place, digits) {
  const [number, line] = bar.children;
  number.textContent = signed(value, digits);
  const at = value === null || value === undefined ? 0 : Math.max(-1, Math.min(1, place(value)));
  line.style.setProperty("--from", `${50 + 50 * Math.min(0, at)}%`);
  line.style.setProperty("--long", `${50 * Math.abs(at)}%`);
}
