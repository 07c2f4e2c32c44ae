"""A check of ground truth by tests that know nothing of winding: visibility and parity, by rays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .shapes import Mesh
from .solids import Solid, sample_surface
from .topology import face_geometry
from .visibility import Sky


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
    _, normal, area = face_geometry(*surface)
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
        float(face_geometry(*mesh)[2].sum()) if len(mesh.faces) else 0.0 for mesh in (solid.sheets, solid.soup)
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
        free = solid.distance_to_sheets(points) > 0
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
