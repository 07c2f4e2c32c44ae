"""Mending of meshes that do not enclose a volume by themselves, by evidence from outside.

A patch of faces is turned so that the side that sees more of the sky is its front (Takayama et al. 2014). Faces that
see the sky on both sides and enclose nothing are sheets, which get a thickness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import MeshError
from .shapes import Mesh
from .topology import edge_counts, face_geometry, is_clean, subdivide, unique_faces, winding_number
from .visibility import Sky

PAPER_THIN = 0.1
"""Parts thinner than this share of the sheets' thickness become sheets: no network could hold them."""
LEAST_SHEETS = 0.005
"""Less of the area in sheets is none."""
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


class Mended(NamedTuple):
    """The volume and the sheets that a mesh stands for."""

    volume: Mesh
    """faces whose winding numbers add up to the volume, fronts outwards; may be empty"""
    sheets: Mesh
    """faces that enclose nothing; may be empty"""
    words: tuple[str, ...]
    """what was done, for people"""


def closed_mesh(mesh: Mesh) -> tuple[Mesh, tuple[str, ...]]:
    """The mesh with each face once if that leaves it closed, with two faces at every edge, and what was done."""
    faces, net = unique_faces(mesh.faces)
    if (edge_counts(faces)[0] != 2).any():
        return mesh, ()
    words = []
    if len(faces) < len(mesh.faces):
        words.append(f"{len(mesh.faces) - len(faces)} of {len(mesh.faces)} faces lay on others")
    if not is_clean(Mesh(mesh.vertices, faces)):
        words.append("faces turned" if (net > 0).all() else "faces wound both ways")
    return Mesh(mesh.vertices, faces), tuple(words)


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


def _openness_of_patches(
    sky: Sky, patch: np.ndarray, centre: np.ndarray, normal: np.ndarray, area: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much of the sky each patch sees.

    Args:
        patch, centre, normal, area: of the pieces (n): (n,), (n, 3), (n, 3), (n,).
        size: areas of the patches (p,).

    Returns:
        Sums (2, p) of the sky seen by the fronts and the backs, weighted by area; the share (p,) that the better side
        sees; and which patches (p,) are seen at all.
    """
    patches = len(size)
    some = _spread(patch, area, 3000)
    front = sky.openness(centre[some] + STEP * normal[some], normal[some], 48)
    back = sky.openness(centre[some] - STEP * normal[some], -normal[some], 48)
    weight = area[some]
    sums = np.stack([np.bincount(patch[some], weight * side, patches) for side in (front, back)])  # (2, p)
    open_share = sums.max(axis=0) / np.bincount(patch[some], weight, patches)
    seen = open_share > HIDDEN
    hidden = np.flatnonzero(~seen)
    for k in hidden[np.argsort(-size[hidden])[:MOST_HIDDEN]]:
        # deep in the shape: a few rays decide, if all leave from one side
        some = np.flatnonzero(patch == k)
        some = some[np.argsort(-area[some])[:40]]
        sides = [sky.openness(centre[some] + s * STEP * normal[some], s * normal[some], 400) for s in (1, -1)]
        counts = 200 * np.array([side.sum() for side in sides])
        if counts.max() >= 6 and counts.max() > 5 * counts.min():
            seen[k], sums[:, k] = True, counts
    return sums, open_share, seen


def mend(mesh: Mesh, thickness: float) -> Mended:
    """Decide by evidence from outside what an unclean mesh, welded and normalised, encloses.

    Args:
        thickness: of sheets, in world units.
    """
    import igl

    words = []
    faces, net = unique_faces(mesh.faces)
    _, _, area = face_geometry(mesh.vertices, faces)
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
    _, _, area = face_geometry(mesh.vertices, faces)
    filed = np.bincount(patch, area * np.sign(net) * np.where(same, 1, -1))  # (p,) > 0: as wound in the file
    v, f, parent = subdivide(mesh.vertices, consistent, CELL)
    centre, normal, area = face_geometry(v, f)
    mine = patch[parent]

    # which side of every patch sees the sky
    sky = Sky(Mesh(mesh.vertices, consistent))
    patches = patch.max() + 1
    size = np.bincount(patch, face_geometry(mesh.vertices, consistent)[2], patches)
    sums, open_share, seen = _openness_of_patches(sky, mine, centre, normal, area, size)
    turn = sums[1] > sums[0]
    # hidden patches: as filed if the rest shows that the file's winding can be trusted, else nothing is known of them
    clear = seen & (open_share > CLEAR) & (np.abs(sums[0] - sums[1]) > 0.5 * sums.sum(axis=0))
    right = np.where(turn, filed < 0, filed > 0)  # (p,) the file's winding agrees with what is seen
    agree = size[clear & right].sum() / max(size[clear & (filed != 0)].sum(), 1e-12)
    trusted = max(agree, 1 - agree) > 0.98 and clear.any()
    closed = np.ones(patches, bool)
    closed[patch[(edge_counts(consistent)[0].reshape(3, -1) != 2).any(axis=0)]] = False
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
    centre, normal, area = face_geometry(v, f)
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
    open_edges = (edge_counts(consistent[~drop[patch]])[0] == 1).sum() if (~drop[patch]).any() else 0
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
        winding = winding_number(v, f[~sheet])
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
    _, other, _ = face_geometry(*mesh)
    at, distance = sky.ahead(centre - 1e-5 * normal, -normal)
    opposed = np.abs(np.einsum("ij,ij->i", other[at], normal)) > 0.7
    return (at >= 0) & (distance < limit) & opposed
