"""Independent referees of mesh files' insides, and the IoU of our solids and fitted networks with them, file by file.

    python -m benchmarks.ground_truth MESHES [--zoo ZOO] [--thickness 0.03]

Nothing here shares code with `netspace.solids`. A file that is closed as it is filed is judged by parity of rays, body
by body; one that is wound one way but for few open edges by the exact winding number; any other by flooding a fine
grid of cells from outside: what the water does not reach is inside. Faces that are wet on both sides are sheets, and
get the thickness that the product states for them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import trimesh
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from netspace.errors import MeshError

UP = {".off": "z", ".3mf": "z"}
CELL = 0.004
"""Edge of a flooded cell; the longest side is 1.8."""
DIRECTIONS = np.array([[0.31, 0.83, 0.47], [-0.71, 0.22, 0.67], [0.53, -0.37, 0.76]])


def read(path: Path, up: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices, y up and from -0.9 to 0.9, equal ones made one, and faces that are not degenerate."""
    loaded = trimesh.load(path, force="mesh", process=False)
    v, f = np.asarray(loaded.vertices, float), np.asarray(loaded.faces)
    if up == "z":
        v = v[:, [0, 2, 1]] * [1, 1, -1]
    low, high = v[np.unique(f)].min(axis=0), v[np.unique(f)].max(axis=0)
    v = (v - (low + high) / 2) * (1.8 / (high - low).max())
    _, first, at = np.unique(np.round(v / 1e-7).astype(np.int64), axis=0, return_index=True, return_inverse=True)
    f = at.ravel()[f]
    return v[first], f[(f[:, 0] != f[:, 1]) & (f[:, 1] != f[:, 2]) & (f[:, 2] != f[:, 0])]


