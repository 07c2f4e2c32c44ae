// A plane through the cube that shows the field in it: as a picture, and at its place among the meshes.

import { use } from "../../shared/gl.js";

export const FARTHEST = 0.5;  // world units from 0 at which the field's colours saturate
export const APART = 0.1;  // world units between isolines
export const NEAR = 0.22;  // of a colour beside 0, where the sign changes
const QUANTUM = 4096;  // parts of a unit that values come in

const NORMALS = { x: 0, y: 1, z: 2 };
// By the axis that a plane crosses, what points right and up on its picture: as seen from that axis's far end.
const FACING = { x: [[0, 0, -1], [0, 1, 0]], y: [[1, 0, 0], [0, 0, -1]], z: [[1, 0, 0], [0, 1, 0]] };

const VERTEX = `#version 300 es
uniform mat4 camera;
uniform vec3 place, row, column;
out vec2 at;
void main() {
  at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = camera * vec4(place + (2.0 * at.y - 1.0) * row + (2.0 * at.x - 1.0) * column, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp isampler2D;
in vec2 at;
uniform isampler2D values;
uniform int shown;
uniform vec3 low, middle, high, ink, ramp[5];
uniform float opacity;
out vec4 pixel;

vec2 known(ivec2 where) { return vec2(texelFetch(values, where, 0).rg) / ${QUANTUM}.0; }

vec2 between() {
  int last = textureSize(values, 0).x - 1;
  vec2 exact = at * float(last);
  ivec2 corner = clamp(ivec2(exact), ivec2(0), ivec2(last - 1));
  vec2 share = exact - vec2(corner);
  vec2 below = mix(known(corner), known(corner + ivec2(1, 0)), share.x);
  return mix(below, mix(known(corner + ivec2(0, 1)), known(corner + ivec2(1, 1)), share.x), share.y);
}

float line(float far, float rate, float width) { return 1.0 - smoothstep(width - 0.6, width + 0.6, abs(far) / max(rate, 1e-6)); }

vec3 sequence(float share) {
  float place = clamp(share, 0.0, 1.0) * 4.0;
  int k = min(int(place), 3);
  return mix(ramp[k], ramp[k + 1], place - float(k));
}

void main() {
  vec2 edge = min(at, 1.0 - at) / fwidth(at);
  if (min(edge.x, edge.y) < 1.2) { pixel = vec4(ink, 0.6); return; }
  if (shown == 0) { pixel = vec4(ink, 0.08); return; }
  vec2 value = between();
  float rate = fwidth(value.x), steps = value.x / ${APART};
  vec3 colour = mix(middle, value.x < 0.0 ? low : high, ${NEAR} + ${1 - NEAR} * min(abs(value.x) / ${FARTHEST}, 1.0));
  if (shown == 1) colour = mix(colour, ink, 0.4 * line(fract(steps + 0.5) - 0.5, rate / ${APART}, 0.5));
  else colour = sequence(value.y);
  pixel = vec4(mix(colour, ink, line(value.x, rate, 1.3)), opacity);
}`;

const UNIFORMS = ["camera", "place", "row", "column", "values", "shown", "low", "middle", "high", "ink", "ramp", "opacity"];

const unit = (k) => [0, 1, 2].map((i) => (i === k ? 1 : 0));

export class SliceProgram {
  constructor(gl) {
    this.gl = gl;
    this.uniform = use(gl, VERTEX, FRAGMENT, UNIFORMS);
    this.program = gl.getParameter(gl.CURRENT_PROGRAM);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const [name, value] of [["MIN_FILTER", gl.NEAREST], ["MAG_FILTER", gl.NEAREST], ["WRAP_S", gl.CLAMP_TO_EDGE], ["WRAP_T", gl.CLAMP_TO_EDGE]]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], value);
    }
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG16I, 1, 1, 0, gl.RG_INTEGER, gl.SHORT, new Int16Array(2));
  }

  // Before slices are drawn: the plane they are in, what is shown of them, and the colours.
  begin({ axis, at, shown }, { low, middle, high, ink, ramp }) {
    const { gl, uniform } = this, normal = NORMALS[axis], [row, column] = [0, 1, 2].filter((k) => k !== normal);
    gl.useProgram(this.program);
    gl.bindVertexArray(null);
    for (const [name, value] of Object.entries({ low, middle, high, ink })) gl.uniform3fv(uniform[name], value);
    gl.uniform3fv(uniform.ramp, ramp.flat());
    gl.uniform3fv(uniform.place, unit(normal).map((v) => v * at));
    gl.uniform3fv(uniform.row, unit(row));
    gl.uniform3fv(uniform.column, unit(column));
    this.shown = shown === "field" ? 1 : 2;
    const [right, up] = FACING[axis];
    this.facing = new Float32Array([...[0, 1, 2].flatMap((k) => [right[k], up[k], 0, 0]), 0, 0, 0, 1]);
  }

  // Which values are drawn next, { points, values }; null: those of the plane are not known.
  take(slice) {
    const { gl, uniform } = this;
    if (slice) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG16I, slice.points, slice.points, 0, gl.RG_INTEGER, gl.SHORT, slice.values);
    gl.uniform1i(uniform.shown, slice ? this.shown : 0);
  }

  // At its place in what the camera sees, and as a picture that fills its part of the canvas.
  drawAmong(camera) {
    this.draw(camera, 0.66);
  }

  drawFlat() {
    this.draw(this.facing, 1);
  }

  draw(camera, opacity) {
    const { gl, uniform } = this;
    gl.uniformMatrix4fv(uniform.camera, false, camera);
    gl.uniform1f(uniform.opacity, opacity);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}
