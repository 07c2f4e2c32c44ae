// Drawing on 2D canvases: their size, strokes and words, and the colours of theme and palette.

// Pixels of a canvas to one of CSS: the screen's, unless something else is asked of it.
export const densityOf = (canvas) => canvas.density ?? (window.devicePixelRatio || 1);

// A canvas of the size it is shown at, cleared, and a pen for it in CSS pixels.
export function sheet(canvas) {
  const scale = densityOf(canvas);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { pen, width, height };
}

// A line through the points that are known; where one is not, there is a gap.
export function trace(pen, points) {
  let drawing = false;
  pen.beginPath();
  for (const point of points) {
    if (point) pen[drawing ? "lineTo" : "moveTo"](...point);
    drawing = !!point;
  }
  pen.stroke();
}

// The same in strokes and gaps.
export function dashed(pen, dash, points) {
  pen.setLineDash(dash);
  trace(pen, points);
  pen.setLineDash([]);
}

// A band of strokes.
export function hatched(pen, left, right, top, low, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, low - top);
  pen.clip();
  Object.assign(pen, { strokeStyle: colour, lineWidth: 1, globalAlpha: 0.28 });
  for (let from = left - (low - top); from < right; from += 7) trace(pen, [[from, low], [from + low - top, top]]);
  pen.restore();
}

export function dot(pen, x, y, radius, colour, inside = colour, lineWidth = 2) {
  Object.assign(pen, { strokeStyle: colour, fillStyle: inside, lineWidth });
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
  pen.stroke();
}

// Words on a rim of paper, so that lines do not cross them.
export function haloed(pen, words, x, y, paper) {
  Object.assign(pen, { strokeStyle: paper, lineWidth: 4, lineJoin: "round" });
  pen.strokeText(words, x, y);
  pen.fillText(words, x, y);
}

// -- colours ----------------------------------------------------------------------------------------------------------

// Of the theme, and by name of the palette that Python hands over as CSS variables.
export function inkOf(root) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const theme = (name) => value(`st-${name}-color`) || "#888";
  return { text: theme("text"), border: theme("border"), paper: theme("background"), primary: theme("primary"), font: style.fontFamily, value };
}

// Several colours of the palette under one name.
export const listed = (text) => text.split(",").map((colour) => colour.trim());

// Whether the theme is dark: its text is light, for Streamlit names no theme.
export function isDark(root) {
  const [red] = getComputedStyle(root).color.match(/[\d.]+/g)?.map(Number) ?? [0];
  return red > (red > 1 ? 128 : 0.5);
}

// Red, green and blue of "#rrggbb", from 0 to 255.
export const channels = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

// The colour at a share of the way along several.
export function blended(colours, share) {
  const at = Math.max(0, Math.min(1, share)) * (colours.length - 1);
  const k = Math.min(colours.length - 2, Math.floor(at));
  const [from, to] = [channels(colours[k]), channels(colours[k + 1])];
  return from.map((v, i) => Math.round(v + (at - k) * (to[i] - v)));
}

export const rgb = (parts) => `rgb(${parts.join(" ")})`;

const parsed = new Map();

// Red, green and blue of any CSS colour, from 0 to 255.
export function channelsOf(colour) {
  if (!parsed.has(colour)) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    parsed.set(colour, [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
  }
  return parsed.get(colour);
}
