"""Ground truth of any mesh: which side of every face is outside, signed distances, and a check by other means.

A closed mesh that is wound one way keeps its winding and is taken as it is. Any other is mended by evidence from
outside: a patch of faces is turned so that the side that sees more of the sky is its front (Takayama et al. 2014), then
a point is inside if its winding number (Barill et al. 2018) exceeds 1/2. Faces that see the sky on both sides and
enclose nothing are sheets, which get a thickness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..errors import MeshError
from .shapes import Mesh, check_mesh

THICKNESS = 0.03
"""Of sheets, as a share of the longest side: about the thinnest that a network of the default fit holds at an IoU of
0.9. (At 0.02 it was 0.84 to 0.87.)"""
PAPER_THIN = 0.1
"""Parts thinner than this share of the sheets' thickness become sheets: no network could hold them."""
LEAST_SHEETS = 0.005
"""Less of the area in sheets is none."""
WELD = 2e-5
"""Vertices this close are one, in world units; the longest side is 1.8."""
STEP = 1e-4
"""How far beside a face its two sides are looked at."""
CELL = 0.15
"""Faces longer than this are divided before they are judged piece by piece."""
FLAT = 0.3
"""A face is a sheet if the winding number half-way through it is below this: 0 for a plane, 0.29 for half a ball,
0.5 where a volume is closed, 0.38 on average over a cube that lacks a side."""
HIDDEN = 0.02
"""A side that sees less of the sky than this is not seen."""
MOST_HIDDEN = 200
"""Hidden patches, the largest first, for which more rays are spent."""
CLEAR = 0.15
"""Share of the sky that a side must see to turn its patch in a file whose winding is right elsewhere."""
RAYS = 64
"""Directions in which the sky is looked for."""


def _directions(count: int) -> np.ndarray:
    """(count, 3) float32 unit vectors, evenly spread (a Fibonacci lattice, turned off the axes)."""
    k = np.arange(count) + 0.5
    z, a = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    d = np.stack([r * np.cos(a), r * np.sin(a), z], axis=1)
    turn = np.linalg.qr(np.array([[0.8, -0.3, 0.5], [0.2, 0.9, -0.4], [-0.5, 0.3, 0.8]]))[0]
    return (d @ turn).astype(np.float32)


class Sky:
    """Rays against a mesh, to see what is open to the outside. By Embree, in libigl."""

    def __init__(self, mesh: Mesh) -> None:
        from igl.embree import EmbreeIntersector

        self._rays = EmbreeIntersector()
        self._rays.init(np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces))

    def openness(self, points: np.ndarray, normals: np.ndarray, count: int = RAYS) -> np.ndarray:
        """(n, 3) points, (n, 3) unit normals -> (n,): share of the directions above a point that meet no face."""
        directions = _directions(count)
        first, points = self._rays.intersectRay_first, np.ascontiguousarray(points, np.float32)
        above = directions @ normals.astype(np.float32).T > 0.08  # (count, n)
        found = np.zeros(len(points))
        for i, point in enumerate(points):
            ways = directions[above[:, i]]
            found[i] = sum(first(point, way)[0] < 0 for way in ways) / max(len(ways), 1)
        return found

    def ahead(self, points: np.ndarray, ways: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, 3) points and directions -> (n,) the first face met, -1 if there is none, and how far it is."""
        points, ways = (np.ascontiguousarray(t, np.float32) for t in (points, ways))
        hits = [self._rays.intersectRay_first(p, d)[:2] for p, d in zip(points, ways, strict=True)]
        face, distance = (np.array(t) for t in zip(*hits, strict=True))
        return face, np.where(face < 0, np.inf, distance)

    def sees_sky(self, points: np.ndarray, rays: int = RAYS) -> np.ndarray:
        """(n, 3) -> (n,) bool: two of `rays` directions meet no face (one may have slipped between two faces)."""
        directions = list(_directions(rays)[np.random.Generator(np.random.PCG64(0)).permutation(rays)])
        first = self._rays.intersectRay_first
        found = np.zeros(len(points), bool)
        for i, point in enumerate(np.ascontiguousarray(points, np.float32)):
            escaped = 0
            for way in directions:
                escaped += first(point, way)[0] < 0
                if escaped == 2:
                    found[i] = True
                    break
        return found

    def odd(self, points: np.ndarray, rays: int = 5) -> np.ndarray:
        """(n, 3) -> (n,) bool: most of `rays` rays cross the faces an odd number of times."""
        every, directions = self._rays.intersectRay, list(_directions(rays))
        points = np.ascontiguousarray(points, np.float32)
        return np.array([sum(len(every(p, d)[0]) % 2 for d in directions) > rays // 2 for p in points], bool)


# -- what a mesh is like -------------------------------------------------------------------------------------------


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3f,) number of faces at the edges of every face, and how often an edge is run one way more than the other."""
    e = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # (3f, 2)
    low, high = e.min(axis=1), e.max(axis=1)
    _, at, count = np.unique(low * (int(faces.max()) + 1) + high, return_inverse=True, return_counts=True)
    net = np.bincount(at, np.where(e[:, 0] == low, 1, -1))
    return count[at], net[at]


