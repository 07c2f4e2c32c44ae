"""Optimise: move an embedding through the frozen space until its network does what is asked, and watch it go."""

import streamlit as st

from app import frontend as components
from app.backend import catalogue, classifiers, optimise
from app.ui import frame, sidebar

state = st.session_state
loaded = frame.loaded(frame.ANYTHING)
names, shapes = loaded.names, catalogue.is_shapes(loaded)
here = shapes or classifiers.here(loaded)

# -- the state of the page, which its link holds ---------------------------------------------------------------------

found = optimise.find(loaded)
by_id = {run.id: run for run in found}
readable = [run for run in found if run.state != "unreadable"]


def known(asked: str) -> str:
    if asked and asked not in by_id:
        raise ValueError(f"There is no run “{asked}” in this space; showing another.")
    return asked


def all_known(asked: str) -> str:
    ids = [id for id in asked.split(",") if id]
    lost = [id for id in ids if id not in by_id]
    if lost:
        raise ValueError(f"There is no run “{lost[0]}” in this space to compare with.")
    return ",".join(ids)


frame.linked("lso_run", "run", (readable or found)[0].id if found else "", known)
frame.linked("lso_with", "with", "", all_known)
if not state["lso_run"] and found:  # the first one was started elsewhere
    state["lso_run"] = (readable or found)[0].id
run = by_id.get(state["lso_run"])
others = [by_id[id] for id in state["lso_with"].split(",") if id in by_id and id != state["lso_run"]]


def write_link() -> None:
    link = {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id}
    link |= {"run": run.id} if run else {}
    frame.write_link(link | ({"with": ",".join(each.id for each in others)} if others else {}))


def tell(problem: ValueError) -> None:
    frame.notice(frame.sentence(problem))


# -- setting up ----------------------------------------------------------------------------------------------------

START_HELP = (
    "The embedding to start from: that of a network, the mean of the training networks' embeddings, noise with their "
    "mean and standard deviation, or a point of the map. A click on the map sets it."
)
LOSS_HELP = (
    "What the network is to do with training images: answer as a teacher does (Eq. 3), name their classes (Eq. 4), or "
    "both, nine parts to one (Eq. 5). Validation images select the best step."
)
TEACHER_HELP = "The network of the highest validation accuracy of a zoo. Zoos for other images are not offered."
RATE_HELP = "Of Adam, which moves the embedding. The paper's is 1e-4; 1e-2 gets there in fewer steps."


CHAIR_HELP = (
    "The shape to become, of which only samples are known: a procedural chair, which a seed makes the same everywhere, "
    "or a mesh."
)


def choose_start() -> str:
    """Where the next run starts."""
    options = optimise.starts(loaded)
    point = state.get("lso_point", "")
    if state.get("lso_zoo") != loaded.key:  # what was chosen in another zoo
        state["lso_zoo"], state["lso_start"], point = loaded.key, "mean", ""
    options = [*options[:2], *([point] if point else []), *options[2:]]
    if state.get("lso_start") not in options:
        state["lso_start"] = "mean"
    cards = {card.name: card for card in catalogue.cards(loaded)}

    def words(where: str) -> str:
        if where in ("mean", "noise"):
            return {"mean": "mean of training", "noise": "noise"}[where]
        if where not in cards:
            return f"point {where.removeprefix('at:').replace(',', ', ')} of the map"
        card = cards[where]
        accuracy = "" if card.accuracy is None else f" · {card.accuracy:.3f}"
        return f"{where}{accuracy} · {card.split}"

    state["lso_start_box"] = state["lso_start"]
    return st.selectbox(
        "Start", options, key="lso_start_box", format_func=words, help=START_HELP,
        on_change=lambda: state.update(lso_start=state["lso_start_box"]),
    )  # fmt: skip


