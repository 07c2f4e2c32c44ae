"""Bring your own networks to the page Map: the dialog, how far the import is, and what became of it."""

from __future__ import annotations

import streamlit as st

from app.backend import catalogue, imports, manifold, placements
from app.backend.catalogue import Found, Loaded
from app.backend.charts import Chart
from app.ui import frame, sidebar

HELP = "Networks that were trained elsewhere, shown among those of this zoo"

state = st.session_state


def take() -> None:
    """What has been imported is shown: among the other networks or, where there are none, as the zoo that is chosen.

    Called before the page asks what is chosen.
    """
    work = state.get("map_import")
    if not work or not work.over or work.problem:
        return
    if state.pop("map_bring_instead", False):
        sidebar.choose_zoo(work.id)
    else:
        shown = [*filter(None, state.get("map_guests", "").split(",")), work.id]
        state["map_guests"] = ",".join(dict.fromkeys(shown))
    state["map_import"] = None
    frame.acted()


def button(space: Found, instead: bool = False) -> None:
    """Opens the dialog; `instead`: the imported zoo is to be chosen in the sidebar."""
    st.button("Bring your own", icon=":material/upload:", help=HELP, on_click=_open, args=(instead,))
    if state.get("map_bringing"):  # also when the page is laid out anew meanwhile
        _dialog(space)


def alone(space: Found) -> None:
    """In the place of a map, where there are no networks to show."""
    st.markdown("Networks of your own become the zoo that the map shows, from three of them on.")
    button(space, instead=True)
    progress()


def _open(instead: bool) -> None:
    state["map_bringing"], state["map_bring_instead"] = True, instead
    state["map_bring_kept"] = {}
    state.pop("bring_name", None)


def _close() -> None:
    state["map_bringing"] = False


def _remember(key: str, default: str = "") -> str:
    """Give a widget back what was typed into it: Streamlit forgets that if a run of the page ends before the dialog."""
    return state.setdefault(key, state.get("map_bring_kept", {}).get(key, default))


def _keep(key: str, value: str) -> str:
    state.setdefault("map_bring_kept", {})[key] = value
    return value


@st.dialog("Bring your own networks", width="large", on_dismiss=_close)
def _dialog(space: Found) -> None:
    names = catalogue.architectures(space)
    st.markdown(
        f"State dicts of {names} in any usual format, ONNX models, a zip of such files, or a folder, as the Hugging "
        "Face hub lays it out too. Layers are recognised by their shapes, batch norm is fused, and nothing in the "
        "files is run."
    )
    files = st.file_uploader(
        "Files", type=list(imports.KINDS), accept_multiple_files=True, key="bring_files",
        help="Of more than 500 MB: give the path of a folder",
    )  # fmt: skip
    left, right = st.columns([3, 2])
    _remember("bring_folder")
    folder = left.text_input(
        "Or a folder, where the app runs", key="bring_folder", placeholder="/data/my-networks",
        help="For what is larger than 500 MB, and for what is there already",
    )  # fmt: skip
    _keep("bring_folder", folder)
    _remember("bring_name", imports.free_name())
    name = _keep("bring_name", right.text_input("Name", key="bring_name", help="Of the zoo, in runs/imports/"))
    problem = imports.name_problem(name.strip())
    if problem:
        st.warning(frame.plain(problem))
    said = _declared(space.data == "sdf")
    before = state.get("map_import")
    busy = before is not None and not before.over
    if busy:
        st.info(f"{frame.plain(before.name)} is still imported: another import can begin when it is done.")
    off = bool(problem or busy or not (files or folder))
    if st.button("Import", type="primary", icon=":material/upload:", disabled=off):
        try:
            state["map_import"] = imports.begin(space, files or folder.strip(), name.strip(), said)
        except ValueError as error:
            st.error(frame.plain(frame.sentence(error)))
            return
        _close()
        frame.again()


