"""What the app keeps between runs and sessions, and where runs may end: with `visitors` all that knows Streamlit here.

Both decorators take `max_entries`. Arguments whose names begin with an underscore are not part of the key.
"""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

cached_object = partial(st.cache_resource, show_spinner=False)
"""Keep what a function returns, such as a model or work in the background: one object for all sessions."""

cached_value = partial(st.cache_data, show_spinner=False)
"""Keep a copy of what a function returns; every caller gets a copy of its own."""


def may_end() -> None:
    """End this run here if its browser has gone, or asks for another run; called by whoever waits for long.

    Streamlit ends a run where it draws something. One that waits for a result draws nothing: without this its thread
    would outlive the page, and the click that asks for another run would not be answered before.
    """
    context = get_script_run_ctx(suppress_warning=True)
    asked = context and context.script_requests and context.script_requests.on_scriptrunner_yield()
    if asked:
        raise RerunException(asked.rerun_data) if asked.type is ScriptRequestType.RERUN else StopException
