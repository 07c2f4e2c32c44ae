"""Files that the app keeps for whoever asks for them again."""

from types import SimpleNamespace

import pytest

from app.backend import words
from app.backend.take_away import KeptFiles
from app.ui import downloads


def test_a_file_is_made_once_and_the_oldest_go_first():
    kept, made = KeptFiles(10), []

    def get(key: str, size: int) -> bytes:
        return kept.get((key,), lambda: made.append(key) or key.encode() * size)

    assert get("a", 4) == get("a", 4) == b"aaaa" and made == ["a"]
    get("b", 4)
    get("a", 4)  # asked for again: now "b" is the oldest
    get("c", 4)
    get("a", 4)
    assert made == ["a", "b", "c"] and list(kept.files) == [("c",), ("a",)]
    assert get("large", 3) == b"large" * 3 and not kept.files, "larger than all that is kept"


def test_what_failed_is_tried_again():
    kept = KeptFiles(10)
    with pytest.raises(ZeroDivisionError):
        kept.get(("a",), lambda: bytes(1 // 0))
    assert kept.get(("a",), lambda: b"it") == b"it"


def test_why_a_file_could_not_be_made_stands_below_its_button(monkeypatch):
    store, shown, offered = {}, [], []
    monkeypatch.setattr(downloads.page, "STORE", store)
    monkeypatch.setattr(downloads, "_held", lambda content, kind, file: content)
    monkeypatch.setattr(words, "seen", lambda text: text)
    place = SimpleNamespace(download_button=lambda title, made, *_, **__: offered.append(made), warning=shown.append)
    answers = iter([OSError(28, "No space left on device"), b"content"])

    def make() -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    downloads.offer_file(place, "GIF", make, "a.gif")
    with pytest.raises(OSError, match="No space"):
        offered[-1]()
    downloads.offer_file(place, "GIF", make, "a.gif")
    downloads.offer_file(place, "CSV", make, "a.csv")
    assert len(shown) == 1 and "No space left on device" in shown[0]
    assert offered[-2]() == b"content"
    downloads.offer_file(place, "GIF", make, "a.gif")
    assert len(shown) == 1, "it was made since"


def test_files_that_nobody_asks_for_are_dropped(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("app.backend.take_away.time", SimpleNamespace(monotonic=lambda: now[0]))
    kept = KeptFiles(100)
    kept.get(("a",), lambda: b"a")
    now[0] = 10.0
    kept.get(("b",), lambda: b"b")
    now[0] = 15.0
    kept.forget(10.0)
    assert list(kept.files) == [("b",)]
    kept.get(("b",), lambda: b"other")
    now[0] = 24.0
    kept.forget(10.0)
    assert kept.get(("b",), lambda: b"other") == b"b"
