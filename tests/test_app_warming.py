"""What the server does before anybody has opened the app."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import streamlit
from test_app import ROOT, lay, root  # noqa: F401 (fixtures)

from app import warming
from app.backend import chairs
from app.backend.engine import Engine


def test_the_server_makes_the_first_picture_before_anybody_asks(lay, monkeypatch):  # noqa: F811
    lay("tiny")
    made = []
    monkeypatch.setattr(chairs.PathWork, "part", lambda self, part, name, view: made.append((self.sides, part[0])))
    warming.make_first_picture()
    assert [step for _, step in made] == [("latent", 0), ("latent", 16)], "Home begins at A, Shapes half-way"
    assert made[0][0] == ("latent",) and len(made[1][0]) > 1


def test_a_server_without_networks_starts_all_the_same(monkeypatch):
    def fail() -> None:
        raise StopIteration

    monkeypatch.setattr(warming, "make_first_picture", fail)
    warming._warm_up()


def test_a_browser_is_opened_where_there_is_one(monkeypatch):
    options = {"server.headless": False, "server.address": "0.0.0.0", "server.port": 8502, "server.baseUrlPath": "/a/"}
    opened = []
    monkeypatch.setattr(streamlit.config, "get_option", options.__getitem__)
    monkeypatch.setattr(warming.webbrowser, "open", opened.append)
    warming.open_browser()
    options |= {"server.address": "127.0.0.1", "server.baseUrlPath": ""}
    warming.open_browser()
    options["server.headless"] = True
    warming.open_browser()
    assert opened == ["http://localhost:8502/a", "http://127.0.0.1:8502"]


def test_works_that_nobody_asks_for_are_forgotten_but_the_last_two(monkeypatch):
    now, paused = [0.0], []
    monkeypatch.setattr("app.backend.engine.time", SimpleNamespace(monotonic=lambda: now[0]))
    engine = Engine(0)
    for k in range(5):
        now[0] = float(k)
        engine.work((k,), lambda engine, k=k: SimpleNamespace(pause=lambda: paused.append(k)))
    now[0] = 5.0
    engine.work((0,), None)  # asked for again: the oldest is the second now
    engine.forget(3.0)
    assert list(engine.works) == [(3,), (4,), (0,)] and paused == [1, 2]
    engine.forget(0.0)
    assert list(engine.works) == [(4,), (0,)] and set(engine.asked) == set(engine.works)
    now[0] = 1e6
    engine.forget(60.0)
    assert len(engine.works) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator alone can be told")
def test_large_blocks_go_back_to_the_system():
    """In a process of its own: a block above the bound is mapped, also after others of its size were freed."""
    script = (
        "import ctypes; from app.backend.allocator import LARGE_BLOCK, settle_allocator; settle_allocator()\n"
        "libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p; libc.malloc.argtypes = [ctypes.c_size_t]\n"
        "libc.free.argtypes = [ctypes.c_void_p]\n"
        "for _ in range(3): libc.free(libc.malloc(2 * LARGE_BLOCK))\n"
        "heap = next(l for l in open('/proc/self/maps') if '[heap]' in l).split()[0].split('-')\n"
        "place = libc.malloc(LARGE_BLOCK + 1)\n"
        "print(int(heap[0], 16) <= place < int(heap[1], 16) + LARGE_BLOCK)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"
