// Values of networks as pixels, folded into rows as long as a panel is wide, with the borders of their parameters.

import { channels, sheet } from "../../shared/canvas.js";
import { unpacked } from "../../shared/hub.js";

const TALL = 290;  // of the pictures at most, CSS pixels
const CLOSE = 3;  // borders nearer to each other than this are drawn as one, CSS pixels
export const NOT_FINITE = -32768;

// Packed quanta, whose low bytes come before the high ones.
export async function inflate(packed) {
  const bytes = new Uint8Array(await unpacked(packed).arrayBuffer());
  const half = bytes.length / 2;
  const quanta = new Int16Array(half);
  for (let i = 0; i < half; i++) quanta[i] = bytes[i] | (bytes[half + i] << 8);
  return quanta;
}

// Values at a share of the way from a to b; `into` is used again where it is as long.
export function between(a, b, share, into) {
  if (share === 0 || share === 1) return share ? b : a;
  return combined(a, b, into, (from, to) => from + share * (to - from));
}

// Values of b less those of a.
export const difference = (a, b, into) => combined(a, b, into, (from, to) => to - from);

function combined(a, b, into, formula) {
  const out = into?.length === a.length ? into : new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] === NOT_FINITE || b[i] === NOT_FINITE ? NOT_FINITE : formula(a[i], b[i]);
  return out;
}

// -- folding ------------------------------------------------------------------------------------------------------

// How values are folded in a panel of a width: whole pixels for a value, or whole values for a pixel.
export function foldOf(count, panel) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.floor(panel * scale), tall = TALL * scale;
  let times = Math.max(1, Math.floor(Math.sqrt((width * tall) / count)) + 1), over = 1;
  while (times > 1 && Math.ceil(count / Math.floor(width / times)) * times > tall) times--;
  while (times === 1 && Math.ceil(count / (width * over)) / over > tall) over++;
  const columns = times > 1 ? Math.floor(width / times) : width * over;
  return { columns, rows: Math.ceil(count / columns), pitch: times / over / scale, over };
}

// The value at a place of a picture; null where there is none.
export function cellAt({ columns, pitch }, count, x, y) {
  const [column, row] = [x, y].map((v) => Math.floor(v / pitch));
  const cell = row * columns + column;
  return column >= 0 && column < columns && cell >= 0 && cell < count ? cell : null;
}

// -- colours --------------------------------------------------------------------------------------------------------

// Pixels of -shades ... shades, and of what is not finite.
export function palette({ low, middle, high, none }, shades) {
  const [l, m, h, n] = [low, middle, high, none].map(channels);
  const pack = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;
  const colours = Uint32Array.from({ length: 2 * shades + 1 }, (_, i) => {
    const v = i / shades - 1, to = v < 0 ? l : h;
    return pack(m.map((c, k) => Math.round(c + Math.abs(v) * (to[k] - c))));
  });
  return { colours, none: pack(n), shades };
}

// Draws values; `factorOf` scales those of a parameter.
export function paint(canvas, quanta, kind, { colours, none, shades }, factorOf) {
  const { columns, rows, pitch, over } = kind.fold;
  if (canvas.width !== columns || canvas.height !== rows) {
    [canvas.width, canvas.height] = [columns, rows];
    [canvas.style.width, canvas.style.height] = [`${columns * pitch}px`, `${rows * pitch}px`];
    canvas.classList.toggle("fine", over > 1);
  }
  const image = new ImageData(columns, rows), pixels = new Uint32Array(image.data.buffer);
  for (const layer of kind.layers) {
    const factor = factorOf(layer);
    for (let i = layer.start; i < layer.end; i++) {
      const v = quanta[i] * factor;
      pixels[i] = quanta[i] === NOT_FINITE ? none : colours[v >= shades ? 2 * shades : v <= -shades ? 0 : (v + shades + 0.5) | 0];
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// -- borders ----------------------------------------------------------------------------------------------------------

// Draws the borders of the parameters; `layer`, one of them, is marked and named. Nothing without `kind`.
export function rule(canvas, kind, layer, ink) {
  const { pen, width, height } = sheet(canvas);
  if (!kind) return;
  Object.assign(pen, { strokeStyle: ink.text, lineWidth: 1, globalAlpha: 0.55 });
  pen.beginPath();
  let last = -Infinity;
  const { columns, pitch } = kind.fold;
  for (const { start } of kind.layers.slice(1)) {
    const [x, y] = [(start % columns) * pitch, Math.floor(start / columns) * pitch];
    if (y - last < CLOSE) continue;
    last = y;
    if (x) {
      pen.moveTo(0, y + pitch);
      pen.lineTo(x, y + pitch);
      pen.lineTo(x, y);
    } else pen.moveTo(x, y);
    pen.lineTo(columns * pitch, y);
  }
  pen.stroke();
  if (kind.layers.includes(layer)) single(pen, width, height, kind.fold, layer, ink);
}

function single(pen, width, height, fold, layer, ink) {  // all others are paler
  const { columns, pitch } = fold, across = columns * pitch;
  Object.assign(pen, { fillStyle: ink.paper, globalAlpha: 0.62 });
  pen.beginPath();
  pen.rect(0, 0, width, height);
  around(pen, fold, layer.start, layer.end);
  pen.fill("evenodd");
  pen.globalAlpha = 1;
  pen.beginPath();
  around(pen, fold, layer.start, layer.end);
  Object.assign(pen, { lineWidth: 1.5, lineJoin: "round" });
  pen.stroke();
  pen.font = `600 11px ${ink.font}`;
  const wide = pen.measureText(layer.name).width + 10;
  const at = Math.min((layer.start % columns) * pitch, across - wide), border = Math.floor(layer.start / columns) * pitch;
  const up = border >= 18 ? border - 18 : Math.min(height - 17, Math.ceil(layer.end / columns) * pitch + 2);
  Object.assign(pen, { fillStyle: ink.text, textBaseline: "middle" });
  pen.beginPath();
  pen.roundRect(at, up, wide, 16, 4);
  pen.fill();
  pen.fillStyle = ink.paper;
  pen.fillText(layer.name, at + 5, up + 8.5);
}

function around(pen, { columns, pitch }, start, end) {  // the values from start to end, which may begin and end within a row
  const [top, left, bottom, right] = [Math.floor(start / columns), start % columns, Math.floor(end / columns), end % columns];
  const corners = [
    [left, top], [columns, top], [columns, bottom], [right, bottom], [right, right ? bottom + 1 : bottom],
    [0, right ? bottom + 1 : bottom], [0, top + 1], [left, top + 1],
  ];
  corners.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x * pitch, y * pitch));
  pen.closePath();
}
