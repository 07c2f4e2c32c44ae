"""What the app keeps between runs and sessions: with `visitors` the only module of the backend that knows Streamlit.

Both decorators take `max_entries`. Arguments whose names begin with an underscore are not part of the key.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

cached_object = partial(st.cache_resource, show_spinner=False)
"""Keep what a function returns, such as a model or work in the background: one object for all sessions."""

cached_value = partial(st.cache_data, show_spinner=False)
"""Keep a copy of what a function returns; every caller gets a copy of its own."""
