// How the points look: what a look's bytes say, and what of it is shown, in which order.

import { blended, channels } from "../../shared/canvas.js";
import { GUEST, HOLLOW } from "./points.js";

const FADED = 46;  // of 255: how strongly points outside the selection are drawn
const FAINT = 26;  // and those that a filter leaves out
const NOT_KNOWN = -1;
const PLAIN = { title: "", kind: "category", categories: [], missing: 0 };

// Numbers of a feed's body, which need not lie on a multiple of four bytes.
export const floats = (body, count) => new Float32Array(body.slice(0, 4 * count).buffer);

export function lookOf({ header, body }) {
  const count = body.length / 7;
  const bytes = (k) => body.subarray((4 + k) * count, (5 + k) * count);
  const [sizes, marks, flags] = [0, 1, 2].map(bytes);
  return { ...header, colour: header.colour ?? PLAIN, count, colours: floats(body, count), sizes, marks, flags, used: flags.reduce((all, v) => all | v, 0) };
}

// What the legend can hide: categories by index, and those whose value is not known.
export function categories(look, unknown) {
  const { colour } = look ?? { colour: PLAIN };
  const named = colour.kind === "category" ? colour.categories.map((each, index) => ({ ...each, index })).filter(({ count }) => count) : [];
  return [...named, ...(colour.missing ? [{ name: "not known", colour: unknown, mark: "circle", count: colour.missing, index: NOT_KNOWN }] : [])];
}

// Colours and looks of all points for the graphics card, which are shown and not left out, and their
// order in layers. Hidden: indices of `categories`; roped: 1 for those of the selection, left: for those that a
// filter leaves; empty where there is none.
export function styled(look, places, { hidden, roped, left, ramp, unknown }) {
  const { count } = places, category = look.colour.kind === "category";
  const palette = category ? look.colour.categories.map(({ colour }) => channels(colour)) : Array.from({ length: 256 }, (_, k) => blended(ramp, k / 255));
  const [colours, looks, shown, reached, layer] = [4 * count, 4 * count, count, count, count].map((size) => new Uint8Array(size));
  const layers = [0, 0, 0, 0, 0, 0];  // faded first, hollow below filled, guests on top
  const other = channels(unknown);
  for (let i = 0; i < count; i++) {
    const value = look.colours[i], known = !Number.isNaN(value);
    const index = known ? (category ? value : Math.round(255 * Math.max(0, Math.min(1, value)))) : NOT_KNOWN;
    if (!places.known[i] || ((category || !known) && hidden.has(index))) continue;
    shown[i] = 1;
    const out = left.length && !left[i], faded = out || (roped.length && !roped[i]), flags = look.flags[i];
    reached[i] = out ? 0 : 1;
    colours.set(palette[index] ?? other, 4 * i);
    colours[4 * i + 3] = out ? FAINT : faded ? FADED : 255;
    looks.set([look.sizes[i], look.marks[i], flags], 4 * i);
    layer[i] = (faded ? 0 : 3) + (flags & GUEST ? 2 : flags & HOLLOW ? 0 : 1);
    layers[layer[i]]++;
  }
  return { colours, looks, shown: reached, layers, order: ordered(count, shown, layer, layers) };
}

function ordered(count, shown, layer, layers) {
  let sum = 0;
  const next = layers.map((size) => (sum += size) - size);
  const order = new Uint32Array(sum);
  for (let k = 0, i = 0, stride = mixing(count); k < count; k++, i = (i + stride) % count) if (shown[i]) order[next[layer[i]]++] = i;
  return order;
}

// A step through 0..count-1 that meets each once: so that none is drawn above another only for being later in its zoo.
function mixing(count) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  let stride = Math.max(1, Math.round(count * 0.618));
  while (divisor(stride, count) > 1) stride++;
  return stride;
}
