"""The benchmarks that drive the app's own parts still fit them; what they measure is not for tests."""

import logging

import pytest

from benchmarks.__main__ import BENCHMARKS


@pytest.mark.parametrize("name", ["path", "curve"])
def test_a_benchmark_of_the_app_runs(name, monkeypatch):
    monkeypatch.setattr(logging, "disable", lambda level: None)
    found = BENCHMARKS[name](pairs=1)
    assert found["pairs"] == 1 and all(value > 0 for value in found.values())
