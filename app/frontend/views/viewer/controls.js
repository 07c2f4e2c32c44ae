// The row of controls of a slice: the axis that its plane crosses, where, what is shown, and what its colours mean.

import { listed } from "../../shared/canvas.js";
import { signed } from "../../shared/words.js";
import { APART, FARTHEST, NEAR } from "./slice.js";

export const FIRST_SLICE = { axis: "x", at: 0, shown: "field" };
export const PLANE_STEP = 0.05;
const SHOWN = {
  field: ["field", "The signed distance that the network holds, negative inside"],
  eikonal: ["Eikonal error", "| |gradient| − 1 |: 0 where the field changes as a distance does"],
};
const HTML = `<div class="cutting">
  <div class="pick axes" role="group" aria-label="Axis that the plane crosses"></div>
  <label class="where" title="Where the plane crosses the axis, world units ([ and ]); its picture is seen from the positive end"><span></span><input type="range" min="-1" max="1" step="0.01" aria-label="Position of the plane"></label>
  <div class="pick shown" role="group" aria-label="What the plane shows"></div>
  <div class="scale"><div class="bar"></div><div class="ticks"><span></span><span></span><span></span></div></div>
  <span class="unit"></span>
</div>`;

const pick = (words, title, act) => {
  const el = document.createElement("button");
  Object.assign(el, { textContent: words, title, onclick: act });
  return el;
};

export class SliceControls {
  // Stands after an element; `change(some)` is called with another axis, place or part.
  constructor(after, change) {
    const made = document.createElement("template");
    made.innerHTML = HTML;
    this.root = made.content.firstElementChild;
    const find = (selector) => this.root.querySelector(selector);
    this.axes = Object.fromEntries(["x", "y", "z"].map((axis) => [axis, pick(axis, `A plane across ${axis} (${axis.toUpperCase()})`, () => change({ axis }))]));
    this.shown = Object.fromEntries(Object.entries(SHOWN).map(([shown, [words, help]]) => [shown, pick(words, `${help} (E)`, () => change({ shown }))]));
    find(".axes").append(...Object.values(this.axes));
    find(".shown").append(...Object.values(this.shown));
    this.range = find("input");
    this.range.oninput = () => change({ at: Number(this.range.value) });
    Object.assign(this, { where: find(".where span"), bar: find(".bar"), ticks: [...find(".ticks").children], unit: find(".unit") });
    after.after(this.root);
  }

  write({ axis, at, shown }, value, theme) {
    for (const [buttons, on] of [[this.axes, axis], [this.shown, shown]])
      for (const [name, el] of Object.entries(buttons)) el.setAttribute("aria-pressed", name === on);
    this.range.value = at;
    this.where.textContent = `${axis} = ${signed(at, 2)}`;
    const field = shown === "field", { low, middle, high } = colourNames(theme);
    const near = (name) => `color-mix(in srgb, var(--${middle}), var(--${name}) ${100 * NEAR}%)`;
    const halves = `var(--${low}), ${near(low)} 50%, var(--st-text-color) 50% calc(50% + 2px), ${near(high)} calc(50% + 2px), var(--${high})`;
    this.bar.style.background = `linear-gradient(90deg, ${field ? halves : listed(value("ramp")).join(", ")})`;
    const ticks = field ? [`≤ ${signed(-FARTHEST, 1)}`, "0", `≥ ${FARTHEST}`] : ["0", "0.5", "≥ 1"];
    this.ticks.forEach((el, k) => { el.textContent = ticks[k]; });
    this.unit.textContent = field ? `world units, negative inside; a line every ${APART}` : "no unit; the thick line is the surface";
  }

  remove() {
    this.root.remove();
  }
}

// Names of the palette's colours of a field: inside, zero, outside.
export const colourNames = (theme) => Object.fromEntries(["low", "middle", "high"].map((name) => [name, `${name}-${theme}`]));
