"""Most tests are not about methods and do with two of them: every further one would cost them as long again."""

from netspace.latent.paths import METHODS

OTHERS = tuple(name for name in METHODS if name not in ("latent", "weights"))
ABOUT_METHODS = {
    "test_align", "test_app_methods", "test_app_scorecard", "test_browser_methods", "test_golden", "test_methods",
    "test_path_command", "test_paths", "test_public_names", "test_readme", "test_score",
}  # fmt: skip
"""modules of tests that have all"""


def drop() -> None:
    """Leave two, for as long as this process lives."""
    for name in OTHERS:
        METHODS.pop(name, None)