def edges(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many faces every edge has, and how often it is run one way more than the other."""
    e = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]])
    _, at, count = np.unique(np.sort(e, axis=1), axis=0, return_inverse=True, return_counts=True)
    return count, np.bincount(at.ravel(), np.where(e[:, 0] < e[:, 1], 1, -1))


def crossings(v: np.ndarray, f: np.ndarray, points: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(n,): how many faces the ray from each point crosses; brute force in double precision."""
    d = direction / np.linalg.norm(direction)
    a = np.cross(d, [1, 0, 0] if abs(d[0]) < 0.6 else [0, 1, 0])
    a /= np.linalg.norm(a)
    turn = np.stack([a, np.cross(d, a), d], axis=1)
    corners, p = (v @ turn)[f], points @ turn
    centre = corners[:, :, :2].mean(axis=1)
    reach = np.linalg.norm(corners[:, :, :2] - centre[:, None], axis=2).max(axis=1)
    count = np.zeros(len(p), int)
    for (a, b, c), near in zip(corners, cKDTree(p[:, :2]).query_ball_point(centre, reach * 1.0000001), strict=True):
        sides = np.stack([(b - a)[:2], (c - a)[:2]], axis=1)
        if not near or abs(np.linalg.det(sides)) < 1e-16:
            continue
        q = p[near]
        u, w = np.linalg.solve(sides, (q[:, :2] - a[:2]).T)
        above = a[2] + u * (b - a)[2] + w * (c - a)[2] > q[:, 2]
        count[np.array(near)[(u >= 0) & (w >= 0) & (u + w < 1) & above]] += 1
    return count


def by_rays(v: np.ndarray, f: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Inside any body that is wound outwards, and in none that is wound inwards: those are cavities."""
    links = coo_array((np.ones(3 * len(f)), (f.ravel(), np.roll(f, 1, axis=1).ravel())), (len(v),) * 2)
    body = connected_components(links, directed=False)[1][f[:, 0]]
    solid, hollow = np.zeros(len(points), bool), np.zeros(len(points), bool)
    for k in np.unique(body):
        mine = f[body == k]
        odd = sum(crossings(v, mine, points, d) % 2 for d in DIRECTIONS) >= 2
        volume = np.einsum("ij,ij->", v[mine[:, 0]], np.cross(v[mine[:, 1]], v[mine[:, 2]]))
        (solid if volume > 0 else hollow)[odd] = True
    return solid & ~hollow if solid.any() else hollow


def by_winding(v: np.ndarray, f: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The exact winding number (n,) of the faces as they are filed (Van Oosterom and Strackee 1983)."""
    found = []
    for q in np.array_split(points, len(points) // 200 + 1):
        a, b, c = (v[f[:, i]] - q[:, None] for i in range(3))
        la, lb, lc = (np.linalg.norm(t, axis=2) for t in (a, b, c))
        dot = [np.einsum("qfi,qfi->qf", s, t) for s, t in ((a, b), (b, c), (c, a))]
        below = la * lb * lc + dot[0] * lc + dot[1] * la + dot[2] * lb
        found.append(np.arctan2(np.einsum("qfi,qfi->qf", a, np.cross(b, c)), below).sum(axis=1) / (2 * np.pi))
    return np.concatenate(found)


class Flood:
    """Inside is what water from outside does not reach over a grid of cells; sheets have a thickness."""

    def __init__(self, v: np.ndarray, f: np.ndarray, thickness: float, gap: int = 0, cell: float = CELL) -> None:
        """`gap`: openings up to about twice as many cells are taken for closed."""
        self.cell, self.half = cell, thickness / 2
        t = v[f]  # (f, 3, 3)
        normal = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        steps = np.ceil(np.linalg.norm(t - np.roll(t, 1, axis=1), axis=2).max(axis=1) / (0.45 * cell)).astype(int)
        points, normals = [], []
        for k in np.unique(steps.clip(1)):
            i, j = np.meshgrid(np.arange(k + 1), np.arange(k + 1))
            u, w = i[i + j <= k] / max(k, 1), j[i + j <= k] / max(k, 1)
            for some in np.array_split(
                np.flatnonzero(steps.clip(1) == k), max(1, len(u) * (steps == k).sum() // 3_000_000)
            ):
                a, b, c = (t[some, None, m] for m in range(3))
                s = (a + u[:, None] * (b - a) + w[:, None] * (c - a)).reshape(-1, 3)
                key = np.round((s + 2) / (0.45 * cell)).astype(np.int64) @ [1, 1 << 20, 1 << 40]
                one = np.unique(key, return_index=True)[1]
                points.append(s[one])
                normals.append(np.repeat(normal[some], len(u), axis=0)[one])
        self.points, normals = np.concatenate(points), np.concatenate(normals)
        self.low = self.points.min(axis=0) - 6 * cell
        size = np.ceil((self.points.max(axis=0) + 6 * cell - self.low) / cell).astype(int)
        wall = np.zeros(size, bool)
        wall[self._at(self.points, size)] = True
        shut = ndimage.binary_dilation(wall, iterations=gap) if gap else wall
        wet = ndimage.label(~shut)[0]
        wet = wet == wet[0, 0, 0]
        for _ in range(gap):
            wet = ndimage.binary_dilation(wet) & ~wall
        self.size, self.dry = size, ~wet & ~wall
        sides = [np.zeros(len(self.points), bool) for _ in range(2)]
        for side, sign in zip(sides, (1, -1), strict=True):
            side |= wet[self._at(self.points + 1.6 * sign * cell * normals, size)]
        beside = [self.dry[self._at(self.points + 1.6 * sign * cell * normals, size)] for sign in (1, -1)]
        wet_both = sides[0] & sides[1]
        every, sheets = np.zeros(size, np.float32), np.zeros(size, np.float32)
        np.add.at(every, self._at(self.points, size), 1)
        np.add.at(sheets, self._at(self.points[wet_both], size), 1)
        every, sheets = (ndimage.uniform_filter(t, 7)[self._at(self.points, size)] for t in (every, sheets))
        self.sheet = wet_both & (sheets > 0.5 * every)  # of a neighbourhood that is: not a stray corner
        one = (sides[0] ^ sides[1]) | (beside[0] ^ beside[1])
        outwards = np.where(sides[0] | beside[1], 1.0, -1.0)[:, None] * normals
        self.bound, self.outwards = self.points[one & ~self.sheet], outwards[one & ~self.sheet]
        self.trees = [cKDTree(p) if len(p) else None for p in (self.points[self.sheet], self.bound)]

    def _at(self, points: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(((points - self.low) / self.cell).astype(int).clip(0, size - 1).T)

    def inside(self, points: np.ndarray) -> np.ndarray:
        found = self.dry[self._at(points, self.size)]
        sheets, bound = self.trees
        if bound:
            distance, nearest = bound.query(points, distance_upper_bound=1.9 * self.cell)
            close = np.isfinite(distance)
            nearest = nearest[close]
            found[close] = np.einsum("ij,ij->i", points[close] - self.bound[nearest], self.outwards[nearest]) < 0
        if sheets:
            found |= np.isfinite(sheets.query(points, distance_upper_bound=self.half)[0])
        return found


def referee(path: Path, thickness: float, gap: float, cell: float):
    """What judges a file, in words, and a function of points (n, 3) -> (n,) bool."""
    v, f = read(path, UP.get(path.suffix.lower(), "y"))
    count, net = edges(f)
    if (count == 2).all() and (net == 0).all():
        return "rays, as filed", lambda points: by_rays(v, f, points)
    if (count <= 2).all() and (net[count == 2] == 0).all() and (count == 1).mean() < 0.05:
        some = np.random.default_rng(0).uniform(v.min(axis=0), v.max(axis=0), (2000, 3))
        winding = by_winding(v, f, some)
        if (np.abs(winding - winding.round()) < 0.2).mean() > 0.95:
            return "winding, as filed", lambda points: np.abs(by_winding(v, f, points)) > 0.5
    flood = Flood(v, f, thickness, round(gap / 2 / cell), cell)
    words = f"flood, cells {cell}; {100 * flood.sheet.mean():.0f} % sheets, {thickness:.3f} thick"
    return words, flood.inside


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path)
    parser.add_argument("--zoo", type=Path, help="made by `zoo fit-sdf --meshes`: its networks are judged too")
    parser.add_argument("--thickness", type=float, default=0.03, help="of sheets, as a share of the longest side")
    parser.add_argument("--gap", type=float, default=0.024, help="openings up to about this wide count as closed")
    parser.add_argument(
        "--cell", type=float, default=CELL, help="of the flood; thinner walls cannot be told from sheets"
    )
    parser.add_argument("--points", type=int, default=40_000)
    args = parser.parse_args()
    import torch

    from netspace import Zoo
    from netspace.data.meshes import mesh_files, read_mesh
    from netspace.data.solid_check import check
    from netspace.data.solids import Solid

    torch.set_num_threads(1)
    zoo = Zoo.load(args.zoo) if args.zoo else None
    print("| file | referee | our solid | network | sky | agree | mended; warnings |\n|---|---|---|---|---|---|---|")
    for path in mesh_files(args.meshes):
        try:
            read_file = read_mesh(path)
            solid = Solid(read_file.mesh, args.thickness)
        except MeshError as error:
            print(f"| {path.name} | | refused | | | | {error} |", flush=True)
            continue
        words, judge = referee(path, 1.8 * args.thickness, args.gap, args.cell)
        low, high = solid.bounds
        points = np.random.default_rng(0).uniform(low - 0.03, high + 0.03, (args.points, 3))
        truth, found = judge(points), check(solid)
        network = ""
        if zoo is not None:
            mine = zoo.records.index[zoo.records.source == str(path.resolve())]
            if len(mine):
                values = zoo[int(mine[0])].compiled()(torch.from_numpy(points).float())
                network = f"{overlap(values.detach().numpy() < 0, truth):.3f}"
        said = "; ".join((*solid.mended, *read_file.warnings, *found.warnings))
        print(
            f"| {path.name} | {words} | {overlap(solid.inside(points), truth):.3f} | {network} "
            f"| {found.sky_share:.2f} | {found.tests_agree:.2f} | {said} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
