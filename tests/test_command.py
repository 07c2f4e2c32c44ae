"""A command as a typed value: its words, and what the command line makes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from netspace.cli.main import parse
from netspace.cli.options import read_fields
from netspace.errors import UsageError
from netspace.jobs import Command, Job, control, start_job
from netspace.recipes import RECIPES
from netspace.train.fit_cnn import CnnConfig
from netspace.train.fit_image import ImageConfig
from netspace.train.fit_sdf import FitConfig
from netspace.train.lso import LsoConfig
from netspace.train.space import TrainConfig

COMMANDS = {
    LsoConfig: ("lso", {"space": Path("s"), "zoo": Path("z"), "start": "mean"}),
    TrainConfig: ("train", {"zoo": Path("z")}),
    FitConfig: ("zoo fit-sdf", {"chairs": 3}),
    CnnConfig: ("zoo fit-cnn", {}),
    ImageConfig: ("zoo fit-image", {"images": "digits"}),
}
"""By the settings of a long job: its name, and what it cannot do without."""


def command_for(config, recipe: str = "") -> Command:
    name, options = COMMANDS[type(config)]
    return Command(name, options, config, recipe, Path("out"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_command_line_reads_the_settings_of_every_recipe(recipe):
    """With its recipe named and without, where every setting that is another has to be said."""
    config = RECIPES[recipe]
    for command in (command_for(config), command_for(config, recipe)):
        args = parse(command.words)
        assert read_fields(args, type(config)) == config and args.out == Path("out")
    name, options = COMMANDS[type(config)]
    said = sum(len(name.split()) if name else 0 for name in [name]) + 2 * len(options)
    assert len(command.words) == said + 4  # --recipe and --out: no setting is said that the recipe has


@pytest.mark.parametrize("config", COMMANDS)
def test_settings_of_a_recipe_that_are_changed_are_said(config):
    recipe, values = next((name, values) for name, values in RECIPES.items() if isinstance(values, config))
    changed = replace(values, seed=values.seed + 1, lr=values.lr / 3)
    words = command_for(changed, recipe).words
    assert read_fields(parse(words), config) == changed
    assert [word for word in words if word.startswith("--")][-3:] == ["--lr", "--seed", "--out"]


def test_what_is_not_given_is_not_said():
    options = {"space": "s", "data": None, "want": "", "save": True, "json": False, "limit": 0}
    assert Command("eval", options).words == ["eval", "--space", "s", "--save", "--limit", "0"]
    assert Command("eval", {"a": "two words"}).line == "python -m netspace eval --a 'two words'"


def test_settings_of_a_command_that_has_none_are_refused():
    with pytest.raises(UsageError, match="long jobs"):
        _ = Command("eval", config=LsoConfig()).words


def test_a_job_is_started_from_its_value(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(control, "start_words", lambda argv, directory: started.append((argv, directory)) or tmp_path)
    command = Command("train", {"zoo": "z"}, TrainConfig(steps=7), out="runs/space")
    assert start_job(command, tmp_path) == start_job(command, tmp_path, resume=True) == tmp_path
    words = ["train", "--zoo", "z", "--steps", "7", "--out", "runs/space"]
    assert started == [(words, tmp_path), ([*words, "--resume"], tmp_path)]


def test_a_job_says_what_it_was_started_with():
    argv = ("lso", "--space", "s", "--start", "mean", "--out", "o")
    job = Job(Path("o"), "lso", argv, Path(), "", "", "finished", "", 1, 1, None, "", "")
    assert (job.option("space"), job.option("start"), job.option("teacher")) == ("s", "mean", "")
