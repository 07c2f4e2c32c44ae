// What is seen of an element, painted on a canvas: its words, boxes, canvases, marks and slider where the browser has laid
// them out. It knows of CSS what the views of paths use, and leaves out transforms, images and shadows that are blurred.

const THUMB = 8;  // radius of a slider's
const CORNERS = ["TopLeft", "TopRight", "BottomRight", "BottomLeft"];
const SIDES = ["Top", "Right", "Bottom", "Left"];

// Paints an element and what is in it, its upper left corner at 0, 0 in CSS pixels; all but what `unseen`, a selector, is of.
export function paintSeen(pen, root, unseen) {
  const { left, top } = root.getBoundingClientRect();
  const painter = { pen, unseen, place: (box) => ({ x: box.left - left, y: box.top - top, width: box.width, height: box.height }), left, top };
  paint(painter, root);
}

function paint(painter, el) {
  const { pen, unseen, place } = painter, style = getComputedStyle(el);
  if (style.display === "none" || el.matches(unseen)) return;
  const at = place(el.getBoundingClientRect()), corners = cornersOf(style, at);
  pen.save();
  pen.globalAlpha *= Number(style.opacity);
  if (style.visibility === "visible") {
    paintBox(pen, style, at, corners);
    paintOwn(painter, el, style, at);
  }
  if (style.overflowX !== "visible" && style.display !== "contents") clipTo(pen, at, corners);
  if (!(el instanceof SVGElement)) for (const child of stacked(el)) {
    if (child.nodeType === Node.ELEMENT_NODE) paint(painter, child);
    else if (child.nodeType === Node.TEXT_NODE && style.visibility === "visible") paintWords(painter, child, style);
  }
  pen.restore();
}

function paintOwn(painter, el, style, at) {  // what an element shows beside its children
  const { pen } = painter;
  if (el.tagName === "CANVAS" && el.width && el.height && at.width && at.height) {
    pen.imageSmoothingEnabled = style.imageRendering !== "pixelated";
    pen.drawImage(el, at.x, at.y, at.width, at.height);
  } else if (el.tagName === "svg") paintMarks(painter, el);
  else if (el.type === "range") paintSlider(pen, el, style, at);
  else paintBefore(painter, el, at);
}

function stacked({ childNodes }) {  // in the order in which they cover each other
  const height = (child) => (child.nodeType === Node.ELEMENT_NODE && Number(getComputedStyle(child).zIndex)) || 0;
  return [...childNodes].toSorted((a, b) => height(a) - height(b));
}

// -- boxes ------------------------------------------------------------------------------------------------------------

const pixels = (length, whole = 0) => (length.endsWith("%") ? (parseFloat(length) * whole) / 100 : parseFloat(length) || 0);

const cornersOf = (style, { width, height }) => CORNERS.map((corner) => Math.min(pixels(style[`border${corner}Radius`], width), width / 2, height / 2));

function outlined({ x, y, width, height }, corners, by = 0) {  // a box that is so much larger
  const path = new Path2D();
  path.roundRect(x - by, y - by, Math.max(0, width + 2 * by), Math.max(0, height + 2 * by), corners.map((radius) => (radius ? Math.max(0, radius + by) : 0)));
  return path;
}

function clipTo(pen, at, corners) {
  pen.clip(outlined(at, corners));
}

function paintBox(pen, style, at, corners) {
  if (!at.width || !at.height) return;
  paintShadow(pen, style.boxShadow, at);
  for (const fill of [style.backgroundColor, gradient(pen, style.backgroundImage, at)]) {
    if (!fill || fill === "rgba(0, 0, 0, 0)") continue;
    pen.fillStyle = fill;
    pen.fill(outlined(at, corners));
  }
  paintBorders(pen, style, at, corners);
  const wide = pixels(style.outlineWidth);
  if (style.outlineStyle !== "none" && wide) stroked(pen, outlined(at, corners, pixels(style.outlineOffset) + wide / 2), style.outlineColor, wide, style.outlineStyle);
}

function stroked(pen, path, colour, wide, kind) {
  Object.assign(pen, { strokeStyle: colour, lineWidth: wide });
  pen.setLineDash(kind === "dashed" ? [3 * wide, 2 * wide] : []);
  pen.stroke(path);
  pen.setLineDash([]);
}

function paintBorders(pen, style, at, corners) {
  const borders = SIDES.map((side) => {
    const [kind, colour] = [style[`border${side}Style`], style[`border${side}Color`]];
    return { kind, colour, wide: kind === "none" ? 0 : pixels(style[`border${side}Width`]) };
  });
  const [{ kind, colour, wide }] = borders;
  if (borders.every((border) => border.wide === wide && border.colour === colour)) {
    if (wide) stroked(pen, outlined(at, corners, -wide / 2), colour, wide, kind);
    return;
  }
  const { x, y, width, height } = at;
  borders.forEach((border, k) => {
    pen.fillStyle = border.colour;
    const across = k % 2, far = k === 1 ? width - border.wide : 0, low = k === 2 ? height - border.wide : 0;
    if (border.wide) pen.fillRect(x + far, y + low, across ? border.wide : width, across ? height : border.wide);
  });
}

