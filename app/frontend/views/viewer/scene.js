// Meshes on the graphics card, drawn in panes beside each other. Everything a drag needs is in its buffers before.

import { letGo, use } from "../../shared/gl.js";
import { unpacked } from "../../shared/hub.js";
import { matrices } from "./camera.js";
import { fromGrid } from "./gridmesh.js";
import { SliceProgram } from "./slice.js";

const VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
uniform mat4 camera;
uniform mat3 turn;
uniform vec3 low, size;
uniform float flatten;
out vec3 n;
void main() {
  vec3 world = low + size * position;
  if (flatten > 0.0) world = vec3(world.x + 0.28 * (world.y + 0.91), -0.91, world.z - 0.18 * (world.y + 0.91));
  n = turn * normal;
  gl_Position = camera * vec4(world, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n;
uniform vec4 colour;
uniform float flatten;
out vec4 pixel;
void main() {
  if (flatten > 0.0) { pixel = colour; return; }
  vec3 normal = normalize(n);
  if (normal.z < 0.0) normal = -normal;
  float head = max(normal.z, 0.0);
  float key = max(dot(normal, normalize(vec3(0.45, 0.75, 0.55))), 0.0);
  float rim = pow(1.0 - head, 3.0);
  float shine = pow(max(dot(normal, normalize(vec3(0.3, 0.5, 1.4))), 0.0), 40.0);
  vec3 lit = colour.rgb * (0.34 + 0.34 * head + 0.42 * key) + 0.10 * rim + 0.16 * shine;
  pixel = vec4(lit, 1.0);
}`;

const CAPTION = 36;  // pixels below the picture of a slice, for words

// Pixels along a side of the picture of a slice, in a part of a pane that is so large.
export const pictureSide = (width, height) => Math.max(1, Math.min(width - 28, height - CAPTION));

// Of the browser, which draws and hears hands between two meshes of a grid that are unpacked.
const turn = () => new Promise((resolve) => setTimeout(resolve));

// Without `gl` where a browser has no WebGL 2: then nothing is kept or drawn.
export class Scene {
  meshes = new Map();  // by key of the path view

  constructor(canvas) {
    this.canvas = canvas;
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: true, alpha: true, stencil: true }));
    if (!gl) return;
    this.uniform = use(gl, VERTEX, FRAGMENT, ["camera", "turn", "low", "size", "colour", "flatten"]);
    this.program = gl.getParameter(gl.CURRENT_PROGRAM);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.SCISSOR_TEST);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // Puts a packed mesh where another may have been; not if it is no longer wanted when it is unpacked. `triangles` of
  // the cells of a grid, if it is packed as one.
  async put(key, entry, packed, wanted, triangles) {
    if (!this.gl) return;
    if (entry.packing === "grid") await turn();
    const grid = entry.packing === "grid" && fromGrid(entry, packed, triangles);
    const bytes = grid ? grid.bytes : await unpacked(packed).arrayBuffer();
    if (!wanted()) return;
    const mesh = this.upload(grid ? grid.entry : entry, bytes);
    if (this.meshes.has(key)) this.discard(this.meshes.get(key));
    this.meshes.set(key, mesh);
  }

  upload(entry, bytes) {
    const { gl } = this, { vertices, triangles, wide } = entry;
    const position = new Uint16Array(bytes, 0, vertices * 4);  // x, y, z and padding
    const normal = new Int8Array(bytes, vertices * 8, vertices * 4);
    const index = new (wide ? Uint32Array : Uint16Array)(bytes, vertices * 12, triangles * 3);
    const vao = gl.createVertexArray();
    gl.bindVertexArray(vao);
    const buffers = [position, normal, index].map((array, i) => {
      const target = i < 2 ? gl.ARRAY_BUFFER : gl.ELEMENT_ARRAY_BUFFER;
      const buffer = gl.createBuffer();
      gl.bindBuffer(target, buffer);
      gl.bufferData(target, array, gl.STATIC_DRAW);
      return buffer;
    });
    for (const [slot, kind, stride] of [[0, gl.UNSIGNED_SHORT, 8], [1, gl.BYTE, 4]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[slot]);
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, 3, kind, true, stride, 0);
    }
    gl.bindVertexArray(null);
    return { vao, buffers, count: triangles * 3, kind: wide ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT, entry };
  }

  discard({ vao, buffers }) {
    this.gl.deleteVertexArray(vao);
    buffers.forEach((buffer) => this.gl.deleteBuffer(buffer));
  }

  clear() {
    this.meshes.forEach((mesh) => this.discard(mesh));
    this.meshes.clear();
  }

  // Draws one mesh a pane, which is { mesh, colour, column, row, slice }, in a grid of so many columns and rows; returns
  // the number of triangles. With a `plane`, { axis, at, shown, colours, height }, every pane also shows its slice: among
  // the mesh, and as a picture below that is so many pixels high.
  draw(panes, { columns, rows, camera, dark, plane }) {
    const { gl, canvas, uniform } = this;
    const scale = canvas.density ?? Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((length) => Math.round(length * scale));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    gl.scissor(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    const [wide, tall] = [Math.floor(width / columns), Math.floor(height / rows)];
    const flat = plane ? Math.round(plane.height * scale) : 0;
    const seen = matrices(camera, wide / (tall - flat));
    const placeOf = ({ column, row }) => [column * wide, height - (row + 1) * tall + flat, wide, tall - flat];
    gl.useProgram(this.program);
    gl.uniformMatrix4fv(uniform.camera, false, seen.camera);
    gl.uniformMatrix3fv(uniform.turn, false, seen.turned);
    let triangles = 0;
    for (const pane of panes) {
      const { mesh, colour } = pane;
      if (!mesh) continue;
      this.within(placeOf(pane));
      gl.uniform3fv(uniform.low, mesh.entry.low);
      gl.uniform3fv(uniform.size, mesh.entry.size);
      gl.bindVertexArray(mesh.vao);
      if (camera.elevation > 0.02) this.shadow(mesh, dark);
      gl.uniform1f(uniform.flatten, 0);
      gl.uniform4f(uniform.colour, ...colour, 1);
      gl.drawElements(gl.TRIANGLES, mesh.count, mesh.kind, 0);
      triangles += mesh.count / 3;
    }
    gl.bindVertexArray(null);
    if (plane) this.drawSlices(panes, plane, seen.camera, { scale, flat, placeOf });
    return triangles;
  }

  within(place) {
    this.gl.viewport(...place);
    this.gl.scissor(...place);
  }

  drawSlices(panes, plane, camera, { scale, flat, placeOf }) {
    const { gl } = this, slices = (this.slices ??= new SliceProgram(gl));
    slices.begin(plane, plane.colours);
    gl.enable(gl.BLEND);
    gl.depthMask(false);
    for (const pane of panes) {
      const [left, low, wide, tall] = placeOf(pane), side = pictureSide(wide / scale, flat / scale) * scale;
      slices.take(pane.slice);
      this.within([left, low, wide, tall]);
      slices.drawAmong(camera);
      gl.disable(gl.DEPTH_TEST);
      this.within([left + (wide - side) / 2, low - side, side, side].map(Math.round));
      slices.drawFlat();
      gl.enable(gl.DEPTH_TEST);
    }
    gl.depthMask(true);
    gl.disable(gl.BLEND);
  }

  shadow(mesh, dark) {
    const { gl, uniform } = this;
    gl.uniform1f(uniform.flatten, 1);
    gl.uniform4f(uniform.colour, ...(dark ? [0, 0, 0, 0.25] : [0.05, 0.07, 0.1, 0.026]));
    gl.enable(gl.BLEND);
    gl.enable(gl.STENCIL_TEST);  // every pixel is darkened once, however many triangles fall on it
    gl.stencilFunc(gl.EQUAL, 0, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    gl.drawElements(gl.TRIANGLES, mesh.count, mesh.kind, 0);
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.BLEND);
  }

  dispose() {
    letGo(this.gl);
  }
}
