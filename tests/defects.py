"""Defects of real mesh files, put into closed meshes: what a chair is stays what it was."""

import numpy as np

from netspace.data.shapes import Mesh, chair, chair_params, normalise_mesh


def _rng(mesh: Mesh) -> np.random.Generator:
    return np.random.default_rng(len(mesh.faces))


def _joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = [m.faces + start for m, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))


def turned(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces[:, ::-1].copy())


def doubled(mesh: Mesh) -> Mesh:
    """Every face with its reverse, as SketchUp and ShapeNet have it."""
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:, ::-1]]))


def doubled_in_part(mesh: Mesh) -> Mesh:
    some = _rng(mesh).random(len(mesh.faces)) < 0.4
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[some][:, ::-1]]))


def twice(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces]))


def mixed(mesh: Mesh) -> Mesh:
    """A third of the faces wound the other way."""
    some = _rng(mesh).random(len(mesh.faces)) < 0.33
    return Mesh(mesh.vertices, np.where(some[:, None], mesh.faces[:, ::-1], mesh.faces))


def unwelded(mesh: Mesh, noise: float = 1e-6) -> Mesh:
    """No face shares a vertex, and none lies quite where it did."""
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    corners = corners + noise * _rng(mesh).uniform(-1, 1, corners.shape)
    return Mesh(corners, np.arange(len(corners)).reshape(-1, 3))


def unwelded_and_mixed(mesh: Mesh) -> Mesh:
    return mixed(unwelded(mesh))


def pierced(mesh: Mesh) -> Mesh:
    """One face in fifty is missing."""
    return Mesh(mesh.vertices, mesh.faces[_rng(mesh).random(len(mesh.faces)) > 0.02])


def pierced_and_mixed(mesh: Mesh) -> Mesh:
    return mixed(pierced(mesh))


def without_feet(mesh: Mesh) -> Mesh:
    """Open below: an open, concave shell."""
    heights = mesh.vertices[mesh.faces][:, :, 1].max(axis=1)
    return Mesh(mesh.vertices, mesh.faces[heights > mesh.vertices[:, 1].min() + 0.005])


def without_feet_turned(mesh: Mesh) -> Mesh:
    return turned(without_feet(mesh))


def copied(mesh: Mesh) -> Mesh:
    """A copy beside it by next to nothing, the other way round."""
    return _joined(mesh, turned(Mesh(mesh.vertices + np.array([1e-4, -1e-4, 5e-5]), mesh.faces)))


def cut(mesh: Mesh) -> Mesh:
    """Two closed halves that share a face, welded: at its edge three faces meet, or four."""
    import manifold3d

    solid = manifold3d.Manifold(manifold3d.Mesh(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32)))
    halves = [half.to_mesh() for half in solid.split_by_plane((1.0, 0.3, 0.2), 0.05)]
    whole = _joined(*(Mesh(np.asarray(h.vert_properties, float)[:, :3], np.asarray(h.tri_verts, int)) for h in halves))
    at = np.unique(np.round(whole.vertices, 6), axis=0, return_inverse=True)[1].ravel()
    vertices = np.zeros((at.max() + 1, 3))
    vertices[at] = whole.vertices
    return Mesh(vertices, at[whole.faces])


def cut_and_mixed(mesh: Mesh) -> Mesh:
    return mixed(cut(mesh))


def with_a_speck_inside(mesh: Mesh) -> Mesh:
    """An open patch in the seat's inside, which bounds nothing."""
    import igl

    points = np.random.default_rng(0).uniform(-0.9, 0.9, (4000, 3))
    depth = igl.signed_distance(points, mesh.vertices, mesh.faces)[0]
    middle = points[depth.argmin()]
    corners = middle + 0.02 * np.eye(3)
    return _joined(mesh, Mesh(corners, np.array([[0, 1, 2]])))


DEFECTS = {
    f.__name__: f
    for f in (
        turned, doubled, doubled_in_part, twice, mixed, unwelded, unwelded_and_mixed, pierced, pierced_and_mixed,
        without_feet, without_feet_turned, copied, cut, cut_and_mixed, with_a_speck_inside,
    )
}  # fmt: skip
"""name -> the mesh with the defect"""


def parts(seed: int) -> Mesh:
    """A chair as overlapping closed parts, every third of them inside out; the union is the chair."""
    from netspace.data.shapes import _parts

    whole = [part if k % 3 else turned(part) for k, part in enumerate(_parts(chair_params(seed)))]
    used = _joined(*whole)
    mesh, _ = normalise_mesh(used)
    return mesh


def truth(seed: int, count: int = 4000) -> tuple[Mesh, np.ndarray, np.ndarray]:
    """A chair, points in its box, and which are inside: by the exact winding number of the closed mesh."""
    import igl

    mesh, _ = chair(chair_params(seed))
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    points = np.random.default_rng(seed).uniform(low, high, (count, 3))
    return mesh, points, igl.fast_winding_number(mesh.vertices, mesh.faces, points) > 0.5
