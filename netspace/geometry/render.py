"""Pictures of meshes without a display, by VTK."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable

import numpy as np

from ..data.shapes import Mesh
from .mesh import vertex_normals

AZIMUTH, ELEVATION, DISTANCE, VIEW_ANGLE = 0.62, 0.36, 4.9, 31.0
"""Much as the app's viewer starts: radians, world units, degrees."""
WIDE_ANGLE = 39.0
"""degrees, so that no side of a shape that turns is cut off"""


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

    def __init__(self, size: int, view_angle: float = VIEW_ANGLE) -> None:
        """Pictures of size x size pixels, which show so many degrees."""
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
        camera.SetViewAngle(view_angle)
        camera.SetClippingRange(0.5, 20)
        self.window = _window()
        self.window.SetOffScreenRendering(1)
        self.window.SetAlphaBitPlanes(1)
        self.window.SetMultiSamples(8)
        self.window.SetSize(size, size)
        self.window.AddRenderer(self.renderer)

    def picture(self, mesh: Mesh, colour: str) -> np.ndarray:
        """(size, size, 4) uint8, transparent around the mesh."""
        self._show(mesh, colour)
        return self._shot(0)

    def pictures(self, mesh: Mesh, colour: str, turns: Iterable[float]) -> list[np.ndarray]:
        """As `picture`, of the mesh turned so many degrees about the y axis: one per turn."""
        self._show(mesh, colour)
        return [self._shot(turn) for turn in turns]

    def _show(self, mesh: Mesh, colour: str) -> None:
        from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

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

    def _shot(self, turn: float) -> np.ndarray:
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

        self.actor.SetOrientation(0, turn, 0)
        self.window.Render()
        grab = vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.SetInputBufferTypeToRGBA()
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 4)[::-1].copy()
