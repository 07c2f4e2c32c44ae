"""One still mesh for close inspection, by stpyvista: loaded only when it is asked for."""

from __future__ import annotations

import importlib.util

import streamlit as st

NEEDED = ("pyvista", "stpyvista", "trame", "trame_vtk", "trame_vuetify", "aiohttp")


def inspect(vertices, faces, colour: str, dark: bool) -> None:
    """Draw a mesh (v, 3), (f, 3) with axes, to be turned in the browser; says in words why where it cannot."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:  # stpyvista would wait for ever
        st.info(f"The inspection view needs {', '.join(missing)}: pip install -r requirements.txt brings them.")
        return
    import pyvista as pv

    plotter = pv.Plotter(off_screen=True, window_size=(700, 520))
    plotter.add_mesh(pv.PolyData.from_regular_faces(vertices, faces), color=colour, smooth_shading=True, specular=0.2)
    plotter.background_color = "#10171C" if dark else "#FFFFFF"
    plotter.camera_position = [(2.7, 1.6, 3.6), (0, 0, 0), (0, 1, 0)]
    plotter.show_bounds(color="#8A9AA3", font_size=10, xtitle="x", ytitle="y", ztitle="z")
    try:
        from stpyvista import stpyvista

        stpyvista(plotter, key="inspection")
    except Exception as error:  # stpyvista forks a process and registers assets: both fail on some systems
        st.info(f"The inspection view does not work on this system ({error}). The mesh can be downloaded instead.")
    finally:
        plotter.close()
