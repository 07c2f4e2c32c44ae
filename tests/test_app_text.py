"""Text from links, files and names is shown as text: no Markdown, no HTML, nothing fetched from another host."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from browsing import until
from playwright.sync_api import expect
from test_app import lay, open_page, root  # noqa: F401 (fixtures)
from test_app_jobs import lay as lay_job
from test_app_jobs import open_jobs

from app.backend import catalogue, jobs
from app.backend.words import JOINER, code, plain
from netspace.io import METRICS_FILE
from netspace.jobs import records
from netspace.zoo.store import Zoo, write_zoo

ROOT = Path(__file__).resolve().parent.parent
THERE = "http://127.0.0.1:9"  # nobody answers
FOREIGN = (
    f'![x]({THERE}/x.png) <img src="{THERE}/y.png"> **b** _i_ ~~s~~ [l]({THERE}/l) `c` :smile: :material/home: '
    f":red[r] $x$ {THERE}/z www.example.org a@example.org | #1 &amp;"
)

RENDERED = """() => [...document.querySelectorAll("strong, em, del, code, a, .katex, span")]
  .map((one) => one.textContent.trim()).filter((text) => ["b", "i", "s", "l", "c", "r", "x"].includes(text))"""
"""what would stand by itself if marks of FOREIGN were read"""


def said(elements) -> str:
    """The Markdown itself, with its escapes."""
    return " ".join(element.value for element in elements)


def shown(words: str) -> str:
    """What a reader sees of escaped Markdown."""
    out, k = [], 0
    while k < len(words):
        k += words[k] == "\\"
        out.append(words[k])
        k += 1
    return "".join(out).replace(JOINER, "")


def test_words_are_escaped_and_nothing_else_about_them_changes():
    for words in (FOREIGN, "- a", "1. b", "1) c", "# d", "> e", "+ f", "= g", "plain words, 3.5 and x-1", ""):
        assert shown(plain(words)) == words
        assert not plain(words)[:2].strip() or plain(words)[:2] not in ("- ", "1.", "# ", "> ", "+ ", "= ")
    assert plain("a network, 0.5") == "a network, 0.5"
    assert plain("two\n\nlines") == "two lines"
    assert code("a`b\nc") == "`a'b c`"


def test_a_link_is_answered_in_text(lay):  # noqa: F811
    lay("tiny")
    for page, link in (
        ("shapes", {"gamma": FOREIGN}), ("shapes", {"a": FOREIGN}), ("shapes", {"camera": FOREIGN}),
        ("shapes", {"slice": FOREIGN}),
        ("zoo_map", {"place": FOREIGN}), ("zoo_map", {"with": FOREIGN}), ("optimise", {"run": FOREIGN}),
        ("networks", {"layer": FOREIGN}), ("home", {"space": FOREIGN}), ("jobs", {"run": FOREIGN}),
    ):  # fmt: skip
        at = open_page(page, **link)
        (words,) = [element.value for element in at.warning if "127.0.0.1" in element.value]
        assert plain(FOREIGN) in words and not at.exception


def test_a_jobs_records_are_text(root):  # noqa: F811
    folder = lay_job(root / "a_b", end=ValueError("it failed"))
    status, about = (json.loads((folder / name).read_text()) for name in (records.STATUS, records.JOB))
    (folder / records.STATUS).write_text(json.dumps(status | {"message": FOREIGN}))
    (folder / records.JOB).write_text(json.dumps(about | {"kind": f"`{FOREIGN}", "command": FOREIGN}))
    line = {"step": 9, "terms": {f"<b>{FOREIGN}": 1.0}, "measures": {FOREIGN: 0.5, "text": FOREIGN}}
    (folder / METRICS_FILE).write_text(json.dumps(line) + "\n" + json.dumps(line | {"terms": FOREIGN}) + "\n")
    at = open_jobs()
    assert not at.exception and plain(FOREIGN) in said(at.error) and plain(FOREIGN) in said(at.caption)
    assert any(code(f"`{FOREIGN}") == element.value for element in at.markdown)
    assert f"**{plain(jobs._title(FOREIGN))}**" in said(at.markdown)
    assert next(b.label for b in at.main.button if "a" in b.label) == f"**{plain(str(folder))}**"
    (run,) = jobs.list_runs()
    assert "<" not in "".join(trace.name for chart in jobs.charts(run).values() for trace in chart.data)


@pytest.mark.parametrize(
    "record",
    [
        {"state": "![x](y)"}, {"done": -5, "total": 4}, {"seconds_left": float("nan"), "state": "running"},
        {"seconds_left": 1e300, "state": "running"}, {"total": True}, {"message": None},
    ],
)  # fmt: skip
def test_a_status_that_makes_no_sense_breaks_no_page(root, record):  # noqa: F811
    folder = lay_job(root / "a", end=ValueError("it failed"))
    status = json.loads((folder / records.STATUS).read_text())
    (folder / records.STATUS).write_text(json.dumps(status | record))
    assert not open_jobs().exception


def test_figures_of_eval_that_are_none_break_no_page(lay):  # noqa: F811
    folder = lay("tiny")
    for figures in ({"count": FOREIGN}, {"count": 3, "iou_median": FOREIGN}, FOREIGN, [], None):
        (folder / "space" / "eval.json").write_text(json.dumps({"zoo": "../zoo", "train": figures}))
        at = open_page("home")
        assert not at.exception and THERE not in said(at.markdown)


def named(folder: Path, zoo: Zoo) -> Path:
    """A copy of a zoo whose names and splits are foreign text."""
    table = zoo.records.copy()
    table.loc[0, "name"] = FOREIGN
    table.loc[table.index[-1], "split"] = FOREIGN
    write_zoo(folder, zoo.family, table, zoo.weights, {})
    return folder


def test_the_name_of_a_network_is_text(lay, tiny_cnn_zoo):  # noqa: F811
    folder = lay("cnn")
    named(folder / "zoo", tiny_cnn_zoo)
    found = {f.kind: f for f in catalogue.find()}
    assert catalogue.load(found["space"], found["zoo"]).names[0] == FOREIGN
    at = open_page("zoo_map", network=FOREIGN)
    assert not at.exception and f"##### {plain(FOREIGN)} :gray-badge" in said(at.markdown)


def test_the_app_answers_this_machine_alone_wherever_it_is_started(tmp_path):
    asked = (
        "import sys, streamlit.config as c; c._main_script_path = sys.argv[1]; "
        "c.get_config_options(force_reparse=True); print(c.get_option('server.address'))"
    )
    words = [sys.executable, "-c", asked, str(ROOT / "app" / "Home.py")]
    for folder in (ROOT, tmp_path):
        assert subprocess.run(words, cwd=folder, capture_output=True, text=True).stdout.strip() == "localhost"


@pytest.mark.browser
def test_a_browser_asks_no_other_host_for_what_a_file_or_a_link_says(page, address, tiny_cnn_zoo):
    """The fixture `page` fails where anything is asked of another host."""
    if sys.platform == "linux":  # where all of 127.0.0.0/8 is this machine
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", urlsplit(address).port), timeout=2).close()
    home = tiny_cnn_zoo.folder.parent / "foreign"
    try:
        named(home / "zoo", tiny_cnn_zoo)
        job = lay_job(home / "job", end=ValueError(FOREIGN))
        main = page.get_by_test_id("stMain")
        link = quote(FOREIGN, safe="")
        page.goto(f"/jobs?run={quote(str(job.resolve()), safe='')}")
        expect(main.get_by_test_id("stAlert")).to_contain_text("**b**")
        told = main.get_by_test_id("stAlert").inner_text().replace(JOINER, "")
        assert told == " ".join(FOREIGN.split())
        page.goto(f"/jobs?run={link}")
        expect(main.get_by_test_id("stAlert").first).to_contain_text("~~s~~")
        assert FOREIGN in main.get_by_test_id("stAlert").first.inner_text().replace(JOINER, "")
        for where in ("classifiers?", f"zoo_map?network={link}&", "networks?", "optimise?"):
            page.goto(f"/{where}zoo=foreign%2Fzoo&a={link}&b={link}")
            expect(main).to_contain_text("**b**")
            until(lambda: page.locator("[data-stale=true]").count() == 0)
            assert page.evaluate(RENDERED) == []
        assert page.locator("img[src*='127.0.0.1:9'], a[href*='127.0.0.1:9']").count() == 0
    finally:
        shutil.rmtree(home, ignore_errors=True)
