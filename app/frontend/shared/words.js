// Numbers and names as they are written.

const MINUS = "−";

// A number with so many digits; "–" where there is none.
export const number = (v, digits = 3) => (v === null || v === undefined ? "–" : v.toFixed(digits));

// The same with a typographic minus, and never "−0.00".
export const signed = (v, digits = 3) => number(v, digits).replace(/^-(?=[0.]*$)/, "").replace("-", MINUS);

// A count with its thousands apart.
export const many = (n) => n.toLocaleString("en");

// A number in three digits, whatever its size.
export const short = (v) => (Number.isNaN(v) ? "not finite" : String(Number(v.toPrecision(3))).replace("-", MINUS));

export const percent = (v) => `${(100 * v).toFixed(v > 0.995 && v < 1 ? 1 : 0)} %`;

export const rounded = (v, digits = 5) => Number(v.toPrecision(digits));

// Words made safe for HTML.
export const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// Round numbers between two others, about so many, and the digits they differ in.
export function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((k) => k * power >= rough - 1e-12);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}
