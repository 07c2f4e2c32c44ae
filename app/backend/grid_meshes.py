"""Meshes as the grid that they were cut from, for bundles: a sign at every point, and where the surface crosses edges.

A frame of the viewer holds positions, normals and indices of a mesh. All of them follow from the signs of the field at
the points of the grid and from the places where the surface crosses the grid's edges, since the triangles of a cell
depend on the signs of its eight corners alone. Packed like this a mesh takes about a thirteenth of the bytes;
`views/viewer/gridmesh.js` unpacks it.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from netspace.geometry.mesh import Surface, isosurface

CORNERS = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
"""(8, 3) of a cell; corner c is bit c of the cell's case"""
EDGES = [(axis, corner) for axis in range(3) for corner in range(8) if CORNERS[corner][axis] == 0]
"""of a cell, by axis and the corner at which it begins"""
PARTS = 255
"""of an edge, by which a crossing is told: at 64 cells, 0.0001 of the cube's edge"""


@functools.cache
def cell_triangles() -> tuple[tuple[int, ...], ...]:
    """Return by case of a cell, 256 of them, the edges on which the corners of its triangles lie, three by three.

    They are asked of what extracts surfaces here: each case as the middle cell of a grid of three.
    """
    found: list[tuple[int, ...]] = []
    for case in range(256):
        values = np.ones((4, 4, 4), np.float32)
        for corner, (i, j, k) in enumerate(CORNERS):
            values[1 + i, 1 + j, 1 + k] = -1 if case >> corner & 1 else 1
        if case == 0:
            found.append(())
            continue
        mesh = isosurface(values)
        triangles = ((mesh.vertices + 1) * 1.5 - 1)[mesh.faces]  # (f, 3, 3), the middle cell from 0 to 1
        own = ((triangles > -1e-3) & (triangles < 1 + 1e-3)).all(axis=(1, 2))
        found.append(tuple(_edge_at(place) for triangle in triangles[own] for place in triangle))
    return tuple(found)


def _edge_at(place: np.ndarray) -> int:
    """The edge of a cell whose middle a place is."""
    axis = int(np.argmin(np.abs(place - 0.5)))
    start = np.round(place).astype(int)
    start[axis] = 0
    return EDGES.index((axis, int(start @ (4, 2, 1))))


def pack_grid(surface: Surface) -> tuple[dict, bytes] | None:
    """Return what the viewer unpacks a surface from, entries of a frame's header and bytes; None if it cannot.

    The bytes: a bit for each point of the grid (N+1)^3, set inside, the last axis fastest, to whole bytes; then a byte
    for each crossed edge of the grid with a border around it, (N+3)^3, in PARTS of the edge: those along the first
    axis, then the others, each in the order of the points at which they begin.
    """
    n, (vertices, faces) = surface.values.shape[0] - 1, surface.mesh
    values = np.pad(surface.values.astype(np.float32), 1, constant_values=2 / n)  # as `isosurface` does
    inside = values < 0
    ids, starts, axes = _crossings(inside)
    here, ahead = values[tuple(starts.T)], values[tuple((starts + np.eye(3, dtype=int)[axes]).T)]
    along = np.round(here / (here - ahead) * PARTS).astype(np.uint8)
    unpacked = starts.astype(float)
    unpacked[np.arange(len(axes)), axes] += along / PARTS
    mine = surface.mesh._replace(vertices=(unpacked - 1) * 2 / n - 1, faces=_triangles(inside, ids))
    same_size = len(mine.vertices) == len(vertices) and len(mine.faces) == len(faces)
    if not same_size or not math.isclose(mine.volume, surface.mesh.volume, rel_tol=0.01, abs_tol=1e-4):
        return None  # of another extraction than the one that `cell_triangles` asked
    entry = {"packing": "grid", "vertices": len(vertices), "triangles": len(faces), "cells": n}
    return entry, np.packbits(surface.values < 0).tobytes() + along.tobytes()


def _crossings(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What edges of a grid are crossed: ids (3, *grid), -1 if not; by id their beginnings (v, 3) and axes (v)."""
    ids, starts, axes, count = np.full((3, *inside.shape), -1, np.int64), [], [], 0
    for axis in range(3):
        crossed = np.diff(inside, axis=axis)
        at = np.argwhere(crossed)  # (m, 3)
        ids[(axis, *at.T)] = np.arange(count, count + len(at))
        starts.append(at)
        axes.append(np.full(len(at), axis))
        count += len(at)
    return ids, np.concatenate(starts), np.concatenate(axes)


def _triangles(inside: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The triangles (f, 3) of a grid of signs, by ids of crossed edges."""
    side = inside.shape[0] - 1
    cases = np.zeros((side, side, side), np.int64)
    for corner, (i, j, k) in enumerate(CORNERS):
        cases |= inside[i : i + side, j : j + side, k : k + side].astype(np.int64) << corner
    cells = np.argwhere((cases > 0) & (cases < 255))  # (m, 3)
    mine = cases[tuple(cells.T)]
    found = [np.empty((0, 3), np.int64)]
    for case in np.unique(mine):
        at, edges = cells[mine == case], [EDGES[edge] for edge in cell_triangles()[case]]
        corners = [ids[(axis, *(at + CORNERS[start]).T)] for axis, start in edges]  # each (cells,)
        found.append(np.stack(corners, axis=1).reshape(-1, 3))
    return np.concatenate(found)