def _declared(shapes: bool) -> dict[str, str]:
    """What the user says of the networks that their files do not say, by name of the option."""
    st.markdown(
        "**What the files do not say.** "
        + (
            "The factor of a SIREN's sines and the sign inside are found out from what the network does, if its values "
            "are signed distances."
            if shapes
            else "A state dict holds no activation, and not what its images were normalised by."
        )
        + " What remains open is asked for: the network is not imported, and the reason names what to say here."
    )
    conventions = imports.conventions()
    _remember("bring_as")
    made_as = st.selectbox(
        "Made as", list(conventions), format_func=conventions.get, key="bring_as",
        help="What is not said otherwise is as there, and the map's card says that it was assumed",
    )  # fmt: skip
    said = {"as": _keep("bring_as", made_as)}
    with st.expander("Say more"):
        columns = st.columns(3)
        for k, (key, label, placeholder, why) in enumerate(imports.QUESTIONS["shapes" if shapes else "classifiers"]):
            _remember(f"bring_{key}")
            typed = columns[k % 3].text_input(label, key=f"bring_{key}", placeholder=placeholder, help=why)
            said[key] = _keep(f"bring_{key}", typed)
    return {key: value.strip() for key, value in said.items() if value.strip()}


def progress() -> None:
    """How far an import is, or why nothing came of it."""
    work = state.get("map_import")
    if work is None:
        return
    if not work.over:
        st.fragment(_under_way, run_every=0.5)()
        return
    if not work.problem:  # it ended since the page began
        frame.again()
    st.warning(frame.plain(f"{work.name}: {work.problem}"))
    if work.refused:
        st.markdown(_listed(work.refused))
    st.button("Dismiss", on_click=lambda: state.pop("map_import"))


def _under_way() -> None:
    work = state["map_import"]
    if work.over:
        frame.again()
    words = f"Importing {work.name}: {work.done} of {work.total}. {work.words or 'the files are read'}"
    st.progress(work.done / max(1, work.total), frame.plain(words))


def report(chart: Chart) -> None:
    """Of every imported zoo on the map what became of its files, and where the space places its networks."""
    for member in placements.imported(chart):
        told = imports.report(member)
        count, refused = told["imported"], told["refused"]
        words = f"{count} network{'s' if count != 1 else ''} imported, {len(refused)} refused"
        with st.container(border=True):
            st.markdown(f"##### {frame.plain(member.zoo_info.title)}: {words}")
            if told["fused"]:
                networks = f"{told['fused']} network{'s' if told['fused'] != 1 else ''}"
                st.caption(
                    f"Batch norm of {networks} fused: logits change by at most {told['difference']:.1e} against the "
                    "unfused network as rebuilt here."
                )
            for function, count in told["functions"]:
                st.caption(f"{count} taken to be: {frame.plain(function)}")
            for words in told["warnings"]:
                st.warning(frame.plain(words), icon=":material/warning:")
            left, right = st.columns([7, 5], gap="medium")
            with left:
                over = placements.of(chart, member).future.done()
                every = None if over else 1
                st.fragment(lambda member=member, over=over: _placed(chart, member, over), run_every=every)()
            if len(refused):
                right.caption("Not imported")
                right.markdown(_listed(refused))


def _placed(chart: Chart, member: Loaded, over: bool) -> None:
    """The table of an imported zoo's networks, as far as they are placed."""
    work = placements.of(chart, member)
    if work.problem:
        st.warning(frame.plain(work.problem))
    elif not work.future.done():
        st.caption(f"{len(work.rows)} of {work.total} reconstructed and placed")
    measured = "1 - IoU of decode and original" if catalogue.is_shapes(member) else "Share of different answers"
    st.dataframe(
        work.table(), hide_index=True,
        column_config={
            "reconstruction error": st.column_config.NumberColumn(format="%.3f", help=measured),
            "distance": st.column_config.NumberColumn(format="%.3g", help="To that network, in the space"),
            "off manifold": st.column_config.TextColumn(help=manifold.HELP),
        },
    )  # fmt: skip
    if work.future.done() and not over:
        frame.again()


MOST_LISTED = 20


def _listed(refused: list[dict]) -> str:
    """Files that were not imported, and why, as lines that can be read and searched."""
    lines = [f"- **{frame.plain(one['name'])}**: {frame.plain(one['reason'])}" for one in refused[:MOST_LISTED]]
    more = len(refused) - MOST_LISTED
    return "\n".join([*lines, *([f"- and {more} more"] if more > 0 else [])])
