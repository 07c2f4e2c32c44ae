"""Pictures without a display: thumbnails of a zoo and film strips of a path by VTK, figures of a path by matplotlib."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from ..data.shapes import Mesh
from ..errors import NoSurface
from ..geometry.mesh import surface_of, vertex_normals
from ..io import replacing
from ..zoo.store import Zoo

TEAL, ORANGE, SLATE = "#0F9D8A", "#E8743B", "#64748B"
COLOURS = {"latent": TEAL, "weights": ORANGE}
"""Methods have the same colour everywhere; the target or the ground truth is slate."""

AZIMUTH, ELEVATION, DISTANCE, VIEW_ANGLE = 0.62, 0.36, 4.9, 31.0
"""Much as the app's viewer starts: radians, world units, degrees."""


def _window():
    """An off-screen render window. VTK tries X, EGL and OSMesa in turn: that there is no display needs no warning."""
    with contextlib.suppress(ImportError):
        import triton  # noqa: F401  (torch loads it late; after a software renderer's LLVM it would crash the process)
    from vtkmodules.vtkCommonCore import vtkLogger
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        return vtkRenderWindow()
    finally:
        vtkLogger.SetStderrVerbosity(before)


class Studio:
    """Renders one mesh after the other from the same camera."""

    def __init__(self, size: int) -> None:
        """Pictures of size x size pixels."""
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the renderer)
        from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkPolyDataMapper, vtkRenderer

        self.mapper, self.actor = vtkPolyDataMapper(), vtkActor()
        self.actor.SetMapper(self.mapper)
        self.renderer = vtkRenderer()
        self.renderer.AddActor(self.actor)
        self.renderer.SetBackgroundAlpha(0.0)
        self.renderer.AutomaticLightCreationOff()
        for place, strength in (((0.0, 0.0, 1.0), 0.45), ((0.45, 0.75, 0.55), 0.6)):
            light = vtkLight()
            light.SetLightTypeToCameraLight()
            light.SetPosition(*place)
            light.SetIntensity(strength)
            self.renderer.AddLight(light)
        camera = self.renderer.GetActiveCamera()
        flat = math.cos(ELEVATION) * DISTANCE
        camera.SetPosition(math.sin(AZIMUTH) * flat, math.sin(ELEVATION) * DISTANCE, math.cos(AZIMUTH) * flat)
        camera.SetFocalPoint(0, 0, 0)
        camera.SetViewUp(0, 1, 0)
        camera.SetViewAngle(VIEW_ANGLE)
        camera.SetClippingRange(0.5, 20)
        self.window = _window()
        self.window.SetOffScreenRendering(1)
        self.window.SetAlphaBitPlanes(1)
        self.window.SetMultiSamples(8)
        self.window.SetSize(size, size)
        self.window.AddRenderer(self.renderer)

    def picture(self, mesh: Mesh, colour: str) -> np.ndarray:
        """(size, size, 4) uint8, transparent around the mesh."""
        from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

        points, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
        points.SetData(numpy_to_vtk(mesh.vertices.astype(np.float32), deep=True))
        offsets = np.arange(0, 3 * len(mesh.faces) + 1, 3, dtype=np.int64)
        cells.SetData(
            numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(mesh.faces.ravel(), deep=True)
        )
        data.SetPoints(points)
        data.SetPolys(cells)
        data.GetPointData().SetNormals(numpy_to_vtk(vertex_normals(mesh).astype(np.float32), deep=True))
        self.mapper.SetInputData(data)
        look = self.actor.GetProperty()
        look.SetColor(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
        look.SetAmbient(0.3)
        look.SetDiffuse(0.85)
        look.SetSpecular(0.12)
        look.SetSpecularPower(30)
        self.window.Render()
        grab = vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.SetInputBufferTypeToRGBA()
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 4)[::-1].copy()


def film_strip(meshes: Sequence[Mesh | None], colour: str, size: int = 240) -> np.ndarray:
    """A path in one row (size, steps * size, 4): white behind, an empty frame where there is no surface."""
    studio = Studio(size)
    tiles = []
    for mesh in meshes:
        tile = np.full((size, size, 4), 255, np.uint8)
        if mesh is not None:
            picture = studio.picture(mesh, colour).astype(np.float32)
            alpha = picture[..., 3:] / 255
            tile[..., :3] = (picture[..., :3] * alpha + 255 * (1 - alpha)).round()
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def write_thumbnails(zoo: Zoo, size: int = 96, columns: int = 16, resolution: int = 64) -> Iterable[int]:
    """Draw every network's own surface into one atlas, thumbnails.webp, in the zoo's folder; yields the ids done."""
    from PIL import Image

    rows = math.ceil(len(zoo) / columns)
    atlas = Image.new("RGBA", (columns * size, rows * size))
    studio = Studio(2 * size)
    for i in range(len(zoo)):
        try:
            picture = studio.picture(surface_of(zoo[i], resolution, preview=True).mesh, SLATE)
            tile = Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS)
            atlas.paste(tile, ((i % columns) * size, (i // columns) * size))
        except NoSurface:
            pass  # its place in the atlas stays empty
        yield i
    with replacing(zoo.folder / "thumbnails.webp") as path:
        atlas.save(path, format="webp", quality=80, alpha_quality=90, method=6)
    with replacing(zoo.folder / "thumbnails.json") as path:
        path.write_text(json.dumps({"size": size, "columns": columns, "rows": rows}) + "\n")


STROKES = {"latent": "-", "weights": "--"}
"""Colour is never the only carrier."""


def accuracy_figure(
    to: Path | IO[bytes],
    gammas: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    ends: Mapping[str, float],
    chance: float,
    about: str,
    kind: str = "png",
) -> None:
    """Write a figure as Fig. 3b: accuracy over gamma, one curve a method, with the original networks and chance.

    Args:
        curves: method -> accuracies at the gammas; nan where one is not known.
        titles: method -> what the legend calls it.
        ends: name of the original networks at gamma 0 and at gamma 1 -> its accuracy.
        about: on which images it was measured; stands below the figure.
        kind: png or pdf.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for gamma, (name, accuracy) in zip((0.0, 1.0), ends.items(), strict=True):
        axes.plot(gamma, accuracy, "o", mfc="none", color=SLATE, ms=8, clip_on=False, zorder=4)
        axes.annotate(
            f"{name}  {accuracy:.3f}".replace("$", r"\$"), (gamma, accuracy), xytext=(10 if gamma == 0 else -10, 7),
            textcoords="offset points", ha="left" if gamma == 0 else "right", color=SLATE, fontsize=9,
        )  # fmt: skip
    for method, accuracies in curves.items():
        axes.plot(
            gammas, accuracies, STROKES[method], color=COLOURS[method], marker=".", ms=4, lw=1.8, label=titles[method]
        )
    axes.axhline(chance, color=SLATE, lw=0.8, ls=":", label=f"chance, {chance:.3g}")
    axes.set(xlabel="gamma", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="best")
    figure.supxlabel(about, fontsize=8, color=SLATE)
    figure.savefig(to, format=kind, dpi=200, metadata={"CreationDate": None} if kind == "pdf" else None)
