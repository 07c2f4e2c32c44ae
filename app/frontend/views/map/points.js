// The points on the graphics card: places, colours and looks in buffers, drawn in layers.

import { use } from "../../shared/gl.js";
import { distance, reach } from "../../shared/marks.js";

export const HOLLOW = 1;  // flags of a point
export const WARNED = 2;
export const GUEST = 4;
const SIDE = 64;  // pixels along a side of a mark's distances
const PALE = 0.03;  // beyond a mark, in units of its radius

const vertex = (marks) => `#version 300 es
layout(location = 0) in vec2 place;
layout(location = 1) in vec4 colour;
layout(location = 2) in uvec4 look;  // radius, mark, flags
layout(location = 3) in vec2 former;  // its place on the map that was shown before
uniform vec2 centre, zoom, formerCentre, formerZoom;
uniform float pixel, swell, gone;
const float reaches[${marks.length}] = float[](${marks.map((mark) => (reach(mark) + PALE).toFixed(2))});
out vec4 ink;
flat out float radius, reach;
flat out uint mark, flags;
void main() {
  ink = colour;
  mark = look.y;
  flags = look.z;
  radius = (3.0 + float(look.x) / 63.75) * swell * pixel;
  float thin = min(pixel, radius / 4.0);
  reach = 0.5 + radius * reaches[mark] + ((flags & ${HOLLOW}u) > 0u ? 1.7 : 0.4) * thin;
  if ((flags & ${WARNED}u) > 0u) reach = max(reach, 1.3 * radius + 1.5 * pixel);
  if ((flags & ${GUEST}u) > 0u) reach = max(reach, 1.45 * radius + 3.2 * pixel);
  gl_Position = vec4(mix((former - formerCentre) * formerZoom, (place - centre) * zoom, gone), 0.0, 1.0);
  gl_PointSize = 2.0 * reach;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision mediump sampler2DArray;
in vec4 ink;
flat in float radius, reach;
flat in uint mark, flags;
uniform sampler2DArray marks;
uniform vec3 text, paper;
uniform float pixel;
out vec4 result;
vec4 over;
void lay(vec3 colour, float share) { over = vec4(colour, 1.0) * share + over * (1.0 - share); }
float inside(float far) { return clamp(0.5 - far, 0.0, 1.0); }
float line(float far, float width) { return clamp(0.5 + 0.5 * width - abs(far), 0.0, min(1.0, width)); }
void main() {
  vec2 at = (gl_PointCoord - 0.5) * 2.0 * reach;
  float far = length(at) - radius;
  if (mark > 0u && radius > 2.2 * pixel) far = (2.0 * textureLod(marks, vec3(at / radius / 4.0 + 0.5, float(mark)), 0.0).r - 1.0) * radius;
  float thin = min(pixel, radius / 4.0);
  over = vec4(0.0);
  if (flags == 0u && radius < 2.2 * pixel) {
    result = vec4(ink.rgb, 1.0) * (inside(far) * ink.a);
    return;
  }
  if ((flags & ${HOLLOW}u) > 0u) {
    lay(text, 0.35 * line(far, 3.4 * thin));
    lay(paper, inside(far));
    lay(ink.rgb, line(far, 2.0 * thin));
  } else {
    lay(ink.rgb, inside(far));
    lay(text, 0.45 * line(far, 0.8 * thin));
  }
  if ((flags & ${WARNED}u) > 0u && length(at) < 1.3 * radius + pixel) {
    float cross = min(abs(at.x - at.y), abs(at.x + at.y)) * 0.7071;
    lay(paper, line(cross, 3.6 * thin));
    lay(text, line(cross, 1.6 * thin));
  }
  if ((flags & ${GUEST}u) > 0u) lay(text, line(length(at) - 1.45 * radius - 0.8 * pixel - 1.2 * thin, 0.6 * pixel + 0.7 * thin));
  result = over * ink.a;
}`;

function distances(marks) {  // from -1 to 1 radius as bytes, over a square of 4 radii
  const out = new Uint8Array(marks.length * SIDE * SIDE);
  marks.forEach((mark, m) => {
    for (let k = 0; k < SIDE * SIDE; k++) {
      const [x, y] = [k % SIDE, Math.floor(k / SIDE)].map((v) => ((v + 0.5) / SIDE - 0.5) * 4);
      out[m * SIDE * SIDE + k] = Math.round(127.5 * (Math.max(-1, Math.min(1, distance(mark, x, y))) + 1));
    }
  });
  return out;
}

// Marks: as the looks' bytes number them, a circle first. Without `gl` where a browser has no WebGL 2.
export class Points {
  layers = [];
  count = 0;

  constructor(canvas, marks) {
    this.canvas = canvas;
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: false, alpha: true, depth: false }));
    if (!gl) return;
    this.uniform = use(gl, vertex(marks), FRAGMENT, ["centre", "zoom", "formerCentre", "formerZoom", "pixel", "swell", "gone", "text", "paper"]);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, gl.createTexture());
    gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.R8, SIDE, SIDE, marks.length, 0, gl.RED, gl.UNSIGNED_BYTE, distances(marks));
    for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR], [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]])
      gl.texParameteri(gl.TEXTURE_2D_ARRAY, name, value);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.buffers = [0, 1, 2, 3].map((location) => {
      const buffer = gl.createBuffer();
      if (location < 3) gl.enableVertexAttribArray(location);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      if (location % 3 === 0) gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, 0);
      if (location === 1) gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
      if (location === 2) gl.vertexAttribIPointer(2, 4, gl.UNSIGNED_BYTE, 0, 0);
      return buffer;
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  }

  // Places (0), colours (1), looks (2) and former places (3) of all points.
  fill(location, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[location]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  order(ids, layers) {  // in layers, each of so many, the lowest first
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, ids, this.gl.STATIC_DRAW);
    this.layers = layers;
    this.count = ids.length;
  }

  // Share: of each layer, its first part. Glide: where the points come from, and how much of their way is gone.
  draw({ x, y, scale }, { width, height, swell, ink, share, glide }) {
    const { gl, canvas, uniform } = this;
    const pixel = window.devicePixelRatio || 1;
    const [wide, tall] = [Math.round(width * pixel), Math.round(height * pixel)];
    if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
    gl.viewport(0, 0, wide, tall);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniform.centre, x, y);
    gl.uniform2f(uniform.zoom, (2 * scale) / width, (2 * scale) / height);
    if (glide) {
      gl.uniform2f(uniform.formerCentre, glide.view.x, glide.view.y);
      gl.uniform2f(uniform.formerZoom, (2 * glide.view.scale) / width, (2 * glide.view.scale) / height);
    }
    gl.uniform1f(uniform.gone, glide ? glide.gone : 1);
    gl[glide ? "enableVertexAttribArray" : "disableVertexAttribArray"](3);
    gl.uniform1f(uniform.pixel, pixel);
    gl.uniform1f(uniform.swell, swell);
    for (const name of ["text", "paper"]) gl.uniform3fv(uniform[name], ink[name].map((v) => v / 255));
    let from = 0;
    for (const count of this.layers) {
      if (count) gl.drawElements(gl.POINTS, Math.ceil(count * share), gl.UNSIGNED_INT, 4 * from);
      from += count;
    }
  }

  clear(size) {
    this.draw({ x: 1e9, y: 1e9, scale: 1 }, { ...size, swell: 1, share: 1, glide: null });
  }
}
