"""Fields in a plane: values and Eikonal errors of fields that are known exactly, and of networks."""

import numpy as np
import pytest
import torch

from netspace.errors import UsageError
from netspace.geometry.slices import SLICE_AXES, SlicePlane, slice_field, slice_of, slice_points
from netspace.nets.archs import Family
from netspace.nets.network import Network
from netspace.nets.prep import pack

SIDE = torch.linspace(-1, 1, 33)
AT = 0.25


def sphere(x: torch.Tensor) -> torch.Tensor:
    return x.norm(dim=1) - 0.5


def network_of(name: str) -> Network:
    """A network with weights drawn at random."""
    family = Family.of(name)
    return Network(family.archs[0], pack(family.archs[0].initialise(0), family.size))


def between(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """The sphere's distance at points with these coordinates in the plane."""
    return ((a**2 + b**2 + AT**2).sqrt() - 0.5).numpy()


@pytest.mark.parametrize("axis", SLICE_AXES)
def test_a_slice_of_a_distance_is_that_distance_and_has_no_error(axis):
    u, v = torch.meshgrid(SIDE, SIDE, indexing="ij")
    found = slice_field(sphere, SlicePlane(axis, AT), 33)
    assert found.values.shape == found.error.shape == (33, 33)
    assert np.allclose(found.values, between(u, v), atol=1e-6) and np.abs(found.error).max() < 1e-5
    assert found.mean_error < 1e-6 and found.inside == (between(u, v) < 0).mean() > 0.1


def test_twice_a_distance_has_an_error_of_one_and_a_flat_field_too():
    twice = slice_field(lambda x: 2 * sphere(x), SlicePlane("y", AT), 33)
    assert np.allclose(twice.error, 1, atol=1e-5) and twice.mean_error == pytest.approx(1, abs=1e-5)
    flat = slice_field(lambda x: 0 * x.sum(dim=1, keepdim=True) + 0.1, SlicePlane("y", AT), 33)
    assert flat.inside == 0 and (flat.error == 1).all() and np.allclose(flat.values, 0.1)


def test_rows_and_columns_are_the_other_axes_in_their_order():
    slope = torch.tensor([1.0, 10.0, 100.0])
    for k, axis in enumerate(SLICE_AXES):
        values = slice_field(lambda x: x @ slope, SlicePlane(axis, -1), 5).values
        rows, columns = np.delete(slope.numpy(), k)
        assert values[4, 0] - values[0, 0] == pytest.approx(2 * rows)
        assert values[0, 4] - values[0, 0] == pytest.approx(2 * columns)
        assert slice_points(SlicePlane(axis, -1), 5)[..., k].unique().tolist() == [-1]


@pytest.mark.parametrize(
    ("plane", "n", "words"),
    [
        (SlicePlane("w", 0), 9, "axis 'w' is not one of x, y, z"),
        (SlicePlane("x", 1.5), 9, "-1 to 1 of its axis, got 1.5"),
        (SlicePlane("x", float("nan")), 9, "got nan"),
        (SlicePlane("x", 0), 1, "at least 2 points"),
    ],
)
def test_planes_that_there_are_not(plane, n, words):
    with pytest.raises(UsageError, match=words):
        slice_field(sphere, plane, n)


def test_a_network_is_sliced_where_it_has_no_surface_and_when_it_was_made_for_inference():
    made = network_of("siren/3-16-16-1@30")
    with torch.inference_mode():
        network = Network(made.arch, made.prep.clone())
        found = slice_of(network, SlicePlane("x", 0.5), 9)
    points = slice_points(SlicePlane("x", 0.5), 9).view(-1, 3)
    assert np.allclose(found.values.ravel(), made(points).detach().numpy().ravel(), atol=1e-6)
    step = 1e-3
    ahead = [(made(points + step * d) - made(points - step * d)).detach().flatten() / (2 * step) for d in torch.eye(3)]
    steepness = torch.stack(ahead, dim=1).norm(dim=1).numpy()
    assert np.allclose(found.error.ravel(), np.abs(steepness - 1), atol=2e-2)


def test_only_the_sign_of_an_occupancy_is_measured():
    network = network_of("mlp/3-8-1:relu:occupancy")
    found = slice_of(network, SlicePlane("z", 0.0), 9)
    assert found.error is None and np.isnan(found.mean_error) and 0 <= found.inside <= 1
    lost = slice_of(Network(network.arch, torch.full_like(network.prep, torch.nan)), SlicePlane("z", 0.0), 9)
    assert np.isnan(lost.inside), "nothing is said of values that are not finite"
