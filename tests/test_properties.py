"""Properties of options and of the API: for any value what is asked for, or an error of this library in a sentence."""

import json
import math
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netspace.cli.registry import build_parser, named_parsers
from netspace.errors import FormatError, NetSpaceError, UsageError
from netspace.io import check_types, read_json, read_safetensors, write_tensors
from netspace.latent.families import gammas_beyond
from netspace.latent.paths import gammas
from netspace.latent.projection import UmapConfig
from netspace.nets.archs import arch_named
from netspace.nets.prep import pack, prep_size, unpack
from netspace.space.config import SpaceConfig
from netspace.train.fit_cnn import CnnConfig
from netspace.train.fit_image import ImageConfig
from netspace.train.fit_sdf import FitConfig
from netspace.train.lso import LsoConfig
from netspace.train.space import TrainConfig

CONFIGS = [TrainConfig, LsoConfig, CnnConfig, FitConfig, ImageConfig, UmapConfig, SpaceConfig]
few = settings(max_examples=60, deadline=None, derandomize=True)
numbers = st.integers() | st.sampled_from([10**400, -(10**400), 2**31, 2**63]) | st.floats()
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def in_a_sentence(error: NetSpaceError) -> bool:
    return len(str(error).split()) >= 4 and len(str(error)) < 1000 and "\n" not in str(error)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
@few
@given(data=st.data())
def test_a_setting_is_taken_as_it_is_or_refused_by_its_name(config, data):
    f = data.draw(st.sampled_from(fields(config)))
    value = data.draw(anything)
    try:
        made = config(**{f.name: value})
    except UsageError as error:
        assert in_a_sentence(error)
        assert f.name.replace("_", "-") in str(error) or f.name in str(error) or isinstance(value, str), error
        return
    assert getattr(made, f.name) is value
    if isinstance(value, float):
        assert math.isfinite(value)
    for key, wrong in (("least", lambda limit: value < limit), ("most", lambda limit: value > limit)):
        assert f.metadata[key] is None or not wrong(f.metadata[key])


PARSER = build_parser()
COMMANDS = named_parsers()
FLAGS = sorted({flag for parser in COMMANDS.values() for flag in parser._option_string_actions})
words = st.sampled_from([*COMMANDS, *FLAGS]) | st.text(max_size=12)


@few
@given(st.lists(words, max_size=8))
def test_any_words_are_a_command_or_refused(argv):
    argv = [part for word in argv for part in (word.split() if word in COMMANDS else [word])]
    try:
        args = PARSER.parse_args([word for word in argv if word not in ("--help", "-h")])
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert callable(args.run)


names = st.from_regex(
    r"\A(siren|mlp|resnet|cnn|lenetlike)?(\d{1,7}|\[[a-z0-9.-]{0,12}\])?/?(\d{0,7}px-\d{0,9}c|digits|[\d-]{0,12})"
    r"(@[\d.einf-]{0,5})?(:[a-z0-9=.,_-]{0,10}){0,3}\Z"
)


@few
@given(names | st.text(max_size=30))
def test_a_name_of_an_architecture_is_one_or_refused(name):
    try:
        arch = arch_named(name)
    except UsageError:
        return
    assert arch_named(arch.name) == arch and arch.num_params > 0


@few
@given(st.lists(st.lists(st.integers(1, 6), max_size=3), min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 2))
def test_parameters_come_back_from_a_prep(shapes, width, batch):
    lead = (2,) * batch
    params = {f"p{k}": torch.randn((*lead, *shape)) for k, shape in enumerate(shapes)}
    size = prep_size(sum(math.prod(shape) for shape in shapes), 8 * width)
    back = unpack(pack(params, size, batch_ndim=batch), {name: p.shape[batch:] for name, p in params.items()})
    assert all(torch.equal(back[name], p) for name, p in params.items())


@few
@given(st.integers(), st.integers())
def test_a_prep_is_the_smallest_that_holds_a_network(count, width):
    try:
        size = prep_size(count, width)
    except UsageError:
        assert count <= 0 or width <= 0 or width % 8
        return
    assert size.height % 4 == 0 and size.height * width >= count > (size.height - 4) * width


@few
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_json_is_an_object_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "zoo.json"
    path.write_bytes(content)
    try:
        found = read_json(path)
    except FormatError as error:
        assert str(path) in str(error)
        return
    assert isinstance(found, dict)


@few
@given(anything, st.sampled_from([int, float, str, dict, list, bool, int | float]))
def test_a_value_of_another_type_is_refused(value, wanted):
    try:
        check_types({"key": value}, "file", {"key": wanted})
    except FormatError as error:
        assert "'key'" in str(error)
        return
    assert isinstance(value, wanted)
    assert wanted is bool or not isinstance(value, bool)
    assert not isinstance(value, float) or math.isfinite(value)


@few
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_of_weights_is_noticed(tmp_path_factory, at, value):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    tensors = {"a": torch.arange(24.0).view(4, 6), "b": torch.zeros(3)}
    write_tensors(path, tensors)
    content = bytearray(path.read_bytes())
    at %= len(content)
    if content[at] == value:
        return
    content[at] = value
    path.write_bytes(content)
    try:
        found, _ = read_safetensors(path)
    except FormatError as error:
        assert str(path) in str(error)
        return
    assert all(torch.equal(found[name], t) for name, t in tensors.items() if name in found)  # a header's text, or space


@few
@given(numbers, st.integers(-5, 200) | st.just(10**12))
def test_positions_on_a_path_are_finite_and_rise(factor, steps):
    for make in (lambda: gammas(steps), lambda: gammas_beyond(factor, steps)):
        try:
            found = make()
        except UsageError as error:
            assert in_a_sentence(error)
            continue
        assert all(map(math.isfinite, found)) and list(found) == sorted(found) and 0.0 in found and 1.0 in found
