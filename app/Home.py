"""streamlit run app/Home.py"""

import sys
from pathlib import Path

import streamlit as st

PROJECT = Path(__file__).resolve().parent.parent
if str(PROJECT) not in sys.path:  # `streamlit run` puts only app/ there
    sys.path.insert(0, str(PROJECT))

from app.backend.visitors import is_visitor  # noqa: E402
from app.tasks import pages_of_kinds  # noqa: E402

st.set_page_config(page_title="NetSpace Explorer", page_icon=PROJECT / "app" / "icon.png", layout="wide")

page = st.navigation(
    [
        st.Page("../pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("../pages/zoo_map.py", title="Map", icon=":material/scatter_plot:"),
        *(
            st.Page(f"../pages/{name}.py", title=kind.page_title, icon=kind.icon)
            for name, kind in pages_of_kinds().items()
        ),
        st.Page("../pages/scorecard.py", title="Scorecard", icon=":material/table_chart:"),
        st.Page("../pages/optimise.py", title="Optimise", icon=":material/route:"),
        st.Page("../pages/networks.py", title="Networks as images", icon=":material/grid_on:"),
        *([] if is_visitor() else [st.Page("../pages/jobs.py", title="Jobs", icon=":material/list_alt:")]),
    ]
)
st.logo(PROJECT / "app" / "icon.png", size="large")
page.run()