def is_clean(mesh: Mesh) -> bool:
    """Whether every edge has two faces, wound the same way round."""
    count, net = _edges(mesh.faces)
    return bool((count == 2).all() and (net == 0).all())


def weld(mesh: Mesh, within: float = WELD) -> Mesh:
    """The mesh with vertices that lie within a distance made one, and without the faces that this leaves no area."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    used, faces = np.unique(mesh.faces, return_inverse=True)
    v, faces = mesh.vertices[used], faces.reshape(-1, 3)
    places, at = np.unique(v, axis=0, return_inverse=True)
    pairs = cKDTree(places).query_pairs(within, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (len(places),) * 2)
    count, group = connected_components(links, directed=False)
    group = group[at.ravel()]
    one = np.full(count, len(v))
    np.minimum.at(one, group, np.arange(len(v)))
    order = np.argsort(one)  # vertices stay in their order
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    faces = rank[group][faces]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return Mesh(v[one[order]], np.ascontiguousarray(faces[whole]))


def _unique_faces(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One of all faces with the same corners, and (f,) by how many more it is wound that way than the other."""
    low = faces.argmin(axis=1)
    rolled = np.take_along_axis(faces, (low[:, None] + np.arange(3)) % 3, axis=1)
    even = rolled[:, 1] < rolled[:, 2]
    key = np.where(even[:, None], rolled, rolled[:, [0, 2, 1]])
    _, first, at = np.unique(key, axis=0, return_index=True, return_inverse=True)
    net = np.bincount(at.ravel(), np.where(even, 1, -1))
    order = np.argsort(first)
    first = first[order]
    kept, net = faces[first], net[order] * np.where(even[first], 1, -1)
    turned = net < 0
    kept[turned] = kept[turned][:, ::-1]
    return kept, np.abs(net)


def orient(mesh: Mesh) -> Mesh:
    """Every connected patch of a closed mesh consistently wound and outwards, so that winding numbers add up.

    Patches inside another stay as they are where the mesh is closed and they are wound inwards: they are cavities.
    """
    import igl
    import trimesh

    if mesh.volume < 0 and is_clean(mesh):  # all of it is inside out, its cavities too
        mesh = Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))
    faces, patch = igl.bfs_orient(mesh.faces)
    faces = np.asarray(faces, np.int64)
    a, b, c = (mesh.vertices[faces[:, i]] for i in range(3))
    centre = mesh.vertices[np.unique(faces)].mean(axis=0)
    signed = np.einsum("ij,ij->i", a - centre, np.cross(b - centre, c - centre))
    outward = np.where((np.bincount(patch, weights=signed) < 0)[patch, None], faces[:, ::-1], faces)
    if patch.max() > 0 and is_clean(mesh):
        solid = outward.copy()
        for k in range(patch.max() + 1):
            mine = patch == k
            if trimesh.Trimesh(mesh.vertices, mesh.faces[mine], process=False).volume < 0:
                corners = np.ascontiguousarray(mesh.vertices[np.unique(mesh.faces[mine])])
                if (igl.fast_winding_number(mesh.vertices, solid[~mine], corners) > 0.5).all():
                    outward[mine] = mesh.faces[mine]
    return Mesh(mesh.vertices, outward)


