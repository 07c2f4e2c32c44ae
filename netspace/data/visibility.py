"""What of a mesh is open to the outside, by rays."""

from __future__ import annotations

import numpy as np

from .shapes import Mesh

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
