"""What must not change unnoticed: results, the command line, links, and files that were written once.

What is compared with lies in tests/golden/; `python -m tests.golden.make` makes it anew where a change is meant.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit
from golden import make
from streamlit.testing.v1 import AppTest

from app.backend import catalogue, chairs, classifiers, embeddings, manifold

GOLDEN = Path(__file__).resolve().parent / "golden"
HOME = GOLDEN.parent.parent / "app" / "session.py"
NUMBERS, OPTIONS, FILES, LINKS = (
    json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("numbers", "options", "files", "links")
)


def check_same(found, expected, share: float, where: str = "") -> None:
    """Fail, saying where, unless all is the same; numbers may differ by a share of the largest of their group."""
    if isinstance(expected, dict):
        assert set(found) == set(expected), f"{where} has {sorted(found)}, it had {sorted(expected)}"
        scale = max(abs(expected["least"]), abs(expected["most"])) if "least" in expected else None
        for name, value in expected.items():
            inside = f"{where}, {name}" if where else name
            if scale is not None:
                assert abs(found[name] - value) <= share * scale, f"{inside} is {found[name]}, it was {value}"
            else:
                check_same(found[name], value, share, inside)
    elif isinstance(expected, list):
        assert len(found) == len(expected), f"{where} has {len(found)} parts, it had {len(expected)}"
        for k, (one, value) in enumerate(zip(found, expected, strict=True)):
            check_same(one, value, share, f"{where} {k}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=share), f"{where} is {found}, it was {expected}"
    else:
        assert found == expected, f"{where} is {found!r}, it was {expected!r}"


NOBODYS = "of-no-page"
"""a parameter that no page has"""


def as_json(found):
    return json.loads(json.dumps(found))


# -- results -------------------------------------------------------------------------------------------------------


def test_every_space_that_ships_is_held():
    shipped = {p.parent.relative_to(make.ASSETS).as_posix() for p in make.ASSETS.glob("*/*/config.json")}
    assert shipped == {name.partition(",")[0] for name in NUMBERS if name != "mesh"}


@pytest.mark.parametrize("name", make.SPACES)
def test_a_space_that_ships_computes_the_same(name):
    check_same(as_json(make.numbers_of(name)), NUMBERS[name], share=1e-4, where=name)


def test_a_decoded_chair_has_the_same_mesh():
    check_same(make.mesh_numbers(), NUMBERS["mesh"], share=2e-3, where="mesh of chair-0000")


# -- the command line ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commands():
    return as_json(make.options())


def test_no_command_is_gone(commands):
    gone = sorted(set(OPTIONS["commands"]) - set(commands))
    assert not gone, f"there is no command {gone[0]!r} any more"


@pytest.mark.parametrize("command", OPTIONS["commands"])
def test_the_options_of_a_command_are_kept(commands, command):
    found = commands.get(command, {})
    for option, before in OPTIONS["commands"][command].items():
        assert option in found, f"`{command}` has no option {option} any more"
        now = found[option]
        lost = sorted(set(before.get("choices", [])) - set(now.get("choices", before.get("choices", []))))
        assert not lost, f"`{command}` takes no {option} {lost[0]} any more"
        for what in ("default", "nargs", "required", "type", "repeated"):
            assert now.get(what) == before.get(what), (
                f"`{command}` has {option} with {what} {now.get(what)!r}, it was {before.get(what)!r}"
            )
    new = sorted(o for o, about in found.items() if about.get("required") and o not in OPTIONS["commands"][command])
    assert not new, f"`{command}` cannot be called as before: {new[0]} is required"


def test_recipes_give_the_same_defaults():
    found = as_json(make.recipe_defaults())
    for recipe, before in OPTIONS["recipes"].items():
        assert recipe in found, f"there is no recipe {recipe!r} any more"
        check_same(found[recipe], before, share=0, where=f"recipe {recipe}")


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", make.OPENED)
def test_files_that_were_written_once_open(name):
    check_same(as_json(make.OPENED[name](make.FILES)), FILES[name], share=1e-4, where=name)


@pytest.mark.parametrize("name", make.RESUMED)
def test_what_was_stopped_goes_on_to_the_same_end(tmp_path, name):
    shutil.copytree(make.FILES, tmp_path / "work")
    found = as_json(make.RESUMED[name](tmp_path / "work"))
    expected = FILES[f"{name}, resumed"]
    assert set(found) == set(expected)
    for part, value in expected.items():  # other machines round steps otherwise, and put some points outside a shape
        check_same(found[part], value, share=0.15 if part in ("terms", "measures") else 0.02, where=f"{name}, {part}")


def test_the_words_of_a_job_are_a_command_still():
    for folder in sorted(make.FILES.glob("*/job.json")):
        words = json.loads(folder.read_text())["argv"]
        assert make.checked_words(words, Path("out"))


# -- links ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Path:
    """The golden files as if they had been made here, their zoo once more as a guest, and two that ship."""
    root = tmp_path_factory.mktemp("laid")
    shutil.copytree(make.FILES, root / "work")
    for job in (root / "work").glob("*/job.json"):
        job.write_text(job.read_text().replace(make.ELSEWHERE, root.as_posix()))
    shutil.copytree(make.FILES / "zoo", root / "guests" / "zoo")
    for kind in ("digits", "digits-images"):
        for name in ("zoo", "space"):
            shutil.copytree(make.ASSETS / kind / name, root / kind / name)
    return root


@pytest.fixture(scope="module")
def app(laid) -> Iterator[dict[str, str]]:
    """Address of every page -> its file; nothing is found but what was laid, and pages wait for what they show."""
    found, navigation = {}, streamlit.navigation

    def noted(pages, **given):
        found.update({page.url_path: str(page._page) for page in pages})
        return navigation(pages, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "roots", lambda: [laid])
        for module in (embeddings, manifold):
            patch.setattr(module, "PATIENCE", 240.0)
        for module in (chairs,):
            patch.setattr(module, "PREVIEW", 32)
            patch.setattr(module, "AT_REST", 64)
        patch.setattr(classifiers, "SUBSET", 16)
        patch.setattr(streamlit, "navigation", noted)
        AppTest.from_file(str(HOME), default_timeout=240).run()
        yield found


def test_every_page_has_a_link_that_is_held(app):
    assert sorted(app) == sorted(LINKS)


def opened(pages: dict[str, str], page: str, link: dict[str, str]) -> AppTest:
    at = AppTest.from_file(str(HOME), default_timeout=240)
    if page:
        at.switch_page(pages[page])
    for key, value in link.items():
        at.query_params[key] = value
    return at.run()


@pytest.mark.parametrize(
    ("page", "link"), [(page, link) for page, links in LINKS.items() for link in links],
    ids=[f"{page or 'home'}-{k}" for page, links in LINKS.items() for k in range(len(links))],
)  # fmt: skip
def test_a_link_opens_what_it_says(laid, app, page, link):
    """The page writes its state to its link again; a part that it drops or changes was not taken over.

    What no page knows is gone from the link then, which shows that the page was laid out to its end. Home writes none.
    """
    link = {name: value.format(root=laid) for name, value in link.items()}
    assert page in app, f"there is no page /{page} any more"
    at = opened(app, page, link | ({NOBODYS: "1"} if page else {}))
    said = [element.value for element in (*at.warning, *at.error, *at.exception)]
    assert not said, said
    found = {key: value if isinstance(value, str) else value[0] for key, value in at.query_params.items()}
    lost = sorted(name for name in link | found if found.get(name) != link.get(name))
    assert not lost, f"/{page} has {lost[0]} {found.get(lost[0])!r}, the link says {link.get(lost[0])!r}"
    boxes = [box.value for box in at.sidebar.selectbox[:2]]
    assert boxes == [link[kind] for kind in ("space", "zoo") if kind in link]
