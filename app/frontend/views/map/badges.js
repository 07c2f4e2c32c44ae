// Where badges, names and labels stand beside their dots, so that none covers another, and what joins them to these.

import { haloed, trace } from "../../shared/canvas.js";
import { stamped } from "../../shared/marks.js";

const [STEP, RINGS, TURNS] = [13, 8, 16];  // pixels between rings around a dot that are tried, how many, places on each
const [GAP, DOT] = [2, 5];  // pixels: between two boxes, and around a dot that others leave free
const NEAR = 10;  // pixels from a dot within which a box sits on it: no line joins them
const PAPER = 0.9;  // of a label's ground: text on it is read over dots of any colour

const box = ([x, y], [wide, tall], gap = 0) => [x - wide / 2 - gap, y - tall / 2 - gap, x + wide / 2 + gap, y + tall / 2 + gap];
const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// Middles of a box to try: the usual one and those that mirror it, then rings around its dot from the inside, in the
// usual direction first. Of the nearest ones those come first that cover no dots.
function tries({ at: [x, y], size: [wide, tall], usual: [dx, dy], rings = RINGS, loose }, crowded) {
  const near = [[dx, dy], [-dx, dy], [dx, -dy], [-dx, -dy]].map(([right, low]) => [x + right, y + low]);
  const start = Math.atan2(dy, dx), around = [];
  for (let ring = 1; ring <= rings; ring++)
    for (let turn = 0; turn < TURNS; turn++) {
      const angle = start + ((turn % 2 ? turn + 1 : -turn) * Math.PI) / TURNS, [ux, uy] = [Math.cos(angle), Math.sin(angle)];
      around.push([x + ux * (ring * STEP + wide / 2), y + uy * (ring * STEP + tall / 2)]);
    }
  const first = loose ? [...near, ...around.slice(0, TURNS)] : near;
  return [...first.filter((to) => !crowded(to)), ...near, ...around];
}

// Gives every badge { at, size, usual } its middle `to`: in the window, over no badge before it, no dot of another one,
// and none of the boxes that are taken; null where there is no such place. `at` is its dot, `usual` the way from there.
// `rings` says how far it may stand off; a badge that is `loose` may cover the dots of others, and is about all around
// its dot: no line joins them. `crowded(box)` says whether dots lie in a box, which is avoided where one nearby is free.
export function arranged(badges, { width, height }, taken = [], crowded = () => false) {
  const boxes = [...taken], seen = ([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height;
  return badges.map((badge) => {
    const dots = badge.loose ? [] : badges.filter(({ at }) => seen(at) && (at[0] !== badge.at[0] || at[1] !== badge.at[1]));
    const free = (to) => {
      const mine = box(to, badge.size, GAP);
      const inside = mine[0] >= 0 && mine[1] >= 0 && mine[2] <= width && mine[3] <= height;
      return inside && !boxes.some((other) => meet(mine, other)) && !dots.some(({ at }) => meet(mine, box(at, [2 * DOT, 2 * DOT])));
    };
    let to = null;
    if (seen(badge.at)) for (const place of tries(badge, (at) => crowded(box(at, badge.size, DOT)))) if (free(place)) { to = place; break; }
    if (to) boxes.push(box(to, badge.size));
    return { ...badge, to };
  });
}

// The line from a dot to its badge, null where the badge sits on the dot.
export function leader({ at: [x, y], to, size, loose }) {
  if (!to || loose) return null;
  const [left, top, right, low] = box(to, size);
  const [nx, ny] = [Math.max(left, Math.min(right, x)), Math.max(top, Math.min(low, y))];
  const far = Math.hypot(nx - x, ny - y);
  return far > NEAR ? [[x + ((nx - x) * DOT) / far, y + ((ny - y) * DOT) / far], [nx, ny]] : null;
}

// -- kinds of badges --------------------------------------------------------------------------------------------------

// A letter or a number on a mark.
export const lettered = (at, words, mark, usual) => ({ at, words, mark, usual, size: mark === "square" ? [20, 20] : [17, 17], draw: drawLetter });

// Words on a rim of paper, below their dot.
export function named(pen, at, words, { font }) {
  pen.font = `600 11.5px ${font}`;
  return { at, words, usual: [0, 18], size: [pen.measureText(words).width + 6, 16], draw: drawName };
}

// The name of a group, over it or beside.
export function labelled(pen, at, words, colour, mark, { font }) {
  pen.font = `600 11.5px ${font}`;
  return { at, words, colour, mark, usual: [0, 0], size: [pen.measureText(words).width + 27, 19], rings: 3, loose: true, draw: drawLabel };
}

function drawLetter(pen, { to: [x, y], words, mark }, { text, paper, font }) {
  stamped(pen, mark, x, y, mark === "square" ? 9.5 : 8, { colour: text, paper, rim: 3 });
  Object.assign(pen, { fillStyle: paper, font: `700 11px ${font}` });
  pen.fillText(words, x, y + 0.5);
}

function drawName(pen, { to: [x, y], words }, { text, paper, font }) {
  Object.assign(pen, { font: `600 11.5px ${font}`, fillStyle: text });
  haloed(pen, words, x, y, paper);
}

function drawLabel(pen, { to: [x, y], size: [wide, tall], words, colour, mark }, { text, paper, font }) {
  pen.beginPath();
  pen.roundRect(x - wide / 2, y - tall / 2, wide, tall, tall / 2);
  Object.assign(pen, { fillStyle: paper, globalAlpha: PAPER });
  pen.fill();
  Object.assign(pen, { globalAlpha: 1, strokeStyle: colour, lineWidth: 1.2 });
  pen.stroke();
  stamped(pen, mark, x - wide / 2 + 11, y, 3.8, { colour, paper, rim: 1 });
  Object.assign(pen, { font: `600 11.5px ${font}`, fillStyle: text });
  pen.fillText(words, x + 8, y + 0.5);
}

// Draws badges that are arranged, below them the lines to their dots.
export function drawBadges(pen, badges, ink) {
  const shown = badges.filter(({ to }) => to);
  for (const [colour, width] of [[ink.paper, 3.2], [ink.text, 1.1]]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    for (const line of shown.map(leader)) if (line) trace(pen, line);
  }
  for (const badge of shown) badge.draw(pen, badge, ink);
}
