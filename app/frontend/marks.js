// What the maps of embeddings share: marks, the colour ramp, round numbers, words made safe for HTML, and keys.

const RAMP = ["#54408c", "#3f6db0", "#2795a3", "#5bb474", "#d8cf56"];  // its lightness rises evenly

const number = (v, digits = 3) => (v === null || v === undefined ? "–" : v.toFixed(digits));
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const channels = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

function ramp(share) {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const k = Math.min(RAMP.length - 2, Math.floor(at));
  const [a, b] = [channels(RAMP[k]), channels(RAMP[k + 1])];
  return `rgb(${a.map((v, i) => Math.round(v + (at - k) * (b[i] - v))).join(" ")})`;
}

function steps(low, high, count) {  // round numbers between two others
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((k) => k * power >= rough - 1e-12);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

const OUTLINES = {  // of a mark of radius 1
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => [0.87 * x, 0.87 * y]),
  diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  triangle: [[0, -1.25], [1.1, 0.8], [-1.1, 0.8]],
  pentagon: Array.from({ length: 5 }, (_, k) => [1.12 * Math.sin(k * 0.4 * Math.PI), -1.12 * Math.cos(k * 0.4 * Math.PI)]),
  star: Array.from({ length: 10 }, (_, k) => [(k % 2 ? 0.62 : 1.5) * Math.sin(k * 0.2 * Math.PI), -(k % 2 ? 0.62 : 1.5) * Math.cos(k * 0.2 * Math.PI)]),
};

function outline(pen, mark, x, y, radius) {
  pen.beginPath();
  if (!OUTLINES[mark]) pen.arc(x, y, radius, 0, 7);
  (OUTLINES[mark] ?? []).forEach(([dx, dy], k) => pen[k ? "lineTo" : "moveTo"](x + radius * dx, y + radius * dy));
  pen.closePath();
}

function drawing(mark, colour, filled) {  // the same as SVG, for words
  const size = mark === "star" ? 3.6 : 4.5;
  const shape = OUTLINES[mark]
    ? `<polygon points="${OUTLINES[mark].map(([x, y]) => `${7 + size * x},${7 + size * y}`).join(" ")}"`
    : '<circle cx="7" cy="7" r="4.5"';
  return `<svg viewBox="0 0 14 14" aria-hidden="true">${shape} fill="${filled ? colour : "none"}" stroke="${colour}" stroke-width="1.8"/></svg>`;
}

const stroke = (colour, dash, width) =>
  `<svg viewBox="0 0 ${width} 8" aria-hidden="true"><path d="M0 4H${width}" stroke="${colour}" stroke-width="2.6" stroke-dasharray="${dash}"/></svg>`;

// The keys of a map's table `keyed`, its buttons that do the same, and the list of keys; returns what ends that.
function hearKeys(view) {
  const { map, keys, help } = view.el;
  for (const button of map.querySelectorAll(".zoom button")) button.onclick = () => view.keyed[button.dataset.key]();
  help.onclick = () => keys.toggleAttribute("hidden");
  view.root.onkeydown = (e) => {
    const action = e.ctrlKey || e.metaKey ? undefined : view.keyed[e.key];
    if (!action || (e.key === "Enter" && e.composedPath()[0].tagName === "BUTTON")) return;
    e.preventDefault();
    e.stopPropagation();  // Streamlit has shortcuts of its own
    action();
  };
  const away = (e) => {
    const path = e.composedPath();
    if (!path.includes(view.root)) view.root.classList.remove("active");
    if (!path.some((el) => el === keys || el === help)) keys.hidden = true;
  };
  document.addEventListener("pointerdown", away);
  return () => document.removeEventListener("pointerdown", away);
}
