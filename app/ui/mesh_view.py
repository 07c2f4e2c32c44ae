"""One still mesh for close inspection with stpyvista, which is imported only when it is needed."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import streamlit as st

NEEDED = ("pyvista", "stpyvista", "trame", "trame_vtk", "trame_vuetify", "aiohttp", "nest_asyncio2")
SECONDS = 60
"""after which the exporting process is given up; stpyvista waits for its own for ever"""


def show_mesh(vertices: np.ndarray, faces: np.ndarray, colour: str, dark: bool) -> None:
    """Draw a mesh (v, 3), (f, 3) with axes, to be turned in the browser, or say why that is not possible."""
    from app.backend.visitors import RefusedToVisitors, is_visitor  # here, as in `_escaped`

    if is_visitor():  # it starts a process, which writes a file
        raise RefusedToVisitors
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        st.info(f"The inspection view needs {', '.join(missing)}: pip install -r requirements.txt brings them.")
        return
    try:
        with st.spinner("Preparing the view …"):
            page = exported(vertices, faces, colour, dark)
        _embed(page)
    except Exception as error:  # another process, a web server and an asset of stpyvista take part: each may fail
        st.info(f"The inspection view does not work here ({_escaped(error)}). The mesh can be downloaded instead.")


def exported(vertices: np.ndarray, faces: np.ndarray, colour: str, dark: bool) -> str:
    """Return the scene as a self-contained HTML page, written by a separate process: the exporter starts an event loop.

    Raises RuntimeError with the process's last words if it wrote nothing.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "mesh.npz", vertices=vertices, faces=faces)
        words = [sys.executable, str(Path(__file__).resolve()), name, colour, "dark" if dark else "light"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
        page = folder / "page.html"
        if not page.exists():
            raise RuntimeError(done.stderr.strip().rsplit("\n", 1)[-1] or "nothing was exported")
        return page.read_text()


def _escaped(error: Exception) -> str:
    from app.backend.words import plain  # here, since the exporting process runs this file alone, without package app

    return plain(str(error))


def _embed(page: str) -> None:
    """Show an exported page; stpyvista asks its plotter for one."""
    import pyvista as pv
    from stpyvista import stpyvista

    class Ready(pv.Plotter):
        def export_html(self, filename=None) -> io.StringIO:
            return io.StringIO(page)

    plotter = Ready(off_screen=True, window_size=(700, 520))
    try:
        stpyvista(plotter, key="inspection")
    finally:
        plotter.close()


def _export(folder: Path, colour: str, dark: bool) -> None:
    sys.modules["trame_vtklocal"] = None  # it would download a renderer that is not needed
    import pyvista as pv

    mesh = np.load(folder / "mesh.npz")
    plotter = pv.Plotter(off_screen=True, window_size=(700, 520))
    surface = pv.PolyData.from_regular_faces(mesh["vertices"], mesh["faces"])
    plotter.add_mesh(surface, color=colour, smooth_shading=True, specular=0.2)
    plotter.background_color = "#10171C" if dark else "#FFFFFF"
    plotter.camera_position = [(3.2, 1.9, 4.3), (0, 0, 0), (0, 1, 0)]
    plotter.show_bounds(color="#8A9AA3", font_size=10, xtitle="x", ytitle="y", ztitle="z")
    (folder / "page.html").write_text(plotter.export_html(filename=None).read())


if __name__ == "__main__":
    _export(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "dark")
