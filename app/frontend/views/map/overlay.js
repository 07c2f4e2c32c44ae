// What lies above the points, on a canvas: areas, a path, the picked network and its neighbours; badges are beside.

import { dashed, trace } from "../../shared/canvas.js";
import { outline, stamped } from "../../shared/marks.js";

const CROSS = 3.5;  // pixels: an arm of it
const [AROUND, BESIDE] = [11, 11.5];  // pixels: rings around the picked network and around one near it by function

export function drawArea(pen, corners, colour, open) {
  Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 1.6 });
  dashed(pen, open ? [5, 4] : [], [...corners, corners[0]]);
  pen.globalAlpha = 0.07;
  pen.fill();
  pen.globalAlpha = 1;
}

// A path through places, null where one is not known, with arrow heads and the place of its slider; line: whether they
// lie one after another.
export function drawPath(pen, places, { colour, line }, at, paper) {
  for (const [ink, width] of [[paper, 5.5], [colour, 2.4]]) {
    Object.assign(pen, { strokeStyle: ink, fillStyle: ink, lineWidth: width });
    if (line) trace(pen, places);
    else places.filter(Boolean).forEach((place) => (outline(pen, "circle", ...place, width), pen.fill()));
  }
  if (line) drawArrows(pen, places);
  const here = places[at];
  if (!here) return;
  stamped(pen, "circle", ...here, 7, { colour, paper, rim: 4 });
  pen.fillStyle = paper;
  outline(pen, "circle", ...here, 2.5);
  pen.fill();
}

function drawArrows(pen, places) {  // every 90 pixels, the first after 45
  let gone = 0;
  for (let k = 1, next = 45; k < places.length; k++) {
    const [from, to] = [places[k - 1], places[k]];
    if (!from || !to) continue;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const length = Math.hypot(dx, dy);
    for (; next < gone + length; next += 90) {
      const [x, y, ux, uy] = [from[0] + (dx * (next - gone)) / length, from[1] + (dy * (next - gone)) / length, dx / length, dy / length];
      pen.beginPath();
      for (const [along, across] of [[6, 0], [-4, 5], [-4, -5]]) pen.lineTo(x + along * ux - across * uy, y + along * uy + across * ux);
      pen.fill();
    }
    gone += length;
  }
}

// Rings around networks near another one, joined to it; each is { to, kind }.
export function drawNeighbours(pen, from, neighbours, { text, paper }) {
  pen.globalAlpha = 0.8;
  for (const { to, kind } of neighbours) {
    const radius = kind === "function" ? BESIDE : 8.5;  // both rings are seen where a network is near in both ways
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const point = (d) => (length > d ? [from[0] + ((to[0] - from[0]) * d) / length, from[1] + ((to[1] - from[1]) * d) / length] : from);
    for (const [colour, width, dash] of [[paper, 3.4, []], [text, 1.2, kind === "function" ? [4, 3] : []]]) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: width });
      pen.setLineDash(dash);
      if (length > radius + AROUND) trace(pen, [point(AROUND), point(length - radius)]);
      outline(pen, "circle", ...to, radius);
      pen.stroke();
    }
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

// Copies of the picked network: a cross each, all on one rim of paper.
export function drawOrbit(pen, places, { text, paper }) {
  for (const [colour, width, arm] of [[paper, 3.6, CROSS + 1], [text, 1.4, CROSS]]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    pen.beginPath();
    for (const [x, y] of places) {
      pen.moveTo(x - arm, y);
      pen.lineTo(x + arm, y);
      pen.moveTo(x, y - arm);
      pen.lineTo(x, y + arm);
    }
    pen.stroke();
  }
}

export function drawPicked(pen, at, network, { paper, primary }) {
  for (const [colour, width] of [[paper, 5], [primary, 2.6]]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    outline(pen, network ? "circle" : "diamond", ...at, network ? 10 : 8);
    pen.stroke();
  }
}

export function drawRing(pen, at, { text, paper }) {  // around what is pointed at on the map beside this one
  for (const [colour, width] of [[paper, 4], [text, 1.5]]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    outline(pen, "circle", ...at, 9);
    pen.stroke();
  }
}
