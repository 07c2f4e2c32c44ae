"""Files that the app keeps for whoever asks for them again."""

import pytest

from app.backend.take_away import KeptFiles


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
