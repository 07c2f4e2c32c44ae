"""What runs for each session, each time: the pages that there are, and the one that is shown."""

from pathlib import Path

import streamlit as st

from app.backend.visitors import is_visitor
from app.tasks import pages_of_kinds
from app.ui import heading, saved_views

PAGE_ICON = Path(__file__).with_name("icon.png")

st.set_page_config(page_title=heading.PRODUCT, page_icon=PAGE_ICON, layout="wide")

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
st.logo(PAGE_ICON, size="large")
page_name = next(name for name in pages if pages[name] is page)
saved_views.begin_page(page_name, pages, {name: words.title for name, words in WORDS.items()})
heading.show_heading(WORDS[page_name])
page.run()
