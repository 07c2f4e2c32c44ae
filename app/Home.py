"""streamlit run app/Home.py: the server; `session.py` is what runs for who opens it."""

import sys
from pathlib import Path

import streamlit as st

PROJECT = Path(__file__).resolve().parent.parent
if str(PROJECT) not in sys.path:  # `streamlit run` puts only app/ there
    sys.path.insert(0, str(PROJECT))

from app.backend.allocator import settle_allocator  # noqa: E402
from app.warming import while_starting  # noqa: E402

settle_allocator()
app = st.App(Path(__file__).with_name("session.py"), lifespan=while_starting)
