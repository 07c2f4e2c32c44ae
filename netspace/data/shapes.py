"""Shapes whose signed distance the SIRENs hold: triangle meshes, and procedural chairs.

Supplement V takes ShapeNet's chairs; these are drawn from a seed, so that everybody has the same ones.
World coordinates: y points up, a chair faces +z, every shape lies in [-1, 1]^3 with a margin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ..errors import MeshError

HALF_EXTENT = 0.9
"""A normalised shape's longest side reaches from -0.9 to 0.9."""

LEGS = ("straight", "splayed", "sled", "cross", "pedestal")
BACKS = ("solid", "slatted", "ladder", "rounded")
SEATS = ("square", "round", "bevelled")


class Mesh(NamedTuple):
    """A triangle mesh."""

    vertices: np.ndarray
    """(v, 3) float64, world coordinates"""
    faces: np.ndarray
    """(f, 3) int64, counter-clockwise seen from outside"""

    @property
    def volume(self) -> float:
        """Signed volume by the divergence theorem; right for closed meshes."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    @property
    def area(self) -> float:
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def check_mesh(mesh: Mesh) -> None:
    """MeshError, saying why, unless the mesh has faces, finite vertices and an extent along every axis."""
    if not len(mesh.faces):
        raise MeshError("has no faces")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise MeshError(f"has faces that name vertices which do not exist: it has {len(mesh.vertices)} vertices")
    used = mesh.vertices[np.unique(mesh.faces)]
    if not np.isfinite(used).all():
        raise MeshError(f"has {int((~np.isfinite(used)).any(axis=1).sum())} vertices that are not finite numbers")
    extent = np.ptp(used, axis=0)
    if extent.min() <= 1e-6 * extent.max():
        raise MeshError("is flat: it encloses no volume")


def normalise_mesh(mesh: Mesh, half_extent: float = HALF_EXTENT) -> tuple[Mesh, float]:
    """The mesh, its bounding box centred, its longest side from -half_extent to half_extent; and the scale applied."""
    used = mesh.vertices[np.unique(mesh.faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    scale = 2 * half_extent / float((high - low).max())
    return Mesh((mesh.vertices - (low + high) / 2) * scale, mesh.faces), scale


# -- procedural chairs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chair:
    """The parameters of a procedural chair. Lengths in units of its seat's nominal width of 1."""

    kind: str
    """chair or stool"""
    seat: str
    legs: str
    back: str
    """one of BACKS, or none (stools)"""
    arms: bool
    width: float
    depth: float
    leg_length: float
    seat_thickness: float
    leg_radius: float
    splay: float
    """how far the legs lean outwards, as a share of their length"""
    back_height: float
    rake: float
    """how far the back leans backwards, as a share of its height"""
    bars: int
    """slats or rungs of the back"""
    stretchers: bool
    """bars between the legs"""
    round_legs: bool


def chair_params(seed: int) -> Chair:
    """The chair of a seed, the same on every machine: only uniform doubles of PCG64 are drawn, in a fixed order."""
    u = iter(np.random.Generator(np.random.PCG64(seed)).random(32).tolist())

    def pick(options: tuple[str, ...]) -> str:
        return options[int(next(u) * len(options))]

    def between(low: float, high: float) -> float:
        return low + (high - low) * next(u)

    stool = next(u) < 0.15
    legs, seat, back = pick(LEGS), pick(SEATS), pick(BACKS)
    arms = next(u) < 0.4 and not stool
    return Chair(
        kind="stool" if stool else "chair",
        seat=seat,
        legs=legs,
        back="none" if stool else back,
        arms=arms,
        width=between(0.62, 0.9) if stool else between(0.85, 1.25),
        depth=between(0.62, 0.8) if stool else between(0.85, 1.1),
        leg_length=between(0.55, 1.25) if stool else between(0.45, 0.95),
        seat_thickness=between(0.1, 0.2),
        leg_radius=between(0.05, 0.085),
        splay=between(0.12, 0.3) if legs == "splayed" else 0.0,
        back_height=0.0 * next(u) if stool else between(0.6, 1.15),
        rake=between(0.0, 0.3),
        bars=3 + int(next(u) * 3),
        stretchers=next(u) < 0.35,
        round_legs=next(u) < 0.6,
    )


