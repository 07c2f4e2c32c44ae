// A path between two image classifiers: accuracy at every step, and in full what the network at the slider answers.

import { inkOf } from "../shared/canvas.js";
import { FocusView } from "../shared/focus.js";
import { drawing, stroke } from "../shared/marks.js";
import { mounted } from "../shared/view.js";
import { escaped, many } from "../shared/words.js";
import { drawChart, share, shareAt } from "./classifier/chart.js";
import { archOf, saidAt, Sizes } from "./classifier/family.js";
import { cellAt, drawMatrix } from "./classifier/matrix.js";
import { Tiles } from "./classifier/tiles.js";

class Classifier extends FocusView {
  chipHelp = "show its answers";

  build() {
    const find = (selector) => this.root.querySelector(selector);
    Object.assign(this.el, {
      progress: find(".progress"), focus: find(".focus"), chart: find(".chart"), matrix: find(".matrix"), caption: find(".caption"),
      strip: find(".strip"), messages: [...this.root.querySelectorAll(".message")], accuracies: find(".accuracies"), architecture: find(".architecture"),
    });
    this.tiles = new Tiles(this.el.strip);
    this.sizes = new Sizes(this, find(".sizes"));
  }

  listen() {
    super.listen();
    const { chart, matrix } = this.el;
    let held = false;
    const go = (e) => {
      const { left, width } = chart.getBoundingClientRect();
      this.show(Math.round(shareAt(e.clientX - left, width) * (this.data.steps - 1)));
    };
    chart.onpointerdown = (e) => {
      if (e.button) return;
      held = true;
      chart.setPointerCapture(e.pointerId);
      this.slider.stop();
      go(e);
    };
    chart.onpointermove = (e) => {
      if (held) go(e);
      else chart.title = this.ribbon ? saidAt(this, this.ribbon, e.offsetX, e.offsetY) : "";
    };
    chart.onpointerup = chart.onpointercancel = () => {
      if (held) this.settle();
      held = false;
    };
    matrix.onpointermove = (e) => (matrix.title = this.grid ? cellAt(this.grid, this.data.classes, e.offsetX, e.offsetY) : "");
  }

  keyRows() {
    return [...super.keyRows(), ["click, drag", "in the chart: go there"]];
  }

  // -- what Python says -----------------------------------------------------------------------------------------

  lay(data) {
    super.lay(data);
    this.root.classList.toggle("family", !!data.family);
    this.el.architecture.hidden = !data.family;
    this.sizes.lay(data.family);
    this.accuracies = data.sides.map((side) => {
      const el = document.createElement("div");
      el.className = "cell accuracy";
      el.innerHTML = `<span>${stroke(side.colour, side.dash, 22)} <em></em></span><b></b><i></i>`;
      el.querySelector("em").textContent = `accuracy, ${side.title}`;
      el.title = "Share of test images whose class the network names. Where not all were asked: with the 95 % Wilson interval.";
      return el;
    });
    this.el.accuracies.replaceChildren(...this.accuracies);
    if (this.tiles.of !== data.path) this.tiles.lay(data.recorded ? 0 : data.strip, data.hint);
  }

  view() {
    return { frame: this.kept.frame };
  }

  // -- what arrives ---------------------------------------------------------------------------------------------

  better(entry, known) {
    return entry.full && !known.full;
  }

  arrive(entry, body) {
    if (entry.bytes) entry.matrix = new Uint16Array(body.slice().buffer);  // rows true, columns said
  }

  pictures(feed) {
    this.tiles.fill(feed);
  }

  // -- words ----------------------------------------------------------------------------------------------------

  write() {
    super.write();
    const { focus, data: { sides, classes, recorded, same, axis } } = this;
    const entry = this.entry(focus), entries = [...this.frames.values()];
    const whole = entries.filter((e) => e.full).length;
    this.writeProgress(entries, whole);
    sides.forEach((side, k) => this.writeAccuracy(this.accuracies[k], this.entry(side)));
    this.el.focus.innerHTML = "<span class=\"name\"></span><i></i>";
    this.el.focus.querySelector("span").textContent = focus.title;
    this.el.focus.querySelector("i").textContent = this.el.focus.title = this.whatIs(focus);
    this.writeMessages(entries, entry);
    this.el.caption.hidden = recorded;
    this.el.caption.textContent = `${this.tiles.all.length} of the test images: what the ${this.atEnd || same || axis ? "network" : "network in between"} predicts, and with what probability`;
    this.el.strip.classList.toggle("waiting", !entry && !recorded);
    this.tiles.write(entry, classes);
    this.writeFamily();
    Object.assign(this.root.dataset, {
      frame: this.kept.frame, frames: entries.length, full: whole, method: focus.name, messages: this.kept.sent,
      pictures: this.tiles.of ? this.tiles.all.length : 0,
    });
  }

  writeProgress(entries, whole) {
    const { subset, recorded } = this.data, { all } = this, { progress } = this.el;
    progress.textContent = recorded ? `recorded, all ${many(entries[0]?.count ?? 0)} test images`
      : entries.length < all ? `first ${many(subset)} test images: ${entries.length} of ${all} networks`
      : whole < all ? `full test set: ${whole} of ${all} networks` : "";
    progress.title = "Accuracy is first estimated on a part of the test set, with its 95 % confidence band, then measured on all of it.";
  }

  writeAccuracy(el, here) {
    const [number, words] = ["b", "i"].map((tag) => el.querySelector(tag));
    number.textContent = here ? share(here.correct / here.count) : "–";
    words.textContent = !here ? "evaluating" : here.full ? `on all ${many(here.count)} test images`
      : `${share(here.low)} to ${share(here.high)}, on ${many(here.count)} of ${many(this.data.full)} test images`;
  }

  writeMessages(entries, entry) {  // in the place of chart and matrix
    const { recorded, missing } = this.data;
    const [chart, matrix] = this.el.messages;
    chart.hidden = entries.length > 0;
    chart.classList.add("waiting");
    chart.textContent = "evaluating the first networks";
    matrix.hidden = !recorded && !!entry?.matrix;
    matrix.classList.toggle("waiting", !recorded);
    matrix.textContent = recorded ? missing : "evaluating";
  }

  writeFamily() {
    const { focus, data: { family }, kept: { frame } } = this;
    if (!family) return;
    const here = archOf(this, focus), { title, colour, mark, parameters } = family.archs[here];
    const [words, name, more] = this.el.architecture.children;
    const sure = family.probabilities[frame][here];
    words.textContent = focus.embedded ? "predicted architecture" : "architecture of A and B";
    name.innerHTML = `${drawing(mark, colour)}${escaped(title)}`;
    more.textContent = `${focus.embedded ? `p = ${sure.toFixed(2)}, ` : ""}${many(parameters)} parameters`;
    this.el.architecture.title = focus.embedded ? "The architecture that the class head names for this embedding, in which the network is built; p: its softmax probability (Eq. 7)."
      : `${focus.title}: between networks of one architecture.`;
    this.sizes.write(here);
    Object.assign(this.root.dataset, { architecture: title, probability: sure.toFixed(3), stars: family.stars.length });
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  draw() {
    this.ink = inkOf(this.root);
    this.ribbon = drawChart(this, this.el.chart);
    this.grid = drawMatrix(this.el.matrix, this.entry(this.focus)?.matrix, { classes: this.data.classes, colour: this.focus.colour, ink: this.ink });
    if (this.data.family) this.sizes.draw();
  }
}

export default mounted(Classifier, ".classifier");
