"""Ground truth of any mesh: signed distances, what is inside, and samples of both.

A closed mesh that is wound one way keeps its winding and is taken as it is. Any other is mended by evidence from
outside (see `mending`); a point is inside if its winding number (Barill et al. 2018) exceeds 1/2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import MeshError
from .mending import closed_mesh, mend
from .shapes import Mesh, check_mesh
from .topology import WELD, edge_counts, face_geometry, is_clean, orient, weld, winding_number

THICKNESS = 0.03
"""Of sheets, as a share of the longest side: about the thinnest that a network of the default fit holds at an IoU of
0.9. (At 0.02 it was 0.84 to 0.87.)"""


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
            mesh, words = closed_mesh(mesh)
            self.mended += words
            self.clean = bool((edge_counts(mesh.faces)[0] == 2).all())
        if self.clean:
            self.soup = orient(mesh)
        else:
            done = mend(mesh, thickness * extent)
            self.mended += done.words
            self.soup = done.volume
            if len(done.sheets.faces) and thickness > 0:
                self.sheets, self.thickness = done.sheets, thickness * extent
        self._wind = winding_number(*self.soup)
        self._bounds = self._outer(self.soup, self.in_volume, not self.sheets)
        self.surface = self._surface()
        if not len(self.surface.faces):
            raise MeshError("encloses no volume")

    def _surface(self) -> Mesh:
        """The faces with outside on at least one side: those inside another part bound nothing."""
        if not self.sheets:
            return self._bounds
        v, f = self.sheets
        _, normal, _ = face_geometry(v, f)
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

    def distance_to_sheets(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,): distance to the thickened sheets, negative in them."""
        import igl

        squared, _, _ = igl.point_mesh_squared_distance(points, *self.sheets)
        return np.sqrt(np.maximum(squared, 0)) - self.thickness / 2

    def inside(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,) bool."""
        points = np.ascontiguousarray(points, np.float64)
        found = self.in_volume(points)
        if self.sheets:
            found[~found] = self.distance_to_sheets(points[~found]) < 0
        return found

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) -> (n,) float64, negative inside; in and around sheets a lower bound of it."""
        import igl

        points = np.ascontiguousarray(points, np.float64)
        if not len(self._bounds.faces):
            return self.distance_to_sheets(points)
        squared, _, _ = igl.point_mesh_squared_distance(points, *self._bounds)
        signed = np.where(self.in_volume(points), -1.0, 1.0) * np.sqrt(np.maximum(squared, 0))
        return np.minimum(signed, self.distance_to_sheets(points)) if self.sheets else signed


def solid_of(mesh: Mesh, record: Mapping) -> Solid:
    """The ground truth of a zoo's record, its sheets as thick as when its network was fitted."""
    thickness = record.get("thickness_share")
    known = isinstance(thickness, float) and np.isfinite(thickness)
    return Solid(mesh, thickness if known else THICKNESS)


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
