"""The paper's model to the parameter; what each encoder can and cannot see; spaces come back from disk alone."""

import json
import pickle

import pytest
import torch
from torch import nn

import netspace
from netspace import ARCHS, Family, NetSpace, Network, pack, prep_size
from netspace.errors import FormatError
from netspace.space.losses import sdf_queries

TINY = {"embedding": 16, "hidden": 32}
FAMILY = Family.of("siren64")
TOKENS = pytest.mark.parametrize("encoder", ["prep", "probe"])


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def preps(number: int, arch="siren64") -> torch.Tensor:
    size = prep_size(ARCHS[arch].num_params, 10_000)
    return torch.stack([pack(ARCHS[arch].initialise(seed), size) for seed in range(number)])


def test_the_papers_parameter_counts():
    space = NetSpace(Family.of("siren256"), preset="paper")
    assert space.family.size == (8, 10_000) and space.config.embedding == 4096
    assert count(space.encoder) == 6_788_352
    assert count(space.decoder) == 2_875_394


def test_the_papers_decoder_scales_every_value_on_its_own():
    decoder = NetSpace(Family.of("siren256"), preset="paper").decoder
    assert decoder.scale.shape == decoder.bias.shape == (8, 10_000)
    assert decoder.scale.std().item() == pytest.approx(1e-3, rel=0.05)
    assert decoder.bias.min() >= 0 and decoder.bias.max() <= 1e-2
    with torch.no_grad():
        z = torch.randn(1, 4096)
        before = decoder(z, torch.zeros(1, dtype=torch.long))[0, 0]
        decoder.scale.zero_()
        assert torch.equal(decoder(z, torch.zeros(1, dtype=torch.long))[0, 0], decoder.bias)
        assert not torch.equal(before, decoder.bias)


def test_the_papers_encoder_gives_the_same_size_for_every_prep():
    encoder = NetSpace(FAMILY, preset="paper").encoder
    assert encoder(torch.randn(2, 1, 4, 1000)).shape == encoder(torch.randn(2, 1, 88, 64)).shape == (2, 4096)


@TOKENS
def test_shapes_of_the_tokens_preset(encoder):
    space = NetSpace(FAMILY, encoder=encoder, **TINY)
    z = space.encode(preps(3))
    assert z.shape == (3, 16)
    decoded = space.decode(z)
    assert decoded.preps.shape == (3, 1, *FAMILY.size) and decoded.class_logits is None
    networks = space.networks(z)
    assert len(networks) == 3 and networks[0](torch.zeros(5, 3)).shape == (5, 1)


@TOKENS
def test_decoding_one_by_one_is_decoding_together(encoder):
    space = NetSpace(FAMILY, encoder=encoder, **TINY).eval()
    p = preps(4)
    z = torch.cat([space.encode(p[i : i + 1]) for i in range(4)])
    assert torch.allclose(z, space.encode(p), atol=1e-5)
    one_by_one = torch.cat([space.decode(z[i : i + 1]).preps for i in range(4)])
    assert torch.allclose(one_by_one, space.decode(z).preps, atol=1e-6)


def test_padding_of_a_prep_is_neither_read_nor_written():
    space = NetSpace(FAMILY, **TINY)
    p = preps(1)
    noisy = p.clone().view(-1)
    noisy[-1000:] = 9
    assert torch.equal(space.encode(p), space.encode(noisy.view_as(p)))
    assert not space.decode(torch.randn(2, 16)).preps.flatten(1)[:, -1000:].any()


def symmetric_twin(network: Network) -> Network:
    """The same function with other weights: hidden units permuted, and half of them with their signs flipped."""
    params = {name: p.clone() for name, p in network.params.items()}
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    sign = torch.ones(64)
    sign[::2] = -1
    params["layers.0.weight"] = params["layers.0.weight"][order] * sign[:, None]
    params["layers.0.bias"] = params["layers.0.bias"][order] * sign
    params["layers.1.weight"] = params["layers.1.weight"][:, order] * sign
    return Network.of(network.arch, params, network.prep.shape[-2:])


