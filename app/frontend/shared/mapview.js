// What the maps of embeddings share: a plane of networks under hands, its grid, keys and words at the pointer.

import { trace } from "./canvas.js";
import { keptOf, onFeeds } from "./hub.js";
import { hearKeys, toggleKeys } from "./keys.js";
import { outline } from "./marks.js";
import { beside, PanZoom } from "./panzoom.js";
import { drawSoon, onResize } from "./view.js";
import { escaped, ticks } from "./words.js";

// Its subclasses have what PanZoom asks of its owner, and: `count` networks; `at(i)`, the place of one, undefined where
// it is not shown; `told(hot)`, a title and words; `hotPlace`, the place of what is pointed at; `receive()`, `draw()`.
export class MapView {
  constructor(root, id, surface, fresh) {
    this.root = root;
    this.id = id;
    this.kept = keptOf(id, fresh);  // what hands have done
    const find = (selector) => root.querySelector(selector);
    this.el = { map: find(".map"), surface: find(surface), x: find(".axis.x"), y: find(".axis.y"), message: find(".message"), tip: find(".tip"), keys: find(".keys"), help: find(".help"), live: find(".live") };
    this.hand = new PanZoom(this.el.surface, this.el.map, this);
    this.build();
    this.endings = [onResize(root, () => this.redraw()), hearKeys(this), onFeeds(id, () => this.receive())];
  }

  keyed() {
    return {
      ...this.hand.keyed, "?": () => toggleKeys(this),
      ArrowLeft: () => this.walk(-1, 0), ArrowRight: () => this.walk(1, 0), ArrowUp: () => this.walk(0, 1), ArrowDown: () => this.walk(0, -1),
    };
  }

  keyRows() {
    return [[["←", "→", "↑", "↓"], "to the nearest network on this side"], [["+", "-", "R"], "nearer, further, show everything"], ["drag, wheel", "move, zoom"]];
  }

  walk(dx, dy) {  // to the nearest network in a direction
    if (!this.ready) return;
    const { view, hand } = this, start = this.walkedFrom, from = this.at(start);
    const best = beside(this.count, (i) => (i === start ? undefined : this.at(i)), from ?? [view.x, view.y], [dx, dy], !from);
    if (best < 0) return;
    this.pointAt(best);
    const [x, y] = this.at(best);
    if (!hand.shows(hand.screen([x, y]))) this.move({ x, y, scale: view.scale });
    this.el.live.textContent = this.told(this.hot).join(", ");
  }

  redraw() {
    drawSoon(this);
  }

  drawGrid(pen, { text, border, font }, below = 40) {  // with its numbers, for maps on which distances mean something
    const { view, hand } = this, { width, height } = hand;
    Object.assign(pen, { font: `10.5px ${font}`, fillStyle: text, strokeStyle: border, lineWidth: 1, textBaseline: "middle", globalAlpha: 0.6 });
    for (const [k, size] of [[0, width], [1, height]]) {
      const from = k ? view.y - height / 2 / view.scale : view.x - width / 2 / view.scale;
      const { found, digits } = ticks(from, from + size / view.scale, size / 70);
      for (const value of found) {
        const [x, y] = hand.screen(k ? [view.x, value] : [value, view.y]);
        trace(pen, k ? [[0, y], [width, y]] : [[x, 0], [x, height]]);
        pen.textAlign = k ? "left" : "center";
        if (k ? y > 40 && y < height - below : x > 40 && x < width - 50) pen.fillText(value.toFixed(digits), k ? 6 : x, k ? y - 7 : height - 10);
      }
    }
    pen.globalAlpha = 1;
  }

  drawTip(pen, { text }, picture = "") {  // words about what is pointed at, beside it, and a ring around it
    const { tip } = this.el, { width, height } = this.hand, place = this.hotPlace;
    tip.hidden = !place;
    if (!place) return;
    const [x, y] = this.hand.screen(place);
    Object.assign(pen, { strokeStyle: text, lineWidth: 1.5 });
    outline(pen, "circle", x, y, 9);
    pen.stroke();
    const [title, ...more] = this.told(this.hot);
    const html = `${picture}<span><b>${escaped(title)}</b>${more.map((words) => `<i>${escaped(words)}</i>`).join("")}</span>`;
    if (this.tipped !== html) tip.innerHTML = this.tipped = html;
    const { offsetWidth: wide, offsetHeight: tall } = tip;
    tip.style.left = `${Math.max(4, Math.min(width - wide - 4, x + 14 + wide > width ? x - 14 - wide : x + 14))}px`;
    tip.style.top = `${Math.max(4, Math.min(height - tall - 4, y - tall / 2))}px`;
  }

  dispose() {
    this.endings.forEach((end) => end());
  }
}
