// What the map's colours, sizes, marks and lines mean, as HTML.

import { drawing, stroke } from "../../shared/marks.js";
import { escaped, many, rounded } from "../../shared/words.js";
import { GUEST, HOLLOW, WARNED } from "./points.js";

const LINE = 26;  // pixels

// A value with as many digits as its column needs.
export function figure(value, { low, high }) {
  const digits = Math.max(0, Math.ceil(-Math.log10((high - low) / 1000)));
  if (digits > 5) return String(rounded(value, 3));  // tiny, or all the same
  return value.toLocaleString("en", { maximumFractionDigits: digits, useGrouping: Math.abs(value) >= 1e4 });
}

const sign = (inside) => `<svg class="mark" viewBox="0 0 14 14" aria-hidden="true">${inside}</svg>`;
const disc = (radius, colour) => `<circle cx="7" cy="7" r="${radius}" fill="${colour}"/>`;
const title = (words) => `<b>${escaped(words)}</b>`;

// Lowest and highest value of a scale, marked where some networks lie beyond it.
function ends(scale) {
  if (scale.low === null) return ["", ""];
  const beyond = (words) => `<span title="At most 1 % of the networks lie beyond, and look like this">${escaped(words)}</span>`;
  const [low, high] = [figure(scale.low, scale), figure(scale.high, scale)];
  return [scale.cut[0] ? beyond(`≤ ${low}`) : low, scale.cut[1] ? beyond(`≥ ${high}`) : high];
}

// Of what is drawn: `all` as `categories` has them, `hidden` their indices.
export function looksHtml(look, { all, hidden, marks, text, unknown }) {
  const { colour, size, mark, filled, hollow, warned, guest, used } = look;
  const parts = [], add = (html) => parts.push(`<span>${html}</span>`);
  const numbered = colour.kind === "number" && colour.low !== null && colour.low !== undefined;
  if (colour.title) add(`${title(colour.title)}${numbered ? `${ends(colour)[0]} <i class="ramp"></i> ${ends(colour)[1]}` : ""}`);
  if (all.length) parts.push(`<span class="chips">${all.map((each) => chip(each, hidden.has(each.index))).join("")}</span>`);
  if (size) parts.push(`<span class="sizes">${title(size.title)}${ends(size)[0]} ${sign(disc(3, text))}${sign(disc(7, text))} ${ends(size)[1]}</span>`);
  if (mark) {
    add(title(mark.title));
    mark.names.forEach((name, k) => add(`${drawing(marks[k % marks.length], text)}${escaped(name)}`));
  }
  if (filled) add(`${drawing("circle", text)}${escaped(filled)}`);
  if (hollow && used & HOLLOW) add(`${drawing("circle", text, false)}${escaped(hollow)}`);
  if (warned && used & WARNED) add(`${sign(`${disc(4.5, unknown)}<path d="M2.5 2.5l9 9M11.5 2.5l-9 9" stroke="${text}" stroke-width="1.8"/>`)}${escaped(warned)}`);
  if (used & GUEST) add(`${sign(`${disc(3.2, unknown)}<circle cx="7" cy="7" r="6.3" fill="none" stroke="${text}" stroke-width="1.3"/>`)}${escaped(guest || "imported")}`);
  return parts.join("");
}

function chip({ name, colour, mark, count, index }, off) {
  return `<button class="chip${off ? " off" : ""}" data-category="${index}" aria-pressed="${!off}" title="${off ? "Show" : "Hide"} these; with Shift, show only these">${drawing(mark, colour)}${escaped(name)} <i>${many(count)}</i></button>`;
}

// Of what lies above the points: a note, how the picked network's neighbours are joined to it, its copies, and a path.
export function footHtml({ note, kinds, path, orbit, text }) {
  const parts = [`<span class="note">${escaped(note)}</span>`];
  if (kinds.has("latent")) parts.push(`<span>${stroke(text, "", LINE)}nearest in the space</span>`);
  if (kinds.has("function")) parts.push(`<span>${stroke(text, "4 3", LINE)}nearest by function</span>`);
  if (orbit) parts.push(`<span>${sign(`<path d="M7 2.5v9M2.5 7h9" stroke="${text}" stroke-width="1.6"/>`)}${escaped(orbit)}</span>`);
  if (path) parts.push(`<span>${stroke(path.colour, "", LINE)}${escaped(path.words)}</span>`);
  return parts.join("");
}

// A network's picture from an atlas, where it has one; `url` is that of the atlas.
export function pictureHtml(atlas, url, network) {
  const cell = atlas ? (atlas.cells ? atlas.cells[network] : network) : -1;
  if (!(cell >= 0) || cell >= atlas.columns * atlas.rows) return "";
  const [wide, tall] = atlas.tile;
  const scale = 84 / Math.max(wide, tall);
  const [w, h] = [Math.round(wide * scale), Math.round(tall * scale)];
  const [column, row] = [cell % atlas.columns, Math.floor(cell / atlas.columns)];
  return `<span class="tile${scale > 1.2 ? " small" : ""}" style="width:${w}px;height:${h}px;background-image:url(${url});background-size:${w * atlas.columns}px ${h * atlas.rows}px;background-position:${-w * column}px ${-h * row}px"></span>`;
}
