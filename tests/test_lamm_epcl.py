"""EPCL: upstream's file in, the same tokens out, whatever stands beside a cloud in its batch."""

from __future__ import annotations

import argparse
import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.lamm.clip import ClipEncoder
from lamm_bench.lamm.clip_keys import openai_layout
from lamm_bench.lamm.encoder_configs import ClipTower, Epcl
from lamm_bench.lamm.epcl import EpclEncoder, chosen_points
from lamm_bench.types import Media

from .test_lamm_points import farthest_by_loop, inside_by_loop
from .toys import cloud

SHAPE = {"centres": (10,), "radii": (0.9,), "neighbours": (8,), "widths": ((6, 7, 16),), "place": 5, "task_tokens": 3}
SMALL = Epcl(points=150, **SHAPE, layers=2, heads=2, mlp=24)  # type: ignore[arg-type]


class Layers(nn.Sequential):
    """A shared network under the names that VoteNet and 3DETR give it."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        for number, (a, b) in enumerate(zip(sizes, sizes[1:])):
            layer, norm = nn.Sequential(), nn.Sequential()
            norm.add_module("bn", nn.BatchNorm2d(b))
            layer.add_module("conv", nn.Conv2d(a, b, 1, bias=False))
            layer.add_module("bn", norm)
            layer.add_module("relu", nn.ReLU())
            self.add_module(f"layer{number}", layer)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.attn = nn.MultiheadAttention(16, 2)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(16, 24), "c_proj": nn.Linear(24, 16)})


class Upstream(nn.Module):
    """The same encoder written the long way, one cloud at a time, under names of the kind that upstream's file has."""

    def __init__(self, inputs: int = 0) -> None:
        super().__init__()
        self.pre_encoder = nn.ModuleDict({"mlp_module": Layers((3 + inputs, 6, 7, 16))})
        self.pos_embed = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 16))
        self.clip = nn.ModuleDict({"ln_pre": nn.LayerNorm(16), "transformer": nn.ModuleDict()})
        self.clip["transformer"]["resblocks"] = nn.ModuleList(Block() for _ in range(2))  # type: ignore[index, operator]
        self.te_encoder = nn.ModuleDict({"embedding": nn.Embedding(3, 16)})
        with torch.random.fork_rng():
            torch.manual_seed(3)
            for name, tensor in self.state_dict().items():
                if tensor.is_floating_point():
                    tensor.copy_(torch.rand_like(tensor) + 0.5 if "var" in name else 0.5 * torch.randn_like(tensor))
        self.eval()

    @torch.no_grad()
    def forward(self, points: np.ndarray) -> Tensor:
        xyz = points[:, :3].astype(np.float64)
        tokens = []
        centres = xyz[farthest_by_loop(xyz, 10, 0)]
        for centre in centres:
            near = inside_by_loop(xyz, centre, 0.9, 8)
            group = np.concatenate([(xyz[near] - centre) / 0.9, points[near, 3:]], axis=1)
            x = torch.from_numpy(group).float().T[None, :, None]  # [1, channels, 1, neighbours]
            tokens.append(self.pre_encoder["mlp_module"](x).amax(dim=(2, 3))[0])
        x = self.clip["ln_pre"](torch.stack(tokens) + self.pos_embed(torch.from_numpy(centres).float()))
        x = torch.cat([x, self.te_encoder["embedding"].weight])
        for block in self.clip["transformer"]["resblocks"]:  # type: ignore[index, union-attr]
            y = block.ln_1(x)
            x = x + block.attn(y, y, y)[0]
            y = block.mlp["c_fc"](block.ln_2(x))
            x = x + block.mlp["c_proj"](y * torch.sigmoid(1.702 * y))
        return x[:10]


def points_of(seed: int, count: int = 150, columns: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, columns)).astype(np.float32)


def saved(folder: Path, model: nn.Module, **args: object) -> str:
    """As upstream saves it: the model among other things of its training."""
    held = {"model": model.state_dict(), "optimizer": {"state": {}}, "epoch": 1080, "args": argparse.Namespace(**args)}
    torch.save(held, folder / "epcl.pth")
    return str(folder / "epcl.pth")


@torch.no_grad()
@pytest.mark.parametrize(("color", "height"), [(False, False), (True, False), (True, True)])
def test_upstreams_file_gives_the_tokens_of_the_encoder_written_out(tmp_path: Path, color: bool, height: bool) -> None:
    inputs = 3 * color + height
    model, points = Upstream(inputs), points_of(0, columns=3 + inputs)
    file = saved(tmp_path, model, use_color=color, enc_dim=16, preenc_npoints=10, lr=5e-4, dataset_name="scannet")
    encoder = EpclEncoder(replace(SMALL, weights=file, color=color, height=height))
    found = encoder(encoder.tensor([points]))
    assert found.shape == (1, 10, 16) and (encoder.config.tokens, encoder.config.width) == (10, 16)
    assert torch.allclose(found[0], model(points), atol=1e-4)