# -- mending -------------------------------------------------------------------------------------------------------


class Mended(NamedTuple):
    """The volume and the sheets that a mesh stands for."""

    volume: Mesh
    """faces whose winding numbers add up to the volume, fronts outwards; may be empty"""
    sheets: Mesh
    """faces that enclose nothing; may be empty"""
    words: tuple[str, ...]
    """what was done, for people"""


def _closed(mesh: Mesh) -> tuple[Mesh, tuple[str, ...]]:
    """The mesh with each face once if that leaves it closed, with two faces at every edge, and what was done."""
    faces, net = _unique_faces(mesh.faces)
    if (_edges(faces)[0] != 2).any():
        return mesh, ()
    words = []
    if len(faces) < len(mesh.faces):
        words.append(f"{len(mesh.faces) - len(faces)} of {len(mesh.faces)} faces lay on others")
    if not is_clean(Mesh(mesh.vertices, faces)):
        words.append("faces turned" if (net > 0).all() else "faces wound both ways")
    return Mesh(mesh.vertices, faces), tuple(words)


def _geometry(v: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (f, 3), unit normals (f, 3) and areas (f,)."""
    a, b, c = (v[f[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    return (a + b + c) / 3, normal / np.maximum(length, 1e-30)[:, None], length / 2


def _divide(v: np.ndarray, f: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces with no edge longer than `longest`, and the face that each is part of."""
    parent = np.arange(len(f))
    for _ in range(8):
        corners = v[f]  # (f, 3, 3)
        lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)  # (f, 3): edge i goes to corner i+1
        long = lengths.max(axis=1) > longest
        if not long.any():
            break
        at = lengths[long].argmax(axis=1)[:, None]
        a, b, c = (np.take_along_axis(f[long], (at + k) % 3, axis=1)[:, 0] for k in range(3))
        middle = len(v) + np.arange(len(a))
        v = np.concatenate([v, (v[a] + v[b]) / 2])
        f = np.concatenate([f[~long], np.stack([a, middle, c], axis=1), np.stack([middle, b, c], axis=1)])
        parent = np.concatenate([parent[~long], parent[long], parent[long]])
    return v, f, parent


def _winding(v: np.ndarray, f: np.ndarray):
    """Function of points (n, 3) -> winding numbers (n,)."""
    import igl

    if not len(f):
        return lambda points: np.zeros(len(points))
    tree = igl.FastWindingNumberBVH()
    tree.init(np.ascontiguousarray(v, np.float64), np.ascontiguousarray(f, np.int64))
    return lambda points: tree.winding_number(np.ascontiguousarray(points, np.float64))


def _spread(patch: np.ndarray, area: np.ndarray, total: int, least: int = 12) -> np.ndarray:
    """Some of the pieces: of every patch as many as its share of the area of `total`, and a few at least."""
    order = np.lexsort((-area, patch))  # of a patch the largest first
    starts = np.searchsorted(patch[order], np.arange(patch.max() + 2))
    share = np.bincount(patch, area) / area.sum()
    chosen = []
    for k in range(patch.max() + 1):
        mine = order[starts[k] : starts[k + 1]]
        count = max(least, int(np.ceil(total * share[k])))
        chosen.append(mine if len(mine) <= count else mine[np.linspace(0, len(mine) - 1, count).astype(int)])
    return np.concatenate(chosen)


