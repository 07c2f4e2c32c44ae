"""The types of library and app agree; here, so that it is checked beside other tests rather than before all of them."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_the_types_agree():
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