@torch.no_grad()
def test_no_batch_changes_a_clouds_tokens() -> None:
    encoder = EpclEncoder(SMALL)
    clouds = [points_of(seed, count) for seed, count in ((1, 150), (2, 40), (3, 6))]  # shorter ones are filled up
    together = encoder(encoder.tensor(clouds))
    for row, points in enumerate(clouds):
        assert torch.allclose(together[row], encoder(encoder.tensor([points]))[0], atol=1e-5)


@torch.no_grad()
def test_calling_train_changes_nothing() -> None:
    encoder = EpclEncoder(SMALL)
    batch = encoder.tensor([points_of(4)])
    before, state = encoder(batch), {name: t.clone() for name, t in encoder.state_dict().items()}
    encoder.train()
    assert torch.equal(encoder(batch), before)
    assert all(torch.equal(t, state[name]) for name, t in encoder.state_dict().items())
    assert not any(p.requires_grad for p in encoder.parameters())


def test_a_cloud_is_drawn_by_its_own_seed_and_never_twice_the_same_point() -> None:
    points = points_of(5, 500)
    one, again, other = (chosen_points(points, SMALL, seed) for seed in ("a", "a", "b"))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert one.shape == (150, 3) and len(np.unique(one, axis=0)) == 150
    few = chosen_points(points[:20], SMALL, "a")
    assert sorted(map(tuple, few)) == sorted(map(tuple, points[:20]))


def test_colours_and_heights_are_upstreams() -> None:
    points = np.array([[0, 0, z, 109.8 + 128, 97.2, 83.8 - 64] for z in range(101)], dtype=np.float32)
    found = chosen_points(points, replace(SMALL, color=True, height=True), "a")
    assert found.shape == (101, 7) and np.allclose(found[:, 3:6], [0.5, 0, -0.25], atol=1e-5)
    assert np.allclose(found[:, 6], found[:, 2] - 0.99, atol=1e-5)  # the 0.99th percentile of 0, 1 ... 100
    bare = chosen_points(points[:, :3], replace(SMALL, color=True), "a")
    assert bare.shape == (101, 6) and not bare[:, 3:].any()  # no colours: the mean colour


@pytest.mark.parametrize("columns", [3, 4, 6, 7])
@torch.no_grad()
def test_clouds_of_any_columns_are_taken(tmp_path: Path, columns: int) -> None:
    points = np.random.default_rng(0).uniform(0, 2, (60, columns)).astype(np.float32)
    np.save(tmp_path / "a.npy", points)
    encoder = EpclEncoder(replace(SMALL, color=True))
    prepared = encoder.prepare(Media("point_cloud", str(tmp_path / "a.npy")), "squash")
    assert prepared.shape == (60, 6) and prepared.dtype == np.float32
    assert encoder(encoder.tensor([prepared])).isfinite().all()


@torch.no_grad()
def test_two_levels_go_through_fewer_and_fewer_centres(tmp_path: Path) -> None:
    config = replace(SMALL, centres=(30, 10), radii=(0.5, 1.0), neighbours=(8, 6), widths=((6, 12), (9, 16)))
    encoder = EpclEncoder(config)
    assert encoder(encoder.tensor([points_of(6)])).shape == (1, 10, 16)
    assert encoder.levels[1].layers[0].linear.weight.shape == (9, 15)  # type: ignore[index, union-attr]
    state = {}
    for name, tensor in encoder.state_dict().items():
        head, level, rest = name.partition(".")[0], name.split(".")[1], name.split(".", 2)[-1]
        if head == "levels":
            module = ("pre_encoder.first.", "pre_encoder.then.")[int(level)]
            rest = rest.replace("layers.", "mlp_module.layer").replace(".linear.", ".conv.").replace(".norm.", ".bn.bn.")
            tensor = tensor[..., None, None] if rest.endswith("conv.weight") else tensor
            name = module + rest
        state[name.replace("blocks.", "resblocks.").replace("place.", "pos.").replace("task.embedding", "task_tokens")] = tensor
    torch.save(state, tmp_path / "two.pth")
    loaded = EpclEncoder(replace(config, weights=str(tmp_path / "two.pth")))
    batch = encoder.tensor([points_of(7)])
    assert torch.equal(loaded(batch), encoder(batch))


def test_a_file_under_our_own_names_loads_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    encoder = EpclEncoder(SMALL)
    save_file(encoder.state_dict(), tmp_path / "own.safetensors")
    loaded = EpclEncoder(replace(SMALL, weights=str(tmp_path / "own.safetensors")))
    assert all(torch.equal(a, b) for a, b in zip(encoder.state_dict().values(), loaded.state_dict().values()))


