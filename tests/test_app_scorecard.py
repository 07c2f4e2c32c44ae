"""The page of scorecards and audits: what lies anywhere for the space that is loaded, and nothing else."""

import json

import pytest
from test_app import lay, open_page, root, said  # noqa: F401 (fixtures)

from netspace.cli.main import main

QUICK = ["--images", "40", "--resolution", "32", "--device", "cpu"]


@pytest.fixture
def measured(lay):  # noqa: F811
    """A folder with a zoo, a space, a scorecard and an audit."""
    folder = lay("images")
    both = ["--space", str(folder / "space"), "--zoo", str(folder / "zoo"), *QUICK]
    assert main(["score", *both, "--pairs", "1", "--seeds", "1", "--steps", "3", "--out", str(folder / "score")]) == 0
    assert main(["audit", *both, "--count", "1", "--sigmas", "0.1", "--out", str(folder / "audit")]) == 0
    return folder


def test_what_was_measured_is_shown(measured):
    at = open_page("scorecard", measure="psnr_ends")
    assert not at.exception and not at.warning
    words, card = said(at.markdown), json.loads((measured / "score" / "score.json").read_text())
    assert "latent path" in words and "half-way, raw weights" in words
    assert [one.value for one in at.selectbox if one.label == "Measure"] == ["psnr_ends"]
    assert card["command"] in [one.value for one in at.code]
    at = open_page("scorecard", measure="nothing")
    assert not at.exception and "There is no measure" in said(at.warning)


def test_other_and_damaged_reports_are_left_out(measured):
    path = measured / "score" / "score.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"summary": [{"split": "<b>"}]}))
    at = open_page("scorecard")
    assert not at.exception and "no score that can be shown" in said(at.warning)
    path.write_text("{")
    at = open_page("scorecard")
    assert not at.exception and "is not valid JSON" in said(at.warning)
    path.write_text(json.dumps(card | {"space": {"content": "of another"}}))
    (measured / "audit" / "audit.json").unlink()
    at = open_page("scorecard")
    assert not at.exception and not at.warning and "Nothing was measured" in said(at.info)
    assert any("netspace score --space" in one.value for one in at.code)
