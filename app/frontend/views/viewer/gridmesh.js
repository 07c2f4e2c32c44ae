// A mesh from the grid that it was cut from: app/backend/grid_meshes.py says what the bytes are.

const AXES = [0, 1, 2];
const EDGES = AXES.flatMap((axis) => Array.from({ length: 8 }, (_, corner) => [axis, corner]).filter(([, corner]) => !(corner & (4 >> axis))));
const [AXIS, START] = [0, 1].map((k) => EDGES.map((edge) => edge[k]));  // of a cell's edges, and the corners they begin at

// Positions, normals and indices as `Scene.upload` takes them, and the entry that says how many there are. `triangles`:
// by case of a cell, the edges on which its triangles' corners lie.
export function fromGrid(entry, body, triangles) {
  const { cells: n, vertices, triangles: count } = entry, side = n + 3, strides = [side * side, side, 1];
  const inside = new Uint8Array(side ** 3), crossings = body.subarray(Math.ceil((n + 1) ** 3 / 8));
  for (let i = 1, bit = 0; i <= n + 1; i++)
    for (let j = 1; j <= n + 1; j++)
      for (let k = 1; k <= n + 1; k++, bit++) inside[i * strides[0] + j * side + k] = (body[bit >> 3] >> (7 - (bit & 7))) & 1;

  const wide = vertices > 65535, place = new Float32Array(3 * vertices);  // in cells, from -1 on
  const ids = AXES.map(() => new Int32Array(side ** 3));
  let next = 0;
  for (const axis of AXES) {
    const last = [side, side, side].map((length, k) => (k === axis ? length - 1 : length));
    for (let i = 0; i < last[0]; i++)
      for (let j = 0; j < last[1]; j++)
        for (let k = 0, at = i * strides[0] + j * side; k < last[2]; k++, at++) {
          if (inside[at] === inside[at + strides[axis]]) continue;
          place[3 * next] = i;
          place[3 * next + 1] = j;
          place[3 * next + 2] = k;
          place[3 * next + axis] += crossings[next] / 255;
          ids[axis][at] = next++;
        }
  }

  const index = new (wide ? Uint32Array : Uint16Array)(3 * count), corner = Array.from({ length: 8 }, (_, c) => (c >> 2) * strides[0] + ((c >> 1) & 1) * side + (c & 1));
  let filled = 0;
  for (let i = 0; i < side - 1; i++)
    for (let j = 0; j < side - 1; j++)
      for (let k = 0, at = i * strides[0] + j * side; k < side - 1; k++, at++) {
        let mine = 0;
        for (let c = 0; c < 8; c++) mine |= inside[at + corner[c]] << c;
        if (mine === 0 || mine === 255) continue;
        const edges = triangles[mine];
        for (let e = 0; e < edges.length; e++) index[filled++] = ids[AXIS[edges[e]]][at + corner[START[edges[e]]]];
      }

  const normal = normals(place, index), scale = 65535 / (side - 1), bytes = new Uint8Array(12 * vertices + index.byteLength);
  const positions = new Uint16Array(bytes.buffer, 0, 4 * vertices), turned = new Int8Array(bytes.buffer, 8 * vertices, 4 * vertices);
  for (let v = 0; v < vertices; v++)
    for (let k = 0; k < 3; k++) {
      positions[4 * v + k] = Math.round(place[3 * v + k] * scale);
      turned[4 * v + k] = Math.round(normal[3 * v + k] * 127);
    }
  bytes.set(new Uint8Array(index.buffer), 12 * vertices);
  const cell = 2 / n;
  return { entry: { ...entry, wide, low: [-1 - cell, -1 - cell, -1 - cell], size: [2 + 2 * cell, 2 + 2 * cell, 2 + 2 * cell] }, bytes: bytes.buffer };
}

function normals(place, index) {  // the mean of those of the triangles around, weighted by area
  const out = new Float32Array(place.length);
  for (let f = 0; f < index.length; f += 3) {
    const a = 3 * index[f], b = 3 * index[f + 1], c = 3 * index[f + 2];
    const ux = place[b] - place[a], uy = place[b + 1] - place[a + 1], uz = place[b + 2] - place[a + 2];
    const vx = place[c] - place[a], vy = place[c + 1] - place[a + 1], vz = place[c + 2] - place[a + 2];
    const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
    for (let corner = 0; corner < 3; corner++) {
      const at = 3 * index[f + corner];
      out[at] += nx;
      out[at + 1] += ny;
      out[at + 2] += nz;
    }
  }
  for (let at = 0; at < out.length; at += 3) {
    const length = Math.sqrt(out[at] ** 2 + out[at + 1] ** 2 + out[at + 2] ** 2) || 1;
    for (let k = 0; k < 3; k++) out[at + k] /= length;
  }
  return out;
}
