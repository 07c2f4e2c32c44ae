"""What the app says, made ready for its pages."""


def sentence(problem: BaseException | str) -> str:
    """What is wrong: with a capital, and a full stop; the kind of an error that says nothing."""
    named = type(problem).__name__ if isinstance(problem, BaseException) else ""
    words = (str(problem) or named).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
