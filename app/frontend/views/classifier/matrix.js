// A confusion matrix: rows are true classes, columns what the network predicts.

import { sheet } from "../../shared/canvas.js";

const LABELLED = 20;  // up to this many classes it names them
const LONGEST = 84;  // pixels of a name

// Draws a matrix (count * count numbers) in a colour; returns where it lies, for `cellAt`.
export function drawMatrix(canvas, matrix, { classes, colour, ink }) {
  const { pen, width, height } = sheet(canvas);
  if (!matrix || !width) return null;
  const place = fitted(pen, width, height, classes, ink);
  cells(pen, place, matrix, colour, ink);
  frame(pen, place, classes, ink);
  return { ...place, matrix };
}

// Words about the cell at a place of the canvas.
export function cellAt({ from, up, cell, count, matrix }, classes, x, y) {
  const [column, row] = [Math.floor((x - from) / cell), Math.floor((y - up) / cell)];
  if (Math.min(row, column) < 0 || Math.max(row, column) >= count) return "";
  const mine = matrix.subarray(row * count, (row + 1) * count);
  return `true ${classes[row]}, predicted ${classes[column]}: ${mine[column]} of ${mine.reduce((a, b) => a + b, 0)}`;
}

function fitted(pen, width, height, classes, { font }) {
  const count = classes.length, named = count <= LABELLED;
  pen.font = `11px ${font}`;
  const longest = Math.max(...classes.map((name) => pen.measureText(name).width));
  const room = named ? Math.min(longest + 8, LONGEST) : 4;
  const flat = named && longest < 18;  // names short enough to stand side by side
  const [left, under] = [16 + room, 16 + (flat ? 18 : room)];
  const size = Math.min(width - left - 2, height - under - 4);
  const cell = named ? Math.floor(size / count) : size / count;
  const side = cell * count;
  return { count, named, flat, room, left, under, cell, side, from: Math.round(left + Math.max(0, (width - left - side) / 2)), up: 4 };
}

function cells(pen, { count, named, cell, from, up }, matrix, colour, { text, font }) {
  Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
  for (let row = 0; row < count; row++) {
    const mine = matrix.subarray(row * count, (row + 1) * count);
    const total = Math.max(1, mine.reduce((a, b) => a + b, 0));
    for (let column = 0; column < count; column++) {
      const value = mine[column] / total;
      const [at, high] = [column, row].map((k) => Math.round(k * cell));
      const [wide, tall] = [column, row].map((k) => Math.round((k + 1) * cell) - Math.round(k * cell) - named);
      Object.assign(pen, { globalAlpha: value ? 0.1 + 0.9 * value : row === column ? 0.07 : 0, fillStyle: colour });
      pen.fillRect(from + at, up + high, wide, tall);
      if (cell < 20 || !mine[column]) continue;
      Object.assign(pen, { globalAlpha: 1, fillStyle: value > 0.55 ? "#fff" : text, font: `${cell < 26 || mine[column] > 99 ? 9 : 10.5}px ${font}` });
      pen.fillText(mine[column], from + at + wide / 2, up + high + tall / 2 + 0.5);
    }
  }
}

function frame(pen, { named, flat, room, left, under, cell, side, from, up }, classes, { text, border, font }) {
  Object.assign(pen, { globalAlpha: 1, strokeStyle: border, lineWidth: 1, fillStyle: text, textBaseline: "middle", font: `11px ${font}` });
  pen.strokeRect(from - 1.5, up - 1.5, side + 2, side + 2);
  const fitting = (name) => {
    let words = name;
    while (words.length > 1 && pen.measureText(words).width > room - 6) words = `${words.slice(0, words.endsWith("…") ? -2 : -1)}…`;
    return words;
  };
  (named ? classes : []).forEach((name, i) => {
    pen.textAlign = "right";
    pen.fillText(fitting(name), from - 7, up + (i + 0.5) * cell);
    pen.save();
    pen.translate(from + (i + 0.5) * cell, up + side + 6);
    if (flat) pen.textAlign = "center";
    else pen.rotate(-Math.PI / 2);
    pen.fillText(fitting(name), 0, flat ? 7 : 0);
    pen.restore();
  });
  Object.assign(pen, { globalAlpha: 0.75, textAlign: "center" });
  pen.fillText("predicted class", from + side / 2, up + side + under - 6);
  pen.translate(from - left + 8, up + side / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText("true class", 0, 0);
}
