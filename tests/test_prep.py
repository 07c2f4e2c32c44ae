"""Laws of packing: what goes in comes out, whatever the architecture and the batch."""

import math

import pytest
import torch

from netspace import ARCHS, pack, prep_size, unpack

BATCHES = [(), (1,), (3,), (2, 3)]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda a: a.name)
@pytest.mark.parametrize("width", [8, 1000, 10_000])
def test_unpack_inverts_pack(arch, batch, width):
    params = {name: torch.randn(*batch, *shape) for name, shape in arch.shapes.items()}
    size = prep_size(arch.num_params, width)
    prep = pack(params, size, batch_ndim=len(batch))
    assert prep.shape == (*batch, 1, *size)
    back = unpack(prep, arch.shapes)
    assert list(back) == list(params)
    for name in params:
        assert torch.equal(back[name], params[name])


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda a: a.name)
def test_rows_hold_the_parameters_in_order_and_zeros_at_the_end(arch):
    params = {name: torch.randn(shape) for name, shape in arch.shapes.items()}
    prep = pack(params, prep_size(arch.num_params, 1000))
    naive = [value for p in params.values() for value in p.flatten().tolist()]
    assert prep.flatten()[: arch.num_params].tolist() == naive
    assert not prep.flatten()[arch.num_params :].any()


@pytest.mark.parametrize("params", [1, 7, 80, 31_999, 32_000, 32_001, 67_073, 465_674])
@pytest.mark.parametrize("width", [8, 16, 1000, 10_000])
def test_size_is_the_smallest_that_fits(params, width):
    height, w = prep_size(params, width)
    assert w == width and height % 4 == 0
    assert height * width >= params
    assert (height - 4) * width < params
    assert height == 4 * math.ceil(params / (4 * width))


def test_the_sizes_of_the_paper():
    assert prep_size(67_073, 10_000) == (8, 10_000)  # SIREN
    assert prep_size(77_706, 10_000) == (8, 10_000)  # ResNet8, fused
    assert prep_size(465_674, 10_000) == (48, 10_000)  # ResNet32, fused


def test_gradients_flow_through_both():
    shapes = ARCHS["siren64"].shapes
    params = {name: torch.randn(shape, requires_grad=True) for name, shape in shapes.items()}
    sum(p.square().sum() for p in unpack(pack(params, (4, 10_000)), shapes).values()).backward()
    for p in params.values():
        assert torch.allclose(p.grad, 2 * p)


@pytest.mark.parametrize("width", [0, -8, 9996])
def test_a_width_that_is_no_multiple_of_8_is_named(width):
    with pytest.raises(ValueError, match=str(width)):
        prep_size(100, width)
    with pytest.raises(ValueError, match=f"{width} is not a multiple of 8"):
        pack({"w": torch.zeros(3)}, (8, width))


def test_parameters_that_do_not_fit_are_counted():
    with pytest.raises(ValueError, match=r"33 parameters do not fit into a PRep \(4, 8\) of 32 values"):
        pack({"w": torch.zeros(33)}, (4, 8))
    with pytest.raises(ValueError, match="33 parameters do not fit"):
        unpack(torch.zeros(1, 4, 8), {"w": torch.Size([33])})


def test_batch_axes_that_differ_are_refused():
    with pytest.raises(ValueError, match="batch axes differ"):
        pack({"w": torch.zeros(2, 3), "b": torch.zeros(3, 3)}, (4, 8), batch_ndim=1)