def mend(mesh: Mesh, thickness: float) -> Mended:
    """Decide by evidence from outside what an unclean mesh, welded and normalised, encloses.

    Args:
        thickness: of sheets, in world units.
    """
    import igl

    words = []
    faces, net = _unique_faces(mesh.faces)
    _, _, area = _geometry(mesh.vertices, faces)
    faces, net = faces[area > 1e-12], net[area > 1e-12]
    if not len(faces):
        raise MeshError("has no face with an area")
    if len(faces) < len(mesh.faces):
        words.append(f"{len(mesh.faces) - len(faces)} of {len(mesh.faces)} faces lay on others")
    consistent, patch = igl.bfs_orient(np.ascontiguousarray(faces))
    consistent, patch = np.asarray(consistent, np.int64), np.asarray(patch).ravel()
    same = (consistent == faces).all(axis=1)
    same |= (np.roll(consistent, 1, axis=1) == faces).all(axis=1) | (np.roll(consistent, 2, axis=1) == faces).all(
        axis=1
    )
    _, _, area = _geometry(mesh.vertices, faces)
    filed = np.bincount(patch, area * np.sign(net) * np.where(same, 1, -1))  # (p,) > 0: as wound in the file
    v, f, parent = _divide(mesh.vertices, consistent, CELL)
    centre, normal, area = _geometry(v, f)
    mine = patch[parent]

    # which side of every patch sees the sky
    sky = Sky(Mesh(mesh.vertices, consistent))
    some = _spread(mine, area, 3000)
    front = sky.openness(centre[some] + STEP * normal[some], normal[some], 48)
    back = sky.openness(centre[some] - STEP * normal[some], -normal[some], 48)
    weight = area[some]
    patches = patch.max() + 1
    sums = np.stack([np.bincount(mine[some], weight * side, patches) for side in (front, back)])  # (2, p)
    open_share = sums.max(axis=0) / np.bincount(mine[some], weight, patches)
    seen = open_share > HIDDEN
    size = np.bincount(patch, _geometry(mesh.vertices, consistent)[2], patches)
    hidden = np.flatnonzero(~seen)
    for k in hidden[np.argsort(-size[hidden])[:MOST_HIDDEN]]:
        # deep in the shape: a few rays decide, if all leave from one side
        some = np.flatnonzero(mine == k)
        some = some[np.argsort(-area[some])[:40]]
        sides = [sky.openness(centre[some] + s * STEP * normal[some], s * normal[some], 400) for s in (1, -1)]
        counts = 200 * np.array([side.sum() for side in sides])
        if counts.max() >= 6 and counts.max() > 5 * counts.min():
            seen[k], sums[:, k] = True, counts
    turn = sums[1] > sums[0]
    # hidden patches: as filed if the rest shows that the file's winding can be trusted, else nothing is known of them
    clear = seen & (open_share > CLEAR) & (np.abs(sums[0] - sums[1]) > 0.5 * sums.sum(axis=0))
    right = np.where(turn, filed < 0, filed > 0)  # (p,) the file's winding agrees with what is seen
    agree = size[clear & right].sum() / max(size[clear & (filed != 0)].sum(), 1e-12)
    trusted = max(agree, 1 - agree) > 0.98 and clear.any()
    closed = np.ones(patches, bool)
    closed[patch[(_edges(consistent)[0].reshape(3, -1) != 2).any(axis=0)]] = False
    a, b, c = (mesh.vertices[consistent[:, i]] for i in range(3))
    volume = np.bincount(patch, np.einsum("ij,ij->i", a, np.cross(b, c)), patches)
    as_filed = (filed > 0) == (agree > 0.5)
    outward = np.where(trusted & (filed != 0), as_filed, volume > 0)
    turn = np.where(seen, turn, closed & ~outward)
    if trusted:  # what is hardly seen stays as it is filed: a cavity behind holes
        turn = np.where(seen & (open_share < CLEAR) & (filed != 0), ~as_filed, turn)
    right = np.where(turn, filed < 0, filed > 0)
    drop = ~seen & ~closed
    turned = seen & (filed != 0) & ~right & closed | seen & (filed != 0) & ~right & clear
    mixed = np.bincount(patch, (net > 0) & (same != (filed > 0)[patch]), patches) > 0
    if (turned | mixed).any():
        words.append(f"{_percent(size[turned | mixed], size)} of the area was turned")
    if drop.any():
        words.append(f"{_percent(size[drop], size)} of the area lies inside and was left out")

    f = np.where(turn[mine, None], f[:, ::-1], f)
    keep = ~drop[mine]
    f, mine, parent = f[keep], mine[keep], parent[keep]
    centre, normal, area = _geometry(v, f)
    sheet = _sheets(v, f, centre, normal, area, mine, sky)
    thin = ~sheet & _thin(centre, normal, sky, Mesh(mesh.vertices, consistent), PAPER_THIN * thickness)
    if sheet.any() and not sheet.all() and area[sheet].sum() < LEAST_SHEETS * area.sum():
        sheet[:] = False  # the edge of a hole
    if sheet.any():
        words.append(f"sheets ({_percent(area[sheet], area)} of the area) made {thickness:.3g} thick")
    if area[thin].sum() > 4 * LEAST_SHEETS * area.sum():
        limit = PAPER_THIN * thickness
        words.append(
            f"parts thinner than {limit:.2g} ({_percent(area[thin], area)} of the area) made {thickness:.3g} thick"
        )
        sheet |= thin
    open_edges = (_edges(consistent[~drop[patch]])[0] == 1).sum() if (~drop[patch]).any() else 0
    if open_edges and not sheet.all():
        words.append(f"{open_edges} open edges")
    return Mended(Mesh(v, f[~(sheet & ~thin)]), Mesh(v, f[sheet]), tuple(words))