@torch.no_grad()
def test_clips_blocks_come_from_a_clip_where_the_file_has_none(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    tower = ClipTower(size=8, patch=4, hidden=16, layers=2, heads=2, mlp=24, embedding=8)
    clip = ClipEncoder(replace(tower, feature="global"))
    save_file({k: v.contiguous() for k, v in clip.tower.state_dict().items()}, tmp_path / "clip.safetensors")
    model = Upstream()
    del model.clip
    file = saved(tmp_path, model)
    with pytest.raises(BenchError, match="no transformer blocks of CLIP; `clip` of the config must say"):
        EpclEncoder(replace(SMALL, weights=file))
    encoder = EpclEncoder(replace(SMALL, weights=file, clip=str(tmp_path / "clip.safetensors")))
    # the blocks are CLIP's: over a picture's embeddings they give what CLIP gives
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 255
    local = ClipEncoder(tower)
    local.fill(openai_layout(clip.tower.state_dict(), tmp_path), "here")
    seen: list[Tensor] = []
    inner = getattr(local.tower, "vision_model", local.tower)
    inner.pre_layrnorm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    expected = local(pictures)
    x = encoder.ln_pre(seen[0])
    for block in encoder.blocks:
        x = block(x)
    assert torch.allclose(x[:, 1:], expected, atol=1e-4)


def broken(folder: Path, change: dict[str, object]) -> Epcl:
    state: dict[str, object] = dict(Upstream().state_dict())
    for name, value in change.items():
        if value is None:
            del state[name]
        else:
            state[name] = value
    torch.save({"model": state}, folder / "epcl.pth")
    return replace(SMALL, weights=str(folder / "epcl.pth"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"surprise.weight": torch.zeros(2)}, "'surprise.weight', which is no part of EPCL that we know"),
        ({"pos_embed.2.bias": None}, "lacks the tensor 'place.2.bias'"),
        ({"pos_embed.0.weight": torch.zeros(5, 4)}, r"'place.0.weight' has shape \[5, 4\], the config asks for \[5, 3\]"),
        ({"other_pos.0.bias": torch.zeros(5)}, "'pos_embed.0.bias' and 'other_pos.0.bias' both look like"),
        ({"clip.transformer.resblocks.2.ln_1.bias": torch.zeros(16)}, "'blocks.2.ln_1.bias' that the encoder has no use for"),
        ({"te_encoder.embedding.weight": torch.zeros(4, 16)}, "'te_encoder.embedding.weight', which is no part"),
    ],
)
def test_every_key_of_upstreams_file_is_accounted_for(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        EpclEncoder(broken(tmp_path, change))


def test_a_detectors_other_parts_are_known_and_dropped_and_odd_names_can_be_renamed(tmp_path: Path) -> None:
    config = broken(
        tmp_path, {"decoder.layers.0.norm1.weight": torch.zeros(4), "mlp_heads.sem_cls_head.layers.0.weight": torch.zeros(2)}
    )
    EpclEncoder(config)
    change = {"where.is.0.bias": Upstream().pos_embed[0].bias, "pos_embed.0.bias": None}
    with pytest.raises(BenchError, match="see `rename`"):
        EpclEncoder(broken(tmp_path, change))
    EpclEncoder(replace(broken(tmp_path, change), rename={"where.is.": "pos_embed."}))


def test_options_that_the_file_was_trained_with_must_be_the_configs(tmp_path: Path) -> None:
    file = saved(tmp_path, Upstream(3), use_color=True)
    with pytest.raises(BenchError, match="trained with use_color=True, and the config says color False"):
        EpclEncoder(replace(SMALL, weights=file))


def test_objects_in_a_weight_file_are_never_unpickled(tmp_path: Path) -> None:
    torch.save({"model": Upstream().state_dict(), "when": datetime.date(2023, 6, 1)}, tmp_path / "epcl.pth")
    with pytest.raises(BenchError, match="Python object, datetime.date, which is never unpickled"):
        EpclEncoder(replace(SMALL, weights=str(tmp_path / "epcl.pth")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radii": ()}, "one entry for each level"),
        ({"radii": (0.0,)}, "must be above 0"),
        ({"heads": 3}, "16 cannot be divided by 3"),
        ({"task_network": "silu"}, "task_network .*'silu'"),
        ({"clip": "x"}, "`weights` is empty"),
    ],
)
def test_a_config_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        replace(SMALL, **change)  # type: ignore[arg-type]


def test_a_cloud_of_one_point_has_its_tokens(tmp_path: Path) -> None:
    encoder = EpclEncoder(SMALL)
    with torch.no_grad():
        assert encoder(encoder.tensor([np.zeros((1, 3), np.float32)])).isfinite().all()
        assert encoder(encoder.tensor([encoder.prepare(cloud(tmp_path, "a.npy"), "squash")])).shape == (1, 10, 16)
