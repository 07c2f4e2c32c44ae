"""Optimise: the row of choices that a run of latent space optimisation is launched with."""

from __future__ import annotations

import streamlit as st

from app.backend import catalogue, optimise
from app.backend.catalogue import Loaded
from app.backend.looks import arch_words
from app.backend.optimise import Setup
from app.backend.path import several
from app.backend.words import plain
from app.tasks import app_task
from app.ui import image_data, page
from app.ui.page import PageField, PageState, sent
from app.ui.run_choice import RunsState

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
USUAL_STARTS = {"mean": "mean of training", "noise": "noise"}
"""starts that are no network and no point of the map, in words"""


class StartState(PageState):
    """Where the next run of a zoo starts."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        super().__init__(f"optimise.start.{loaded.key}")

    def one_of_starts(self, where: str) -> str:
        if where not in self.options:
            raise ValueError(f"No run can start from “{where}”.")
        return where

    point = PageField("")
    """the point of the map that was clicked last, as at:X,Y; empty if none was"""
    start = PageField("mean", check=one_of_starts)
    clicked = PageField(False)
    """whether the map was clicked since the row of choices was drawn"""

    @property
    def options(self) -> list[str]:
        usual, networks = list(USUAL_STARTS), optimise.starts(self.loaded)[len(USUAL_STARTS) :]
        return [*usual, *([self.point] if self.point else []), *networks]

    def take_click(self, view: str) -> None:
        """Start from the network or the point that was clicked in a view of the map."""
        where = sent(view).get("start")
        if not where:  # the view was mounted anew
            return
        if "network" in where:
            start = self.loaded.names[where["network"]]
        else:
            start = self.point = f"at:{where['at'][0]:g},{where['at'][1]:g}"
        self.change(start=start, clicked=True)


def choose_setup(loaded: Loaded, starts: StartState, runs: RunsState) -> Setup:
    """One row of choices, the command they make, and the button that launches it."""
    kind, family = app_task(loaded), several(loaded)
    weights = [4, *((7.4,) if kind.targets else (3.3, 4.4, 3.2) if family else (3.3, 5.3)), 2.8, 2.5]
    columns = iter(st.container(key="setup").columns(weights, vertical_alignment="bottom"))
    with next(columns):
        asked = {"start": _choose_start(starts)}
    if kind.targets:
        with next(columns):
            asked["target"] = _choose_target(loaded)
    else:
        asked |= _choose_objective(loaded, next(columns), next(columns))
    if family:
        asked["want"] = next(columns).selectbox(
            "Architecture", ["", "any", *loaded.zoo.family.names], key="lso_want",
            help="The one that the class loss (Eq. 6) pulls towards, and that the best network must have",
            format_func=lambda name: {"": "the start's", "any": "any"}.get(name, arch_words(name)),
        )  # fmt: skip
    with next(columns).popover("Settings", icon=":material/tune:", width="stretch"):
        asked |= _choose_settings(loaded, f"{kind.asked_inputs.capitalize()} per step")
        name = st.text_input(
            "Name of the run", key="lso_name", placeholder=optimise.name_of(loaded, Setup(**asked)),
            help="Its folder below runs/lso/",
        )  # fmt: skip
        setup = Setup(**asked, name=name.strip())
        command = optimise.command_of(loaded, setup).line
        page.show_command(command, "The command")
    problem = optimise.problem(loaded, setup)
    next(columns).button(
        "Launch", type="primary", icon=":material/play_arrow:", disabled=bool(problem), width="stretch",
        on_click=_launch, args=(loaded, setup, runs), help=plain(command),
    )  # fmt: skip
    if problem:
        st.warning(plain(problem))
    return setup


def say_images_missing(loaded: Loaded) -> None:
    """In place of the row, if the images are missing on which networks are optimised."""
    usual = optimise.defaults(loaded)
    setup = Setup("mean", usual.lr, usual.steps, usual.points, loss="task")
    image_data.say_missing(
        loaded,
        purpose="networks are optimised on it. Runs that were recorded are shown below.",
        unnamed="A run can be launched by this command; replace FOLDER by the folder's path:",
        command=optimise.command_of(loaded, setup, data="FOLDER").line,
    )


def can_launch(loaded: Loaded) -> bool:
    """Whether what the networks are optimised on is here."""
    return app_task(loaded).can_ask(loaded)


def _choose_start(state: StartState) -> str:
    cards = {card.name: card for card in catalogue.cards(state.loaded)}

    def words(where: str) -> str:
        if where in USUAL_STARTS:
            return USUAL_STARTS[where]
        if where not in cards:
            return f"point {where.removeprefix('at:').replace(',', ', ')} of the map"
        card = cards[where]
        accuracy = "" if card.accuracy is None else f" · {card.accuracy:.3f}"
        return f"{where}{accuracy} · {card.split}"

    return st.selectbox("Start", state.options, format_func=words, help=START_HELP, **state.widget("start"))


def _choose_target(loaded: Loaded) -> str:
    """What a network is to become."""
    targets = {target.title: target for target in app_task(loaded).targets}
    kind, value = st.columns([3, 5], vertical_alignment="bottom")
    with value.container(key="target", gap="xsmall"):
        words = st.empty()
        target = targets[
            kind.selectbox("Target", list(targets), key="lso_target", help=app_task(loaded).target_help)
        ]  # fmt: skip
        if target.source:
            number = st.number_input(
                target.label, min_value=0, max_value=target.most, value=target.usual, key=f"lso_{target.source}",
                label_visibility="collapsed",
            )  # fmt: skip
            words.caption(plain(optimise.target_words(loaded, f"{target.source}:{number}")))
            return f"{target.source}:{number}"
        words.caption(f"{target.label}, where the app runs")
        return st.text_input(
            "File", key="lso_file", placeholder=target.example, label_visibility="collapsed"
        ).strip()  # fmt: skip


def _choose_objective(loaded: Loaded, left, right) -> dict[str, str]:
    """What a classifier is to do, in two columns."""
    teachers = optimise.teachers(loaded)
    loss = left.selectbox(
        "Objective", list(optimise.LOSSES), key="lso_loss", help=LOSS_HELP, format_func=optimise.LOSSES.get
    )
    teacher = right.selectbox(
        "Teacher", list(teachers), key="lso_teacher", help=TEACHER_HELP, placeholder="none found",
        format_func=lambda id: optimise.teacher_words(teachers[id]), disabled=loss == "task",
    )  # fmt: skip
    return {"loss": loss, "teacher": teacher or ""}


def _choose_settings(loaded: Loaded, points: str) -> dict[str, float]:
    """What is seldom changed; `points` says what a step takes so many of."""
    usual = optimise.defaults(loaded)
    left, right = st.columns(2)
    return {
        "lr": left.number_input(
            "Learning rate", min_value=1e-6, max_value=1e6, value=usual.lr, format="%g", step=None, help=RATE_HELP
        ),
        "steps": right.number_input("Steps", min_value=1, max_value=100_000, value=usual.steps, step=100),
        "points": left.number_input(points, min_value=1, max_value=65_536, value=usual.points),
        "seed": right.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=0,
            help="Of batches and samples, and of the noise if a run starts from noise",
        ),
    }  # fmt: skip


def _launch(loaded: Loaded, setup: Setup, runs: RunsState) -> None:
    with page.problems_noticed():
        runs.change(run=optimise.launch(loaded, setup))
