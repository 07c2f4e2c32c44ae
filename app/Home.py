"""streamlit run app/Home.py"""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # `streamlit run` puts only app/ there
    sys.path.insert(0, str(ROOT))

st.set_page_config(page_title="NetSpace Explorer", page_icon=ROOT / "app" / "icon.png", layout="wide")

from app import frame  # noqa: E402  (needs the path above)

page = st.navigation(
    [
        st.Page("../pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("../pages/shapes.py", title="Shapes", icon=":material/chair:"),
    ]
)
st.logo(ROOT / "app" / "icon.png", size="large")
frame.sidebar()
page.run()
