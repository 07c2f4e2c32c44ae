"""Bring your own networks to the page Map: the dialog, how far the import is, and what became of it."""

from __future__ import annotations

import streamlit as st

from app.backend import catalogue, imports, manifold, placements
from app.backend.catalogue import Found, Loaded
from app.backend.charts import Chart
from app.backend.visitors import is_visitor
from app.backend.words import plain, sentence
from app.tasks import APP_TASKS, AppTask, app_task
from app.ui import page, sidebar
from app.ui.map_state import MapState
from app.ui.page import PageField, PageState

BRING_HELP = "Networks that were trained elsewhere, shown among those of this zoo"
MOST_REFUSED = 20
"""files that were not imported, by name"""
ANSWERS = dict.fromkeys((question.option for kind in APP_TASKS.values() for question in kind.questions), "")
"""what the user says of networks, by name of the option, before anything is said"""


class BringState(PageState):
    """The dialog, what was typed into it, and the import that it began last."""

    key = "map.bring"
    work: PageField[imports.Import | None] = PageField(None)
    open = PageField(False)
    alone = PageField(False)
    """whether the imported zoo is to be chosen in the sidebar, since there is no other"""
    folder = PageField("")
    name = PageField("")
    made_as = PageField(lambda state: next(iter(imports.conventions())))
    answers = PageField[dict[str, str]](lambda state: dict(ANSWERS))

    @property
    def said(self) -> dict[str, str]:
        """What the user says of the networks that their files do not say, by name of the option."""
        return {key: text for key, value in {"as": self.made_as, **self.answers}.items() if (text := value.strip())}


def take_imported() -> None:
    """Show what was imported: among the other networks or, if there are none, as the zoo that is chosen.

    Called before the page asks what is chosen.
    """
    state = BringState.kept()
    work = state.work
    if not work or not work.over or work.problem:
        return
    if state.alone:
        sidebar.choose_zoo(work.id)
    else:
        MapState.invite(work.id)
    state.change(work=None, alone=False)


def offer_import(space: Found, alone: bool = False) -> None:
    """A button that opens the dialog; `alone`: the imported zoo is to be chosen in the sidebar."""
    if is_visitor() or not app_task(space).questions:  # none can be imported
        return
    state = BringState()
    st.button("Bring your own", icon=":material/upload:", help=BRING_HELP, on_click=_open, kwargs={"alone": alone})
    if state.open:  # also if the page is rerun meanwhile
        _dialog(state, space)


def bring_alone(space: Found) -> None:
    """In place of a map, if there are no networks to show."""
    if is_visitor():
        return
    st.markdown("Networks of your own become the zoo that the map shows, from three of them on.")
    offer_import(space, alone=True)
    show_progress()


def _open(alone: bool) -> None:
    BringState.kept().change(
        open=True, alone=alone, folder="", name=imports.free_name(), answers=dict(ANSWERS),
        made_as=next(iter(imports.conventions())),
    )  # fmt: skip


def _close() -> None:
    BringState.kept().change(open=False)


@st.dialog("Bring your own networks", width="large", on_dismiss=_close)
def _dialog(state: BringState, space: Found) -> None:
    names = catalogue.family_words(space)
    st.markdown(
        f"State dicts of {names} in any usual format, ONNX models, a zip of such files, or a folder, as the Hugging "
        "Face hub lays it out too. Layers are recognised by their shapes, batch norm is fused, and nothing in the "
        "files is run."
    )
    files = st.file_uploader(
        "Files", type=list(imports.UPLOADED_KINDS), accept_multiple_files=True, key="bring_files",
        help="Of more than 500 MB: give the path of a folder",
    )  # fmt: skip
    left, right = st.columns([3, 2])
    folder = left.text_input(
        "Or a folder, where the app runs", placeholder="/data/my-networks",
        help="For what is larger than 500 MB, and for what is there already", **state.widget("folder"),
    )  # fmt: skip
    name = right.text_input("Name", help="Of the zoo, in runs/imports/", **state.widget("name"))
    problem = imports.name_problem(name.strip())
    if problem:
        st.warning(plain(problem))
    _ask(state, app_task(space))
    busy = state.work is not None and not state.work.over
    if busy:
        st.info(f"{plain(state.work.name)} is still imported: another import can begin when it is done.")
    off = bool(problem or busy or not (files or folder))
    if page.button("Import", "bring_import", type="primary", icon=":material/upload:", disabled=off):
        try:
            state.work = imports.begin(space, files or folder.strip(), name.strip(), state.said)
        except ValueError as error:
            st.error(plain(sentence(error)))
            return
        _close()
        page.refresh()