def choose_target() -> str:
    """What a shape is to become."""
    kind, value = st.columns([3, 5], vertical_alignment="bottom")
    with value.container(key="target", gap="xsmall"):
        words = st.empty()
        if kind.selectbox("Target", ["chair", "mesh file"], key="lso_target", help=CHAIR_HELP) == "chair":
            seed = st.number_input(
                "Seed of a chair", min_value=0, max_value=10**6, value=1000, key="lso_chair",
                label_visibility="collapsed",
            )  # fmt: skip
            words.caption(frame.plain(optimise.target_words(loaded, f"chair:{seed}")))
            return f"chair:{seed}"
        words.caption("OBJ, OFF, PLY, STL or GLB, where the app runs")
        return st.text_input("File", key="lso_file", placeholder="chair.obj", label_visibility="collapsed").strip()


def settings() -> dict:
    """What is seldom changed."""
    usual = optimise.defaults(loaded)
    left, right = st.columns(2)
    asked = {
        "lr": left.number_input(
            "Learning rate", min_value=1e-6, max_value=1e6, value=usual.lr, format="%g", step=None, help=RATE_HELP
        ),
        "steps": right.number_input("Steps", min_value=1, max_value=100_000, value=usual.steps, step=100),
        "points": left.number_input(
            "Points a step" if shapes else "Images a step", min_value=1, max_value=65_536, value=usual.points
        ),
        "seed": right.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=0,
            help="Of batches and samples, and of the noise where a run starts from noise",
        ),
    }  # fmt: skip
    return asked


def set_up() -> None:
    """One row of choices, the command they make, and its start."""
    several = len(loaded.zoo.family.names) > 1
    weights = [4, *((7.4,) if shapes else (3.3, 4.4, 3.2) if several else (3.3, 5.3)), 2.8, 2.5]
    columns = iter(st.columns(weights, vertical_alignment="bottom"))
    asked = {}
    with next(columns):
        asked["start"] = choose_start()
    if shapes:
        with next(columns):
            asked["target"] = choose_target()
    else:
        teachers = optimise.teachers(loaded)
        asked["loss"] = next(columns).selectbox(
            "Objective", list(optimise.LOSSES), key="lso_loss", help=LOSS_HELP,
            format_func=lambda loss: optimise.LOSSES[loss],
        )  # fmt: skip
        teacher = next(columns).selectbox(
            "Teacher", list(teachers), key="lso_teacher", help=TEACHER_HELP, placeholder="none found",
            format_func=lambda id: optimise.teacher_words(teachers[id]), disabled=asked["loss"] == "task",
        )  # fmt: skip
        asked["teacher"] = teacher or ""
    if several:
        asked["want"] = next(columns).selectbox(
            "Architecture", ["", "any", *loaded.zoo.family.names], key="lso_want",
            help="The one that the class loss (Eq. 6) pulls towards, and that the best network must have",
            format_func=lambda name: {"": "the start's", "any": "any"}.get(name, optimise.arch_title(name)),
        )  # fmt: skip
    with next(columns).popover("Settings", icon=":material/tune:", width="stretch"):
        asked |= settings()
        name = st.text_input(
            "Name of the run", key="lso_name", placeholder=optimise.name_of(loaded, optimise.Setup(**asked)),
            help="Its folder below runs/lso/",
        )  # fmt: skip
        setup = optimise.Setup(**asked, name=name.strip())
        st.caption("The command")
        st.code(optimise.command(optimise.argv(loaded, setup)), language="bash", wrap_lines=True)
    problem = optimise.problem(loaded, setup)
    state["lso_seed"] = asked["seed"]
    next(columns).button(
        "Launch", type="primary", icon=":material/play_arrow:", disabled=bool(problem), width="stretch",
        on_click=launch, args=(setup,), help=frame.plain(optimise.command(optimise.argv(loaded, setup))),
    )  # fmt: skip
    if problem:
        st.warning(frame.plain(problem))


def launch(setup: optimise.Setup) -> None:
    try:
        state["lso_run"] = optimise.launch(loaded, setup)
    except ValueError as problem:
        tell(problem)
    frame.acted()


