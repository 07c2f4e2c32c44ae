"""Batch norm folded into convolutions answers as before, for trained networks of every ResNet."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from netspace import ARCHS
from netspace.data.images import load_images
from netspace.data.transforms import normalise
from netspace.nets.fuse import fuse, norms

RESNETS = pytest.mark.parametrize(
    "name", ["resnet8/digits", "resnet32/digits", "resnet56/digits", "resnet8/tiny-imagenet"]
)


def trained(arch, steps=3):
    """A network a few steps into training, so that its batch norms have seen images."""
    size, classes = arch.skeleton.size, arch.skeleton.classes
    images = load_images("digits", "train").take(slice(16))
    x = torch.nn.functional.interpolate(normalise(images.pixels), size=(size, size))
    module = arch.fresh(0).train()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        cross_entropy(module(x), images.labels % classes).backward()
        optimiser.step()
    with torch.no_grad():
        for _ in range(40):  # until the statistics are those of the images
            module(x)
    return module.eval(), x


@RESNETS
def test_fused_answers_as_before(name):
    arch = ARCHS[name]
    module, x = trained(arch)
    fused = fuse(arch, module, x)
    assert list(fused.params) == list(arch.shapes) and not fused.never_run
    with torch.no_grad():
        before, after = module(x), arch.apply_params(fused.params, x)
    rounding = 1e-4 * max(1.0, before.abs().max().item())
    assert fused.difference <= rounding
    assert torch.allclose(before, after, atol=rounding) and before.std() > 1e-3


def test_fusing_is_eqs_6_and_7():
    arch = ARCHS["resnet8/digits"]
    module, x = trained(arch)
    fused = fuse(arch, module, x).params
    conv, bn = module.layer2[0].downsample[0], module.layer2[0].downsample[1]
    gain = bn.weight / (bn.running_var + bn.eps).sqrt()
    assert torch.allclose(fused["layer2.0.downsample.0.weight"], gain[:, None, None, None] * conv.weight, atol=1e-6)
    assert torch.allclose(fused["layer2.0.downsample.0.bias"], bn.bias - gain * bn.running_mean, atol=1e-6)


def test_every_batch_norm_has_its_convolution():
    module = ARCHS["resnet32/digits"].fresh(0)
    modules, pairs = dict(module.named_modules()), norms(module)
    assert len(pairs) == 2 * 15 + 1 + 2
    assert all(isinstance(modules[conv], torch.nn.Conv2d) for conv in pairs.values())
    assert len(set(pairs.values())) == len(pairs)


def test_a_batch_norm_that_was_never_run_is_named():
    arch = ARCHS["resnet8/digits"]
    fused = fuse(arch, arch.fresh(0).eval(), torch.randn(2, 3, 32, 32))
    assert "bn1" in fused.never_run and "layer3.0.downsample.1" in fused.never_run


def test_fusing_leaves_the_module_as_it_was():
    arch = ARCHS["resnet8/digits"]
    module, x = trained(arch)
    module.train()
    before = {name: t.clone() for name, t in module.state_dict().items()}
    fuse(arch, module, x)
    assert module.training
    assert all(torch.equal(before[name], t) for name, t in module.state_dict().items())
