// The camera of the viewer, which turns around the middle of all scenes at once.

export const HOME = { azimuth: 0.62, elevation: 0.36, distance: 5.3 };
const LIFT = -0.08;  // the shape stands a little below the middle: words are above it
const TILT = 1.5;
const [NEAREST, FURTHEST] = [1.6, 9];
const PER_PIXEL = 0.008;  // radians

export function turn(camera, dx, dy) {
  camera.azimuth -= dx * PER_PIXEL;
  camera.elevation = Math.max(-TILT, Math.min(TILT, camera.elevation + dy * PER_PIXEL));
}

export function approach(camera, factor) {
  camera.distance = Math.max(NEAREST, Math.min(FURTHEST, camera.distance * factor));
}

export const isHome = ({ azimuth, elevation, distance }) =>
  Math.abs(azimuth - HOME.azimuth) + Math.abs(elevation - HOME.elevation) + Math.abs(distance - HOME.distance) <= 1e-3;

// The camera as a matrix, from world to clip space, and its turn alone, for normals.
export function matrices({ azimuth, elevation, distance }, aspect) {
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const right = [ca, 0, -sa], up = [-sa * se, ce, -ca * se], back = [sa * ce, se, ca * ce];
  const view = new Float32Array([
    right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0, 0, LIFT, -distance, 1,
  ]);
  const f = 1 / Math.tan(0.27), near = 0.5, far = 20;
  const fit = Math.min(1, aspect);  // narrow panes show the whole shape too
  const projection = new Float32Array([
    (f * fit) / aspect, 0, 0, 0, 0, f * fit, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, (2 * far * near) / (near - far), 0,
  ]);
  const turned = new Float32Array([right[0], up[0], back[0], right[1], up[1], back[1], right[2], up[2], back[2]]);
  return { camera: multiply(projection, view), turned };
}

function multiply(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++)
    for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) out[c * 4 + r] += a[k * 4 + r] * b[c * 4 + k];
  return out;
}