def fetch() -> None:
    """What to do where the images are not here."""
    title, command = classifiers.data_title(loaded), classifiers.download_command(loaded)
    if command is None:
        st.info(
            f"These networks were trained on {title}, and a zoo does not say where that is: a run is launched by its "
            "command, with the folder's path in the place of FOLDER:",
            icon=":material/image_not_supported:",
        )
        usual = optimise.defaults(loaded)
        setup = optimise.Setup("mean", usual.lr, usual.steps, usual.points, loss="task")
        words = [*optimise.argv(loaded, setup), "--data", "FOLDER"]
        st.code(optimise.command(words), language="bash", wrap_lines=True)
        return
    st.info(
        f"{title} is not here, on which networks are optimised. Fetch it with the command or the button, or name a "
        "folder that holds it in NETSPACE_DATA. Runs that were recorded are shown below.",
        icon=":material/image_not_supported:",
    )
    frame.offer_download(loaded)


# -- one run and those beside it -----------------------------------------------------------------------------------


def choose_runs() -> None:
    """The run in view, what can be done with it, and the runs that are shown over it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        state["lso_run_box"] = state["lso_run"]
        st.selectbox(
            "Run", list(by_id), key="lso_run_box", format_func=lambda id: optimise.brief(by_id[id]),
            label_visibility="collapsed", on_change=taken, width="stretch",
        )  # fmt: skip
        if len(readable) > 1:
            with st.popover(f"Compare{f' ({len(others)})' if others else ''}", icon=":material/stacked_line_chart:"):
                state["lso_with_box"] = [each.id for each in others]
                st.multiselect(
                    "Shown over this run", [each.id for each in readable if each.id != run.id], key="lso_with_box",
                    format_func=lambda id: optimise.brief(by_id[id]), max_selections=3, on_change=compared,
                    placeholder="other runs in this space",
                )  # fmt: skip
        if run.alive:
            st.button(
                "Stop", icon=":material/stop:", disabled=run.state == "stopping", on_click=act, args=(optimise.stop,),
                help="What it has found is kept, and it can be resumed",
            )  # fmt: skip
        elif run.resumable:
            st.button(
                "Resume", icon=":material/play_arrow:", type="primary", on_click=act, args=(optimise.resume,),
                help="Go on, to the same numbers as without a break",
            )  # fmt: skip
        if optimise.has_best(run):
            keep()


def taken() -> None:
    state["lso_run"] = state["lso_run_box"]
    frame.acted()


def compared() -> None:
    state["lso_with"] = ",".join(state["lso_with_box"])
    frame.acted()


def act(action) -> None:
    try:
        action(run)
    except ValueError as problem:
        tell(problem)
    frame.acted()


def keep() -> None:
    """Into the zoo, and as files."""
    with st.popover("Keep", icon=":material/bookmark_add:"):
        st.markdown("**The best network of this run**")
        st.text_input("Name in the zoo", value=run.folder.name if run.title != run.id else run.id.replace("/", "-"),
                      key=f"lso_keep-{run.id}")  # fmt: skip
        folder, missing = optimise.zoo_to_keep_in(loaded)
        where = frame.plain(optimise.shown_path(folder))
        if folder == loaded.zoo_info.folder:
            st.caption(f"It joins {where}, marked as optimised: no space is trained on it.")
        else:
            copy = f"a copy of it, {where}, is made and" if missing else f"its copy, {where},"
            st.caption(f"This zoo ships with the product and stays as it is: {copy} gets the network.")
        st.button("Keep in the zoo", icon=":material/add:", type="primary", on_click=kept, width="stretch")
        st.caption("As a file")
        kinds = [("safetensors", "zip", "weights as safetensors, and where they come from as JSON"),
                 ("state_dict", "pt", "torch.load(file, weights_only=True)")]  # fmt: skip
        if not shapes:
            kinds.append(("ONNX", "onnx", "normalised images (n, 3, S, S) to logits; takes a few seconds"))
        for column, (title, kind, words) in zip(st.columns(len(kinds)), kinds, strict=True):
            frame.download(
                column, title, lambda kind=kind: optimise.network_file(loaded, run, kind),
                f"{run.folder.name}_best.{kind}", words,
            )  # fmt: skip
        if optimise.run_command(run):
            st.caption("The command of this run")
            st.code(optimise.run_command(run), language="bash", wrap_lines=True)


def kept() -> None:
    name = state[f"lso_keep-{run.id}"]
    try:
        zoo = optimise.keep(loaded, run, name)
        sidebar.choose_zoo(zoo)
        state["lso_kept"] = f"{name} is now in {zoo}, marked as optimised."
    except (ValueError, OSError) as problem:
        tell(problem)
    frame.acted()


# -- what is seen --------------------------------------------------------------------------------------------------


def clicked() -> None:
    where = state["optimise"]["start"]
    if "network" in where:
        state["lso_start"] = names[where["network"]]
    else:
        state["lso_start"] = state["lso_point"] = f"at:{where['at'][0]:g},{where['at'][1]:g}"
    state["lso_again"] = True
    frame.acted()


def looks_of(these: list[optimise.Run]) -> list:
    """What the rows above the map depend on."""
    return [(each.state, optimise.has_best(each)) for each in these]


def watch() -> None:
    """The map, the curves and the numbers, again and again while a run is under way."""
    if state.pop("lso_again", False):
        frame.rerun()  # the row above shows the start that was clicked
    write_link()
    now = [optimise.read(each.folder) for each in ([run] if run else []) + others]
    if looks_of(now) != seen or (optimise.embedded(loaded) == 1) != mapped:
        frame.rerun()  # one has begun, has its first network or has ended, or the map is there
    chosen = [each for each in now if each.state != "unreadable"]
    start = state.get("lso_start", "") if here else ""
    data = optimise.view_data(loaded, chosen, start, state.get("lso_seed", 0))
    for each, told in zip(chosen, data["runs"], strict=True):
        if told["trouble"] and not each.alive:  # else its first checkpoint is about to be written
            st.warning(frame.plain(told["trouble"]))
    left, right = st.columns([5, 4], gap="medium") if shapes and chosen else (st.container(), None)
    with left:
        components.optimise("optimise", data | {"part": "board" if right else ""}, clicked)
    if right:
        with right:
            viewer = st.container()
            components.optimise("optimise-numbers", data | {"part": "numbers"}, clicked)
        with viewer:
            solid(chosen[0])


def solid(now: optimise.Run) -> None:
    """The surface of the best network beside its target's."""
    data = optimise.viewer_data(now)
    if not data:
        st.caption("The first network is about to be decoded.")
        return
    components.viewer("optimised", data | {"token": 0}, lambda: None, lambda: None)
    with st.container(key="feeds-meshes", gap=None):
        for name, content in optimise.mesh_feeds(now, "optimised"):
            components.feed(f"optimised-{name}", content)


frame.notices()
if "lso_kept" in state:
    st.success(frame.plain(state.pop("lso_kept")))
if optimise.no_map(loaded):
    st.info(f"There is no map of this zoo: {frame.plain(optimise.no_map(loaded))}.", icon=":material/scatter_plot:")
    st.stop()
if here:
    set_up()
else:
    fetch()
if run:
    choose_runs()
    message = run.message
    if message:
        (st.warning if run.state in ("finished", "crashed") else st.error)(frame.plain(message))
seen = looks_of(([run] if run else []) + others)
mapped = optimise.embedded(loaded) == 1
live = not mapped or any(each.alive for each in ([run] if run else []) + others)
st.fragment(watch, run_every=1 if live else None)()
if mapped:
    with st.container(key="feeds-map"):
        components.feed("optimise-map", optimise.map_feed(loaded, "optimise"))