def _ask(state: BringState, kind: AppTask) -> None:
    """What files do not say of networks."""
    st.markdown(
        f"**What the files do not say.** {kind.import_words} What remains open is asked for: the network is not "
        "imported, and the reason names what to say here."
    )
    conventions = imports.conventions()
    st.selectbox(
        "Made as", list(conventions), format_func=conventions.get,
        help="What is not said otherwise is as there, and the map's card says that it was assumed",
        **state.widget("made_as"),
    )  # fmt: skip
    with st.expander("Say more"):
        columns = st.columns(3)
        for k, (key, label, placeholder, why) in enumerate(kind.questions):
            columns[k % 3].text_input(label, placeholder=placeholder, help=why, **state.widget("answers", key))


def show_progress() -> None:
    """How far an import is, or why nothing came of it."""
    state = BringState()
    work = state.work
    if work is None:
        return
    if not work.over:
        st.fragment(lambda: _under_way(state), run_every=0.5)()
        return
    if not work.problem:  # it ended since the page began
        page.refresh()
    st.warning(plain(f"{work.name}: {work.problem}"))
    if work.refused:
        st.markdown(_listed(work.refused))
    st.button("Dismiss", on_click=state.change, kwargs={"work": None})


def _under_way(state: BringState) -> None:
    work = state.work
    if work.over:
        page.refresh()
    words = f"Importing {work.name}: {work.done} of {work.total}. {work.words or 'the files are read'}"
    st.progress(work.done / max(1, work.total), plain(words))


def show_reports(chart: Chart) -> None:
    """Of every imported zoo on the map what became of its files, and where the space places its networks."""
    for member in placements.imported(chart):
        told = imports.import_report(member)
        count, refused = told["imported"], told["refused"]
        words = f"{count} network{'s' if count != 1 else ''} imported, {len(refused)} refused"
        with st.container(border=True):
            st.markdown(f"##### {plain(member.zoo_info.title)}: {words}")
            if told["fused"]:
                networks = f"{told['fused']} network{'s' if told['fused'] != 1 else ''}"
                st.caption(
                    f"Batch norm of {networks} fused: logits change by at most {told['difference']:.1e} against the "
                    "unfused network as rebuilt here."
                )
            for function, count in told["functions"]:
                st.caption(f"{count} taken to be: {plain(function)}")
            for words in told["warnings"]:
                st.warning(plain(words), icon=":material/warning:")
            left, right = st.columns([7, 5], gap="medium")
            with left:
                over = placements.placements_of(chart, member).future.done()
                every = None if over else 1
                st.fragment(lambda member=member, over=over: _placed(chart, member, over), run_every=every)()
            if len(refused):
                right.caption("Not imported")
                right.markdown(_listed(refused))


def _placed(chart: Chart, member: Loaded, over: bool) -> None:
    """The table of an imported zoo's networks, as far as they are placed."""
    work = placements.placements_of(chart, member)
    if work.problem:
        st.warning(plain(work.problem))
    elif not work.future.done():
        st.caption(f"{len(work.rows)} of {work.total} reconstructed and placed")
    measured = app_task(member).error_words
    st.dataframe(
        work.table(), hide_index=True,
        column_config={
            "reconstruction error": st.column_config.NumberColumn(format="%.3f", help=measured),
            "distance": st.column_config.NumberColumn(format="%.3g", help="To that network, in the space"),
            "off manifold": st.column_config.TextColumn(help=manifold.HELP),
        },
    )  # fmt: skip
    if work.future.done() and not over:
        page.refresh()


def _listed(refused: list[dict]) -> str:
    """Files that were not imported, and why, as lines that can be read and searched."""
    lines = [f"- **{plain(one['name'])}**: {plain(one['reason'])}" for one in refused[:MOST_REFUSED]]
    more = len(refused) - MOST_REFUSED
    return "\n".join([*lines, *([f"- and {more} more"] if more > 0 else [])])
