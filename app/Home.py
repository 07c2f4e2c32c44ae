"""streamlit run app/Home.py"""

import sys
from pathlib import Path

import streamlit as st

PROJECT = Path(__file__).resolve().parent.parent
if str(PROJECT) not in sys.path:  # `streamlit run` puts only app/ there
    sys.path.insert(0, str(PROJECT))

from app.backend.visitors import is_visitor  # noqa: E402
from app.tasks import pages_of_kinds  # noqa: E402
from app.ui import heading  # noqa: E402

st.set_page_config(page_title=heading.PRODUCT, page_icon=PROJECT / "app" / "icon.png", layout="wide")

WORDS = {  # by file in pages/, in the order of the menu
    "home": heading.HOME_PAGE,
    "zoo_map": heading.MAP_PAGE,
    **{name: heading.words_of_kind(kind) for name, kind in pages_of_kinds().items()},
    "scorecard": heading.SCORECARD_PAGE,
    "optimise": heading.OPTIMISE_PAGE,
    "networks": heading.NETWORKS_PAGE,
    **({} if is_visitor() else {"jobs": heading.JOBS_PAGE}),
}

pages = {
    name: st.Page(f"../pages/{name}.py", title=words.title, icon=words.icon, default=name == "home")
    for name, words in WORDS.items()
}
page = st.navigation(list(pages.values()))
st.logo(PROJECT / "app" / "icon.png", size="large")
heading.show_heading(next(WORDS[name] for name in pages if pages[name] is page))
page.run()