def _percent(part: np.ndarray, whole: np.ndarray) -> str:
    share = 100 * part.sum() / whole.sum()
    return f"{share:.0f} %" if share >= 1 else "less than 1 %"


def _sheets(v, f, centre, normal, area, patch, sky: Sky) -> np.ndarray:
    """(f,) bool: pieces that enclose nothing: the winding number half-way through them is near 0, both sides are open.

    Taken away, they may leave others without a volume, so it is asked again.
    """
    sheet = np.zeros(len(f), bool)
    open_both = np.full(len(f), -1, int)
    patches = patch.max() + 1
    for _ in range(4):
        winding = _winding(v, f[~sheet])
        half = (winding(centre + STEP * normal) + winding(centre - STEP * normal)) / 2  # (f,)
        outer = ~sheet & (half < 0.8)
        mean = np.bincount(patch[outer], (area * half)[outer], patches) / np.maximum(
            np.bincount(patch[outer], area[outer], patches), 1e-12
        )
        limit = np.where(mean >= 0.36, 0.12, FLAT)[patch]  # a patch that encloses a volume may have an edge of a hole
        found = outer & (half < limit)
        ask = np.flatnonzero(found & (open_both < 0))
        sides = [sky.openness(centre[ask] + s * STEP * normal[ask], s * normal[ask], 24) for s in (1, -1)]
        open_both[ask] = np.minimum(*sides) > HIDDEN
        found &= open_both == 1
        sheet |= found
        if area[found].sum() < 0.2 * LEAST_SHEETS * area.sum():
            break
    return sheet


def _thin(centre, normal, sky: Sky, mesh: Mesh, limit: float) -> np.ndarray:
    """(f,) bool: pieces behind which another face looks the other way within `limit`."""
    _, other, _ = _geometry(*mesh)
    at, distance = sky.ahead(centre - 1e-5 * normal, -normal)
    opposed = np.abs(np.einsum("ij,ij->i", other[at], normal)) > 0.7
    return (at >= 0) & (distance < limit) & opposed


