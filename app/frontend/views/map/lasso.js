// Boxes and lassos drawn on the map, as corners in pixels.

const CORNERS = 64;  // of a lasso, at most
const APART = 2;  // pixels between its corners

// What a drag does, for PanZoom: `draw(corners)` is called as it grows, with null at its end, and `done(corners)` once.
export function roping(kind, x, y, { draw, done }) {
  let corners = [[x, y]];
  return {
    move(toX, toY) {
      if (kind === "box") corners = [[x, y], [toX, y], [toX, toY], [x, toY]];
      else if (Math.hypot(toX - corners.at(-1)[0], toY - corners.at(-1)[1]) > APART) corners.push([toX, toY]);
      draw(corners);
    },
    end() {
      draw(null);
      if (corners.length > 2) done(thinned(corners));
    },
    cancel: () => draw(null),
  };
}

function thinned(corners) {  // without the corners that matter least
  const kept = corners.slice();
  const area = (k) => {
    const [[ax, ay], [bx, by], [cx, cy]] = [kept.at(k - 1), kept[k], kept[(k + 1) % kept.length]];
    return Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay));
  };
  while (kept.length > CORNERS) {
    let least = 0;
    for (let k = 1; k < kept.length; k++) if (area(k) < area(least)) least = k;
    kept.splice(least, 1);
  }
  return kept;
}