def test_only_the_probe_encoder_is_blind_to_the_symmetries_of_the_weights():
    network = Network(ARCHS["siren64"], preps(1)[0])
    twin = symmetric_twin(network)
    x = torch.rand(50, 3)
    assert torch.allclose(network(x), twin(x), atol=1e-5)
    both = torch.stack([network.prep, twin.prep])
    probe, prep = (NetSpace(FAMILY, encoder=e, **TINY).encode(both).detach() for e in ("probe", "prep"))
    assert torch.allclose(probe[0], probe[1], atol=1e-4)
    assert not torch.allclose(prep[0], prep[1], atol=1e-2)


@TOKENS
def test_calibrating_spreads_the_embeddings(encoder):
    space = NetSpace(FAMILY, encoder=encoder, **TINY)
    prepared = space.encoder.prepare(preps(8))
    before = space.encoder.read(prepared).std(dim=0).mean()
    space.encoder.calibrate(prepared)
    assert 0.1 < space.encoder.read(prepared).std(dim=0).mean() > 2 * before


def test_a_fresh_tokens_decoder_writes_networks_like_fresh_ones():
    space = NetSpace(Family.of("siren256"))
    decoded = space.networks(torch.randn(1, 256))[0].params
    for name, fresh in ARCHS["siren256"].initialise(0).items():
        size, expected = (p.detach().square().mean().sqrt().item() for p in (decoded[name], fresh))
        assert size == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("options", [{"preset": "paper"}, {"encoder": "prep", **TINY}, {"encoder": "probe", **TINY}])
def test_a_space_is_rebuilt_from_its_folder_alone(tmp_path, options):
    space = NetSpace(FAMILY, **options).eval()
    space.save(tmp_path, dtype=torch.float32)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    again = netspace.load(tmp_path)
    p = preps(2)
    assert again.config == space.config and again.family == space.family
    assert torch.equal(again.encode(p), space.encode(p))
    z = space.encode(p)
    assert torch.equal(again.decode(z).preps, space.decode(z).preps)


def test_half_precision_on_disk_hardly_moves_the_networks(tmp_path):
    space = NetSpace(FAMILY, **TINY).eval()
    space.save(tmp_path)
    again = netspace.load(tmp_path)
    a, b = space.networks(torch.ones(1, 16))[0], again.networks(torch.ones(1, 16))[0]
    x = sdf_queries(a, 500, 0).points
    assert (a(x) - b(x)).abs().max() < 5e-3


@pytest.fixture
def saved(tmp_path):
    NetSpace(FAMILY, **TINY).save(tmp_path)
    return tmp_path


def test_missing_and_truncated_folders_are_named(saved, tmp_path):
    with pytest.raises(FormatError, match=r"no folder"):
        netspace.load(tmp_path / "nowhere")
    data = (saved / "model.safetensors").read_bytes()
    (saved / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match=r"model.safetensors is truncated"):
        netspace.load(saved)
    (saved / "model.safetensors").unlink()
    with pytest.raises(FormatError, match=r"has no model.safetensors"):
        netspace.load(saved)
    (saved / "config.json").write_text("{")
    with pytest.raises(FormatError, match=r"not valid JSON"):
        netspace.load(saved)


def test_a_pickled_model_is_refused(saved):
    with (saved / "model.safetensors").open("wb") as file:
        pickle.dump({"decoder.position": 1}, file)
    with pytest.raises(FormatError, match=r"is a pickle"):
        netspace.load(saved)


def test_unknown_missing_and_misshapen_keys_are_named(saved):
    from safetensors.torch import load_file, save_file

    path = saved / "model.safetensors"
    state = load_file(path)
    save_file(state | {"decoder.surprise": torch.zeros(1)}, path)
    with pytest.raises(FormatError, match=r"unknown key decoder.surprise"):
        netspace.load(saved)
    save_file({k: t for k, t in state.items() if k != "encoder.out.bias"}, path)
    with pytest.raises(FormatError, match=r"missing key encoder.out.bias"):
        netspace.load(saved)
    save_file(state | {"encoder.out.bias": torch.zeros(17)}, path)
    with pytest.raises(FormatError, match=r"encoder.out.bias is \(17,\), expected \(16,\)"):
        netspace.load(saved)


def test_an_unknown_setting_or_version_is_named(saved):
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"space": config["space"] | {"depth": 3}}))
    with pytest.raises(FormatError, match=r"unknown setting 'depth'"):
        netspace.load(saved)
    (saved / "config.json").write_text(json.dumps(config | {"format": 2}))
    with pytest.raises(FormatError, match=r"space format 2, this program reads format 1"):
        netspace.load(saved)