# -- the solid -----------------------------------------------------------------------------------------------------


class Solid:
    """A mesh ready for distance queries. Overlapping parts, open sheets and inverted patches are allowed.

    libigl's own signed distance multiplies by 1 - 2|w|, which is wrong where the winding number w is not 0 or 1;
    here the unsigned distance and the sign are taken separately.
    """

    def __init__(self, mesh: Mesh, thickness: float = THICKNESS) -> None:
        """Raises MeshError where no volume is enclosed.

        Args:
            thickness: that sheets get, as a share of the longest side; 0 leaves them out.
        """
        check_mesh(mesh)
        self.filed = mesh
        self.thickness = 0.0
        """of sheets, in world units; 0 where there are none"""
        self.mended: tuple[str, ...] = ()
        """what was done to the mesh, in words"""
        self.sheets: Mesh | None = None
        self.clean = is_clean(mesh)
        if not self.clean:
            extent = float(np.ptp(mesh.vertices[np.unique(mesh.faces)], axis=0).max())
            scale = extent / 1.8
            welded = weld(mesh, WELD * scale)
            if not len(welded.faces):
                raise MeshError("has no face with an area")
            count = len(np.unique(mesh.faces)) - len(welded.vertices)
            if count:
                self.mended += (f"{count} vertices welded",)
            mesh = welded
            mesh, words = _closed(mesh)
            self.mended += words
            self.clean = bool((_edges(mesh.faces)[0] == 2).all())
        if self.clean:
            self.soup = orient(mesh)
        else:
            done = mend(mesh, thickness * extent)
            self.mended += done.words
            self.soup = done.volume
            if len(done.sheets.faces) and thickness > 0:
                self.sheets, self.thickness = done.sheets, thickness * extent
        self._wind = _winding(*self.soup)
        self._bounds = self._outer(self.soup, self.in_volume, not self.sheets)
        self.surface = self._surface()
        if not len(self.surface.faces):
            raise MeshError("encloses no volume")

    def _surface(self) -> Mesh:
        """The faces with outside on at least one side: those inside another part bound nothing."""
        if not self.sheets:
            return self._bounds
        v, f = self.sheets
        _, normal, _ = _geometry(v, f)
        parts = [self._bounds]
        for side in (1, -1):
            moved = (v[f] + side * self.thickness / 2 * normal[:, None]).reshape(-1, 3)  # (3f, 3)
            parts.append(Mesh(moved, np.arange(len(moved)).reshape(-1, 3)[:, ::side]))
        starts = np.cumsum([0, *(len(p.vertices) for p in parts)])
        whole = Mesh(
            np.concatenate([p.vertices for p in parts]),
            np.concatenate([p.faces + s for p, s in zip(parts, starts, strict=False)]),
        )
        return self._outer(whole, self.inside, False)

    def _outer(self, mesh: Mesh, inside, needed: bool) -> Mesh:
        v, f = mesh
        if not len(f):
            return mesh
        a, b, c = (v[f[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1)
        f, a, b, c, normal = (t[length > 1e-12] for t in (f, a, b, c, normal))
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        step = 1e-4 * float(np.ptp(v, axis=0).max())
        # a face may lie inside only in part: it is dropped where all of four spread points say so
        places = np.stack(
            [(a + b + c) / 3, *(0.8 * p + 0.1 * q + 0.1 * r for p, q, r in ((a, b, c), (b, c, a), (c, a, b)))]
        )
        sides = np.stack([places - step * normal, places + step * normal])  # (2, 4, f, 3)
        within = np.zeros(sides.shape[:3], bool)
        within[:, 0] = inside(sides[:, 0].reshape(-1, 3)).reshape(2, -1)
        unsettled = within[0, 0] == within[1, 0]  # most faces are settled by their middle: one side in, one out
        rest = sides[:, 1:, unsettled]
        within[:, 1:, unsettled] = inside(rest.reshape(-1, 3)).reshape(rest.shape[:3])
        if needed and not within.any():
            raise MeshError("encloses no volume")
        keep = ~within.all(axis=(0, 1))
        return Mesh(v, f[keep if self.clean else keep & within.any(axis=(0, 1))])

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners (3,), (3,) of the bounding box, of sheets with their thickness."""
        if not self.sheets:
            return self.soup.vertices.min(axis=0), self.soup.vertices.max(axis=0)
        v = self.surface.vertices[np.unique(self.surface.faces)]
        return v.min(axis=0), v.max(axis=0)

    @property
    def words(self) -> str:
        """What ground truth this is, for whoever reads a figure that was measured against it."""
        if self.clean:
            return "the closed mesh" if not self.mended else f"the closed mesh, mended: {'; '.join(self.mended)}"
        return f"the mesh, mended: {'; '.join(self.mended)}"

    def in_volume(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,) bool: inside what faces enclose, by the generalised winding number (Barill et al. 2018)."""
        winding = self._wind(points)
        return (np.abs(winding) if self.clean else winding) > 0.5

    def _to_sheets(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,): distance to the thickened sheets, negative in them."""
        import igl

        squared, _, _ = igl.point_mesh_squared_distance(points, *self.sheets)
        return np.sqrt(np.maximum(squared, 0)) - self.thickness / 2

    def inside(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,) bool."""
        points = np.ascontiguousarray(points, np.float64)
        found = self.in_volume(points)
        if self.sheets:
            found[~found] = self._to_sheets(points[~found]) < 0
        return found

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,) float64, negative inside; in and around sheets a lower bound of it."""
        import igl

        points = np.ascontiguousarray(points, np.float64)
        if not len(self._bounds.faces):
            return self._to_sheets(points)
        squared, _, _ = igl.point_mesh_squared_distance(points, *self._bounds)
        signed = np.where(self.in_volume(points), -1.0, 1.0) * np.sqrt(np.maximum(squared, 0))
        return np.minimum(signed, self._to_sheets(points)) if self.sheets else signed


def solid_of(mesh: Mesh, record: Mapping) -> Solid:
    """The ground truth of a zoo's record, its sheets as thick as when its network was fitted."""
    thickness = record.get("thickness_share")
    known = isinstance(thickness, float) and np.isfinite(thickness)
    return Solid(mesh, thickness if known else THICKNESS)


# -- a check by other means ----------------------------------------------------------------------------------------


class Check(NamedTuple):
    """What other tests, which know nothing of winding, say of a solid."""

    sky_share: float
    """share of the enclosed volume that sees the sky past the faces as they were filed"""
    tests_agree: float
    """IoU of the enclosed volume with what no ray from outside reaches, or with what most rays cross an odd number of
    times, whichever is larger"""
    warnings: tuple[str, ...]
    """in words; empty if nothing speaks against the solid"""


MOST_SKY = 0.05
LEAST_AGREED = 0.95
"""A solid is warned of beyond these."""


THIN_WALL = 0.02
"""In world units: a wall 0.014 thick was fitted at an IoU of 0.64."""


def _thin_share(surface: Mesh, rng: np.random.Generator, count: int = 300) -> float:
    """Share of the surface behind which it comes again within THIN_WALL."""
    _, normal, area = _geometry(*surface)
    face = rng.choice(len(area), count, p=area / area.sum())
    a, b, c = (surface.vertices[surface.faces[face, i]] for i in range(3))
    u, w = np.sort(rng.random((2, count)), axis=0)[..., None]
    points = a * u + b * (w - u) + c * (1 - w)
    begin = points - 5e-4 * normal[face]  # past copies of the face
    return float((Sky(surface).ahead(begin, -normal[face])[1] < THIN_WALL).mean())


MOST_SHEETS = 0.5
"""share of the surface"""


def _mostly_sheets(solid: Solid) -> list[str]:
    """A warning if most of a solid is what the thickness of sheets makes of them; else nothing."""
    if not solid.sheets:
        return []
    sheets, walls = (
        float(_geometry(*mesh)[2].sum()) if len(mesh.faces) else 0.0 for mesh in (solid.sheets, solid.soup)
    )
    share = sheets / (sheets + walls)
    if share <= MOST_SHEETS:
        return []
    return [
        f"{100 * share:.0f} % of its surface are open sheets, made {solid.thickness:.3g} thick: the file does not "
        "determine what is inside, the thickness does"
    ]


def check(solid: Solid, count: int = 1200, seed: int = 0) -> Check:
    """Compare a solid with visibility and parity, by rays against the faces as they were filed.

    Args:
        count: points: half in the bounding box, half around the surface. Sheets' thickness is left out of account.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    low, high = solid.bounds
    points = low + (high - low) * rng.random((count // 2, 3))
    near = sample_surface(solid.surface, count - len(points), rng)
    points = np.concatenate([points, near + 0.03 * rng.standard_normal(near.shape)])
    enclosed = solid.in_volume(points)
    if solid.sheets:  # inside a sheet, and the sheet itself, is settled by its thickness
        free = solid._to_sheets(points) > 0
        points, enclosed = points[free], enclosed[free]
    warnings = _mostly_sheets(solid)
    if not enclosed.any():
        return Check(0.0, 1.0, tuple(warnings))
    sky = Sky(solid.filed)
    visible = sky.sees_sky(points)
    sky_share = float(visible[enclosed].mean())

    def overlap(other: np.ndarray) -> float:
        return float((enclosed & other).sum() / max((enclosed | other).sum(), 1))

    agree = overlap(~visible)
    if agree < 1:
        agree = max(agree, overlap(sky.odd(points)))
    if sky_share > MOST_SKY:
        warnings.append(
            f"{100 * sky_share:.0f} % of its inside sees the sky: it has holes, or its inside is not determined"
        )
    thin = _thin_share(solid.surface, rng)
    if thin > 0.5:
        warnings.append(
            f"{100 * thin:.0f} % of its surface bounds walls thinner than {THIN_WALL}: networks hold such walls badly"
        )
    if agree < LEAST_AGREED:
        warnings.append(f"two tests of what is inside agree in {100 * agree:.0f} % only")
    return Check(sky_share, agree, tuple(warnings))


# -- samples -------------------------------------------------------------------------------------------------------


def sample_surface(mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 3) points uniformly by area."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    face = np.searchsorted(np.cumsum(areas) / areas.sum(), rng.random(count)).clip(max=len(areas) - 1)
    u, v = rng.random((2, count))
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u)[:, None], np.where(fold, 1 - v, v)[:, None]
    return a[face] + u * (b - a)[face] + v * (c - a)[face]


def sample_sdf(solid: Solid, count: int, seed: int) -> np.ndarray:
    """(count, 4) float32: points and their signed distance, sampled as in DeepSDF (Park et al. 2019, section 5.1).

    47 % at the surface plus noise of variance 0.0025, 47 % of variance 0.00025, the rest uniform in [-1, 1]^3.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    near = int(0.47 * count)
    surface = sample_surface(solid.surface, 2 * near, rng)
    noise = rng.standard_normal((2 * near, 3)) * np.sqrt(np.repeat([0.0025, 0.00025], near))[:, None]
    points = np.concatenate([(surface + noise).clip(-1, 1), rng.random((count - 2 * near, 3)) * 2 - 1])
    points = points.astype(np.float32)  # the distance is taken at the point that is stored
    return np.concatenate([points, solid.signed_distance(points)[:, None].astype(np.float32)], axis=1)


def occupancy_points(solid: Solid, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform points (count, 3) float32 in the bounding box, and which are inside (count,): for an IoU."""
    rng = np.random.Generator(np.random.PCG64(seed))
    low, high = solid.bounds
    points = (low + (high - low) * rng.random((count, 3))).astype(np.float32)
    return points, solid.inside(points)