def chair(params: Chair) -> tuple[Mesh, dict]:
    """The chair's watertight mesh, normalised, and its record: the parameters and measures in world units.

    `seat_height` is the y of the seat's top above the feet, after normalisation.
    """
    import manifold3d

    solids = [
        manifold3d.Manifold(manifold3d.Mesh(v.astype(np.float32), f.astype(np.uint32))) for v, f in _parts(params)
    ]
    union = manifold3d.Manifold.batch_boolean(solids, manifold3d.OpType.Add).to_mesh()
    mesh = Mesh(np.asarray(union.vert_properties, np.float64)[:, :3], np.asarray(union.tri_verts, np.int64))
    seat_height = params.leg_length + params.seat_thickness - mesh.vertices[:, 1].min()
    mesh, scale = normalise_mesh(mesh)
    return mesh, asdict(params) | {
        "seat_height": float(seat_height * scale),
        "height": float(np.ptp(mesh.vertices[:, 1])),
    }


def seat_height(mesh: Mesh, spread: float = 0.02) -> float:
    """Height of a chair's seat above its feet, as measured of any mesh: where most flat area faces up, world units.

    On fitted chairs within 0.014 of their record's `seat_height`. Not a number where nothing faces up.

    Args:
        spread: heights this close count as one.
    """
    corners = mesh.vertices[mesh.faces]  # (f, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2  # (f, 3), as long as the area
    flat = normals[:, 1] > 0.8 * np.linalg.norm(normals, axis=1)
    if not flat.any():
        return float("nan")
    area, heights = normals[flat, 1], corners[flat, :, 1].mean(axis=1)
    levels = np.arange(heights.min(), heights.max() + spread, spread / 4)
    density = np.array([(area * np.exp(-0.5 * ((heights - level) / spread) ** 2)).sum() for level in levels])
    near = np.abs(heights - levels[density.argmax()]) < 2 * spread
    return float(np.average(heights[near], weights=area[near]) - mesh.vertices[:, 1].min())


MEASURES: dict[str, Callable[[Mesh], float]] = {
    "seat_height": seat_height,
    "height": lambda mesh: float(np.ptp(mesh.vertices[:, 1])),
}
"""Columns of the chairs' records that can be measured of a mesh too."""


def describe(record: dict) -> str:
    """A chair in words, as people would search for it."""
    back = "no back" if record["back"] == "none" else f"{record['back']} back"
    words = f"{record['kind']}: {record['seat']} seat, {record['legs']} legs, {back}"
    return words + (", arms" if record["arms"] else "")


def _parts(p: Chair) -> Iterator[Mesh]:
    """The closed parts whose union is the chair, feet at y = 0, seat centred on the y axis."""
    top = p.leg_length + p.seat_thickness
    half_w, half_d = p.width / 2, p.depth / 2
    corner = 0.72 if p.seat == "round" else 1.0
    x, z = half_w * corner - p.leg_radius * 1.3, half_d * corner - p.leg_radius * 1.3
    yield _seat(p)
    yield from _legs(p, x, z)
    if p.back != "none":
        yield from _back(p, top)
    if p.arms:
        yield from _arms(p, top)


def _seat(p: Chair) -> Mesh:
    exponent = {"round": 2.0, "bevelled": 5.0, "square": 9.0}[p.seat]
    outline = _superellipse(p.width / 2, p.depth / 2, exponent, 64)  # (64, 2) in x, z
    bevel = p.seat_thickness * {"round": 0.3, "bevelled": 0.48, "square": 0.12}[p.seat]
    y0, y1 = p.leg_length, p.leg_length + p.seat_thickness
    angles = np.linspace(0, np.pi / 2, 5)
    profile = [(y0 + bevel * (1 - np.sin(a)), bevel * (1 - np.cos(a))) for a in angles[::-1]]
    profile += [(y1 - bevel * (1 - np.sin(a)), bevel * (1 - np.cos(a))) for a in angles]
    rings = []
    for y, inset in profile:
        shrunk = outline * (1 - inset / np.array([p.width / 2, p.depth / 2]))
        rings.append(np.stack([shrunk[:, 0], np.full(len(shrunk), y), shrunk[:, 1]], axis=1))
    return _loft(np.array(rings))


