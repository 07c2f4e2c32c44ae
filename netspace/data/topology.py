"""Edges, faces and winding of triangle meshes, whatever their state."""

from __future__ import annotations

import numpy as np

from .shapes import Mesh

WELD = 2e-5
"""Vertices this close are one, in world units; the longest side is 1.8."""


def edge_counts(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3f,) number of faces at the edges of every face, and how often an edge is run one way more than the other."""
    e = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # (3f, 2)
    low, high = e.min(axis=1), e.max(axis=1)
    _, at, count = np.unique(low * (int(faces.max()) + 1) + high, return_inverse=True, return_counts=True)
    net = np.bincount(at, np.where(e[:, 0] == low, 1, -1))
    return count[at], net[at]


def is_clean(mesh: Mesh) -> bool:
    """Whether every edge has two faces, wound the same way round."""
    count, net = edge_counts(mesh.faces)
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


def unique_faces(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def face_geometry(v: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (f, 3), unit normals (f, 3) and areas (f,)."""
    a, b, c = (v[f[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    return (a + b + c) / 3, normal / np.maximum(length, 1e-30)[:, None], length / 2


def subdivide(v: np.ndarray, f: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def winding_number(v: np.ndarray, f: np.ndarray):
    """Function of points (n, 3) -> winding numbers (n,)."""
    import igl

    if not len(f):
        return lambda points: np.zeros(len(points))
    tree = igl.FastWindingNumberBVH()
    tree.init(np.ascontiguousarray(v, np.float64), np.ascontiguousarray(f, np.int64))
    return lambda points: tree.winding_number(np.ascontiguousarray(points, np.float64))
