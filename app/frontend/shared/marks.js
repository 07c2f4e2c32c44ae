// Marks: the shapes of points, on canvases, beside words and in shaders.

import { escaped } from "./words.js";

const turned = (count, radius) => Array.from({ length: count }, (_, k) => {
  const [far, angle] = [radius(k), (2 * k * Math.PI) / count];
  return [far * Math.sin(angle), -far * Math.cos(angle)];
});

const OUTLINES = {  // of a mark of radius 1; null: a circle
  circle: null,
  square: [[-0.87, -0.87], [0.87, -0.87], [0.87, 0.87], [-0.87, 0.87]],
  triangle: [[0, -1.25], [1.1, 0.8], [-1.1, 0.8]],
  diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  pentagon: turned(5, () => 1.12),
  star: turned(10, (k) => (k % 2 ? 0.62 : 1.5)),
};

export function outline(pen, mark, x, y, radius) {
  const corners = OUTLINES[mark];
  pen.beginPath();
  if (!corners) pen.arc(x, y, radius, 0, 7);
  else corners.forEach(([dx, dy], k) => pen[k ? "lineTo" : "moveTo"](x + radius * dx, y + radius * dy));
  pen.closePath();
}

// Outlined in one colour and filled with another, on a rim of paper.
export function stamped(pen, mark, x, y, radius, { colour, inside = colour, paper, rim = 4.5 }) {
  outline(pen, mark, x, y, radius);
  Object.assign(pen, { strokeStyle: paper, lineWidth: rim, lineJoin: "round", fillStyle: inside });
  pen.stroke();
  pen.fill();
  if (inside === colour) return;
  Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
  pen.stroke();
}

// The same as SVG, for words.
export function drawing(mark, colour, filled = true) {
  const size = mark === "star" ? 3.6 : 4.5;
  const corners = OUTLINES[mark];
  const shape = corners
    ? `<polygon points="${corners.map(([x, y]) => `${7 + size * x},${7 + size * y}`).join(" ")}"`
    : '<circle cx="7" cy="7" r="4.5"';
  return `<svg class="mark" viewBox="0 0 14 14" aria-hidden="true">${shape} fill="${filled ? colour : "none"}" stroke="${colour}" stroke-width="1.8"/></svg>`;
}

// A line as it is drawn, for words.
export const stroke = (colour, dash, width) =>
  `<svg class="stroke" viewBox="0 0 ${width} 8" aria-hidden="true"><path d="M0 4H${width}" stroke="${colour}" stroke-width="2.6" stroke-dasharray="${dash}"/></svg>`;

// What the lines of several sides or runs are: each has a colour, a dash and a title.
export const linesHtml = (lines) =>
  lines.map(({ colour, dash, title }) => `<span class="line">${stroke(colour, dash, 22)}${escaped(title)}</span>`).join("");

// How far a mark of radius 1 reaches along an axis.
export const reach = (mark) => Math.max(...(OUTLINES[mark] ?? [[1, 1]]).flat().map(Math.abs));

// How far a place is from a mark of radius 1; negative inside.
export function distance(mark, x, y) {
  const corners = OUTLINES[mark];
  if (!corners) return Math.hypot(x, y) - 1;
  let [least, within] = [Infinity, false];
  corners.forEach(([ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length];
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy));
    if (ay > y !== by > y && x < ax + ((y - ay) * dx) / dy) within = !within;
  });
  return within ? -least : least;
}