def _legs(p: Chair, x: float, z: float) -> Iterator[Mesh]:
    r, h = p.leg_radius, p.leg_length + p.seat_thickness / 2
    lean = p.splay * h
    corners = [(sx, sz) for sx in (-1, 1) for sz in (-1, 1)]

    def bar(*path: tuple[float, float, float], radius: float = r, end: float = 1.0) -> Mesh:
        return _tube(np.array(path), radius, radius * end, p.round_legs)

    if p.legs in ("straight", "splayed"):
        taper = 0.75 if p.legs == "splayed" else 1.0
        for sx, sz in corners:
            yield bar((sx * x, h, sz * z), (sx * (x + lean), 0, sz * (z + lean)), end=taper)
        if p.stretchers:
            y = 0.35 * p.leg_length
            at = lean * (1 - y / h)
            for sx in (-1, 1):
                yield bar((sx * (x + at), y, -z - at), (sx * (x + at), y, z + at), radius=0.8 * r)
            yield bar((-x - at, y, 0), (x + at, y, 0), radius=0.8 * r)
    elif p.legs == "sled":
        for sx in (-1, 1):
            yield bar((sx * x, h, z), (sx * x, r, z), (sx * x, r, -z), (sx * x, h, -z))
    elif p.legs == "cross":
        for sx in (-1, 1):
            yield bar((sx * x, h, -z), (sx * x, 0, z))
            yield bar((sx * x, h, z), (sx * x, 0, -z))
        y = h / 2
        yield bar((-x, y, 0), (x, y, 0))
    else:  # pedestal
        yield bar((0, h, 0), (0, r, 0), radius=1.7 * r)
        feet = 5 if p.stretchers else 4
        reach = 0.95 * min(p.width, p.depth) / 2
        for foot in range(feet):
            a = 2 * np.pi * (foot + 0.5) / feet
            yield bar((0, 1.6 * r, 0), (reach * np.sin(a), r, reach * np.cos(a)))


def _back(p: Chair, top: float) -> Iterator[Mesh]:
    half_w, z = 0.46 * p.width * (0.85 if p.seat == "round" else 1.0), -0.43 * p.depth
    low, high = top - p.seat_thickness / 2, top + p.back_height
    bend = 0.16 * p.depth

    def place(points: np.ndarray) -> np.ndarray:
        """Lean a back drawn upright at z = 0, and curve it around the sitter."""
        px, py, pz = points.T
        lean = p.rake * (py - top).clip(0)
        return np.stack([px, py, pz + z - lean + bend * (px / half_w) ** 2 - bend / 2], axis=1)

    def panel(y0: float, y1: Callable[[np.ndarray], np.ndarray], thickness: float, half: float = half_w) -> Mesh:
        xs = half * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 25))
        ring = _superellipse(1.0, 1.0, 6.0, 32)  # (32, 2) in y, z
        tops = y1(xs)
        rings = []
        for px, t in zip(xs, tops, strict=True):
            py = (y0 + t) / 2 + ring[:, 0] * (t - y0) / 2
            rings.append(place(np.stack([np.full(32, px), py, ring[:, 1] * thickness / 2], axis=1)))
        return _loft(np.array(rings))

    def bar(path: list[tuple[float, float, float]], radius: float) -> Mesh:
        points = np.array(path)
        fine = np.concatenate(
            [np.linspace(a, b, 9)[:-1] for a, b in zip(points, points[1:], strict=False)] + [points[-1:]]
        )
        return _tube(place(fine), radius, radius, p.round_legs)

    thick = max(0.1, 1.4 * p.leg_radius)
    if p.back == "solid":
        yield panel(low, lambda xs: np.full_like(xs, high), thick)
    elif p.back == "rounded":
        shoulder = top + 0.45 * p.back_height
        yield panel(low, lambda xs: shoulder + (high - shoulder) * np.sqrt(1 - 0.98 * (xs / half_w) ** 2), thick)
    else:
        r = max(0.055, p.leg_radius)
        for sx in (-1, 1):
            yield bar([(sx * half_w, low, 0), (sx * half_w, high, 0)], r)
        if p.back == "slatted":
            rail = max(0.16, 0.18 * p.back_height)
            yield panel(high - rail, lambda xs: np.full_like(xs, high), 1.6 * r, half_w + 0.8 * r)
            for i in range(1, p.bars + 1):
                at = 2 * i / (p.bars + 1) - 1
                yield bar([(at * half_w, low, 0), (at * half_w, high - rail / 2, 0)], 0.9 * r)
        else:  # ladder
            rungs = max(2, p.bars - 1)
            gap = p.back_height / rungs
            for i in range(rungs):
                y1 = high - i * gap
                yield panel(y1 - 0.48 * gap, partial(np.full_like, fill_value=y1), 1.5 * r, half_w)