def test_sizes_that_do_not_fit_are_both_named():
    space = NetSpace(FAMILY, **TINY)
    with pytest.raises(ValueError, match=r"PReps of size \(8, 10000\), this space reads \(4, 10000\)"):
        space.encode(preps(1, "siren256"))
    with pytest.raises(ValueError, match=r"embeddings of size 3, this space has 16"):
        space.decode(torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"siren256 as PReps \(8, 10000\), this space siren64 as PReps \(4, 10000\)"):
        space.check_family(Family.of("siren256"))
    with pytest.raises(ValueError, match=r"no encoder 'graph'"):
        NetSpace(FAMILY, encoder="graph")


# -- several architectures -----------------------------------------------------------------------------------------

CNNS = Family.of("lenetlike/digits", "vanillacnn/digits", "resnet8/digits")


def family_preps() -> torch.Tensor:
    """One fresh network of every architecture, the largest first."""
    return torch.stack([pack(arch.initialise(seed=1), CNNS.size) for arch in CNNS.archs[::-1]])


def test_the_papers_class_head():
    """conv(1-10, k3, s2, p1) on the 64 x 64 map and FC(10 E / 4 - A)."""
    space = NetSpace(Family.of("lenetlike/digits", "vanillacnn/digits"), preset="paper")
    assert [tuple(p.shape) for p in space.head.parameters()] == [(10, 1, 3, 3), (10,), (2, 10 * 4096 // 4), (2,)]
    assert space.head(torch.randn(3, 4096)).shape == (3, 2)


@pytest.mark.parametrize("preset", ["tokens", "paper"])
def test_a_family_is_decoded_to_the_predicted_architectures(preset):
    size = {"embedding": 4096} if preset == "paper" else TINY
    family = CNNS if preset == "tokens" else Family.of(*CNNS.names[:2])
    space = NetSpace(family, preset=preset, **size)
    z = torch.randn(3, space.config.embedding)
    decoded = space.decode(z)
    assert decoded.preps.shape == (3, 1, *family.size) and decoded.class_logits.shape == (3, len(family.archs))
    assert torch.equal(decoded.class_ids, decoded.class_logits.argmax(dim=1))
    asked = torch.tensor([1, 0, 1])
    networks = space.networks(z, asked)
    assert [n.arch for n in networks] == [family.archs[k] for k in asked.tolist()]
    assert networks[0](torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    alone = torch.cat([space.decode(z[i : i + 1], asked[i : i + 1]).preps for i in range(3)])
    assert torch.allclose(alone, space.decode(z, asked).preps, atol=1e-5)


def test_a_prep_says_by_its_padding_what_it_holds():
    assert CNNS.class_ids(family_preps()).tolist() == [2, 1, 0]
    space = NetSpace(CNNS, **TINY)
    for class_id in range(3):  # also what is decoded
        preps = space.decode(torch.randn(2, 16), torch.full((2,), class_id)).preps
        assert CNNS.class_ids(preps).tolist() == [class_id] * 2


def test_architectures_have_chunks_of_their_own():
    space = NetSpace(CNNS, **TINY)
    z, ids = torch.randn(1, 16), torch.arange(3)
    before = space.decode(z.expand(3, 16), ids).preps
    read = space.encode(family_preps())
    with torch.no_grad():
        space.decoder.chunks.mine(space.decoder.bias, 1).add_(1.0)
        space.encoder.chunks.mine(space.encoder.position, 1).add_(1.0)
    changed = [not torch.equal(a, b) for a, b in zip(before, space.decode(z.expand(3, 16), ids).preps, strict=True)]
    assert changed == [False, True, False]
    moved = [not torch.equal(a, b) for a, b in zip(read, space.encode(family_preps()), strict=True)]
    assert moved == [False, True, False]


def test_a_family_comes_back_from_disk(tmp_path):
    space = NetSpace(CNNS, **TINY)
    space.save(tmp_path, dtype=torch.float32)
    loaded = netspace.load(tmp_path)
    z = torch.randn(4, 16)
    for ours, theirs in zip(space.decode(z), loaded.decode(z), strict=True):
        assert torch.equal(ours, theirs)


def test_a_probe_encoder_reads_one_architecture():
    with pytest.raises(ValueError, match="a probe encoder reads one architecture, got lenetlike/digits"):
        NetSpace(CNNS, encoder="probe", **TINY)