function paintShadow(pen, shadow, at) {  // a sharp one, which is a line beside the box
  const found = /^(.+\)) (-?[\d.]+)px (-?[\d.]+)px 0px 0px$/.exec(shadow);
  if (!found) return;
  const outside = new Path2D(), { x, y, width, height } = at, around = 4096;
  outside.rect(x - around, y - around, width + 2 * around, height + 2 * around);
  outside.rect(x, y, width, height);
  pen.save();
  pen.clip(outside, "evenodd");
  pen.fillStyle = found[1];
  pen.fillRect(x + Number(found[2]), y + Number(found[3]), width, height);
  pen.restore();
}

// A background that is a linear gradient, downwards or to the right, as a fill; null where there is none.
function gradient(pen, image, { x, y, width, height }) {
  if (!image.startsWith("linear-gradient(")) return null;
  const parts = image.slice(16, -1).split(/,\s*(?![^(]*\))/), angle = /deg$/.test(parts[0]) ? parts.shift() : "180deg";
  const along = angle === "90deg" ? width : height;
  const fill = pen.createLinearGradient(x, y, ...(angle === "90deg" ? [x + width, y] : [x, y + height]));
  let before = 0;
  parts.forEach((part, k) => {
    const [, colour, place] = /^(.*?)(?:\s+(-?[\d.]+(?:px|%)))?$/.exec(part);
    const share = place ? pixels(place, along) / along : k / (parts.length - 1);
    before = Math.max(before, Math.min(1, share));  // as in CSS: never before the last
    fill.addColorStop(before, colour);
  });
  return fill;
}

// -- words ------------------------------------------------------------------------------------------------------------

const fontOf = ({ fontStyle, fontWeight, fontSize, fontFamily }) => `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;

function paintWords({ pen, place }, node, style) {  // each at its own place, whatever lines they stand in
  const range = document.createRange();
  Object.assign(pen, { font: fontOf(style), fillStyle: style.color, textAlign: "left", textBaseline: "alphabetic" });
  for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const [box] = range.getClientRects();
    if (box) writeIn(pen, word, place(box));
  }
}

function writeIn(pen, word, { x, y, width, height }) {
  const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = pen.measureText(word);
  pen.fillText(word, x, y + (height - above - below) / 2 + above, width + 1);
}

// What the style sheet puts before the words of an element: a sign, or an empty box with a border.
function paintBefore({ pen, place }, el, at) {
  const style = getComputedStyle(el, "::before"), { content } = style;
  if (!content.startsWith('"')) return;
  const sign = content.slice(1, -1).trim(), [width, height] = [pixels(style.width), pixels(style.height)];
  if (!sign) {
    const box = { x: at.x + (at.width - width) / 2, y: at.y, width, height };
    return paintBox(pen, style, box, cornersOf(style, box));
  }
  Object.assign(pen, { font: fontOf(style), fillStyle: style.color, textBaseline: "alphabetic", textAlign: "center" });
  const range = document.createRange();
  range.selectNodeContents(el);
  const [first] = range.getClientRects();
  if (!first) return writeIn(pen, sign, { ...at, x: at.x + at.width / 2 });
  pen.textAlign = "right";
  const line = place(first);
  writeIn(pen, sign, { ...line, x: line.x - 3, width: line.x });
}

// -- marks and sliders ------------------------------------------------------------------------------------------------

function shapeOf(el) {  // what marks and strokes consist of
  const number = (name) => Number(el.getAttribute(name)), path = new Path2D(el.getAttribute("d") ?? undefined);
  if (el.tagName === "circle") path.arc(number("cx"), number("cy"), number("r"), 0, 7);
  if (el.tagName === "polygon") path.addPath(new Path2D(`M${el.getAttribute("points")}Z`));
  return path;
}

function paintMarks({ pen, left, top }, svg) {
  for (const el of svg.querySelectorAll("path, circle, polygon")) {
    const { a, b, c, d, e, f } = el.getScreenCTM(), style = getComputedStyle(el), shape = shapeOf(el);
    pen.save();
    pen.transform(a, b, c, d, e - left, f - top);
    Object.assign(pen, { fillStyle: style.fill, strokeStyle: style.stroke, lineWidth: pixels(style.strokeWidth) });
    pen.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(",").map(parseFloat));
    if (style.fill !== "none") pen.fill(shape);
    if (style.stroke !== "none") pen.stroke(shape);
    pen.restore();
  }
}

function paintSlider(pen, el, style, { x, y, width, height }) {
  const colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim();
  const middle = y + height / 2, thumb = x + THUMB + (Number(el.value) / (Number(el.max) || 1)) * (width - 2 * THUMB);
  for (const [to, fill, alpha] of [[x + width, colour("text"), 0.42], [thumb, colour("primary"), 1]]) {
    pen.save();
    pen.globalAlpha *= alpha;
    pen.fillStyle = fill;
    pen.fill(outlined({ x, y: middle - 2, width: to - x, height: 4 }, [2, 2, 2, 2]));
    pen.restore();
  }
  pen.beginPath();
  pen.arc(thumb, middle, THUMB, 0, 7);
  pen.fillStyle = colour("background");
  pen.fill();
  pen.beginPath();
  pen.arc(thumb, middle, THUMB - 2, 0, 7);
  pen.fillStyle = colour("primary");
  pen.fill();
}