def _arms(p: Chair, top: float) -> Iterator[Mesh]:
    r = max(0.055, 0.9 * p.leg_radius)
    rest = top + min(0.38, 0.5 * p.back_height)
    inner = 0.46 * p.width * (0.85 if p.seat == "round" else 1.0)
    front, back = 0.3 * p.depth, -0.43 * p.depth - p.rake * (rest - top)
    foot = top - p.seat_thickness / 2
    for sx in (-1, 1):
        path = [(sx * inner, foot, front * 0.9), (sx * inner, rest, front), (sx * inner, rest, back + 0.06 * p.depth)]
        yield _tube(np.array(path), r, r, p.round_legs)


def _superellipse(a: float, b: float, exponent: float, points: int) -> np.ndarray:
    """(points, 2): |u / a|^e + |v / b|^e = 1, evenly in angle; e = 2 an ellipse, large e a rectangle."""
    t = 2 * np.pi * (np.arange(points) + 0.5) / points
    c, s = np.cos(t), np.sin(t)
    radius = (np.abs(c) ** exponent + np.abs(s) ** exponent) ** (-1 / exponent)
    return np.stack([a * radius * c, b * radius * s], axis=1)


def _tube(path: np.ndarray, start: float, end: float, round_section: bool) -> Mesh:
    """A bar along a polyline (m, 3), its radius going from start to end; joints mitred."""
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    along = steps / lengths[:, None]
    side = np.cross(along[0], [0.0, 0.0, 1.0] if abs(along[0][2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    section = _superellipse(1.0, 1.0, 2.0 if round_section else 8.0, 24)
    travelled = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    rings = []
    for i, point in enumerate(path):
        before, after = along[max(i - 1, 0)], along[min(i, len(along) - 1)]
        side = side - before * (side @ before)
        side /= np.linalg.norm(side)
        other = np.cross(before, side)
        radius = start + (end - start) * travelled[i]
        ring = point + radius * (section[:, :1] * side + section[:, 1:] * other)  # across the incoming segment
        normal = before + after
        normal /= np.linalg.norm(normal)
        slide = ((ring - point) @ normal) / (before @ normal)
        rings.append(ring - slide[:, None] * before)  # slid along it onto the mitre plane
        turn = after - before
        if np.linalg.norm(turn) > 1e-9:  # reflect the frame across the mitre plane
            axis = turn / np.linalg.norm(turn)
            side = side - 2 * axis * (side @ axis)
    return _loft(np.array(rings))


def _loft(rings: np.ndarray) -> Mesh:
    """The closed surface through rings (k, m, 3), capped by fans; turned so that its faces point outwards."""
    k, m, _ = rings.shape
    vertices = np.concatenate([rings.reshape(-1, 3), rings[:1].mean(axis=1), rings[-1:].mean(axis=1)])
    i, j = np.meshgrid(np.arange(k - 1), np.arange(m), indexing="ij")
    a, b = i * m + j, i * m + (j + 1) % m
    c, d = a + m, b + m
    ring = np.arange(m)
    last = (k - 1) * m
    faces = np.concatenate(
        [
            np.stack([a, b, d], -1).reshape(-1, 3),
            np.stack([a, d, c], -1).reshape(-1, 3),
            np.stack([(ring + 1) % m, ring, np.full(m, k * m)], -1),
            np.stack([last + ring, last + (ring + 1) % m, np.full(m, k * m + 1)], -1),
        ]
    )
    mesh = Mesh(vertices, faces)
    return mesh if mesh.volume > 0 else Mesh(vertices, faces[:, ::-1].copy())
