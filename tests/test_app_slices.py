"""Slices of the fields of a path: what the viewer is sent, and in which order it is computed."""

import threading

import numpy as np
import pytest
from test_app import folders, lay, loaded, root, unpack_feed, work  # noqa: F401 (fixtures)

from app.backend import chairs
from app.backend.chairs import SLICE_QUANTUM
from app.backend.path import has_result
from app.ui import links
from netspace.geometry.slices import FieldSlice, SlicePlane, slice_of

PLANE = SlicePlane("y", 0.25)


def test_a_step_is_sent_with_its_field_and_its_error(work):  # noqa: F811
    packets = dict(work.slices_of(16, *PLANE, "shapes"))
    assert list(packets) == ["slice-latent", "slice-weights"]
    header, body = unpack_feed(packets["slice-weights"])
    (entry,), found = header["slices"], slice_of(work.network("weights", 16), PLANE)
    assert (entry["side"], entry["index"], entry["axis"], entry["at"]) == ("weights", 16, "y", 0.25)
    assert entry["inside"] == found.inside and entry["error"] == pytest.approx(found.mean_error)
    values = np.frombuffer(body, np.int16).reshape(97, 97, 2) / SLICE_QUANTUM
    assert np.abs(values - np.stack([found.values, found.error], axis=-1)).max() < 1 / SLICE_QUANTUM
    assert unpack_feed(packets["slice-latent"])[0]["version"] == header["version"] == "y 0.25 16"


def test_what_is_not_ready_is_not_waited_for_and_another_plane_holds_it_back(work):  # noqa: F811
    gate = threading.Event()
    for _ in work.engine.workers:
        work.engine.submit((-1e9,), gate.wait)
    assert all(packet is None for _, packet in work.slices(*PLANE, "shapes")) and not work.all_sliced(*PLANE)
    waiting = [piece for piece in work.planes[PLANE].values() if not piece.running() and not has_result(piece)]
    other = SlicePlane("x", 0.0)
    list(work.slices(*other, "shapes"))
    assert len(waiting) > 50 and all(piece.held for piece in waiting)
    assert not any(piece.held for piece in work.planes[other].values())
    gate.set()
    assert dict(work.slices_of(3, *PLANE, "shapes")), "what was held back is computed once it is asked for"
    work.pause()
    assert all(piece.held for piece in work.planes[other].values())


def test_few_planes_are_kept(work):  # noqa: F811
    for at in (0.0, 0.1, 0.2, 0.3):
        work._begin_slices(SlicePlane("z", at), [], -1)
    assert list(work.planes) == [SlicePlane("z", at) for at in (0.1, 0.2, 0.3)]


def test_what_has_no_error_or_no_value_is_said():
    values = np.full((9, 9), 0.5, np.float32)
    occupancy = chairs.pack_slice("latent", 0, PLANE, FieldSlice(values, None))
    assert occupancy.entry["error"] is None and occupancy.entry["inside"] == 0 and occupancy.entry["bytes"] == 324
    values[0, 0] = np.nan
    lost = chairs.pack_slice("latent", 0, PLANE, FieldSlice(values, values))
    assert lost.body == b"" and lost.entry["inside"] is lost.entry["error"] is None and lost.entry["bytes"] == 0
    far = chairs.pack_slice("latent", 0, PLANE, FieldSlice(np.full((9, 9), -99, np.float32), None))
    assert np.frombuffer(far.body, np.int16)[0] == -(2**15 - 1), "clipped, not wrapped around"


def test_a_slice_of_a_link_is_read_as_it_is_written():
    value = {"axis": "z", "at": -0.35, "shown": "eikonal"}
    assert links.field_slice(links.write_slice(value)) == value
    assert links.field_slice("") is None and str(links.field_slice("x -0 field")["at"]) == "0.0"
    for text in ("w 0 field", "x 2 field", "x nan field", "x 0 mesh", "x 0"):
        with pytest.raises(ValueError, match="is not like"):
            links.field_slice(text)
