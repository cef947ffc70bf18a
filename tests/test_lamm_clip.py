"""CLIP through both libraries, from either spelling of the weights, and other towers by name."""

from __future__ import annotations

import doctest
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lamm_bench.errors import BenchError
from lamm_bench.lamm.clip import ClipEncoder
from lamm_bench.lamm.clip_keys import openai_layout, transformers_layout
from lamm_bench.lamm.config import LammConfig, read
from lamm_bench.lamm.encoder_configs import ClipTower, VisionTower
from lamm_bench.lamm.tower import TowerEncoder, describe
from lamm_bench.types import Media

from .toys import picture

SMALL = ClipTower(size=28, patch=7, hidden=32, layers=3, heads=4, mlp=48, embedding=24)


def whole_clip(seed: int = 0, **vision: Any) -> Any:
    """A CLIP of transformers, text tower and all, with random weights that are large enough to matter."""
    from transformers import CLIPConfig, CLIPModel

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = CLIPConfig(
        text_config={**sizes, "num_hidden_layers": 1, "vocab_size": 40, "projection_dim": 24},
        vision_config={**sizes, "image_size": 28, "patch_size": 7, "projection_dim": 24, **vision},
        projection_dim=24,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CLIPModel(config).eval()
        for parameter in model.parameters():
            parameter.data.normal_(std=0.3)
    return model


@pytest.fixture(scope="module")
def clip() -> Any:
    return whole_clip()


@pytest.fixture(scope="module")
def folder(clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `save_pretrained` leaves it."""
    path = tmp_path_factory.mktemp("clip")
    clip.save_pretrained(path)
    (path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}))
    return path


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return torch.rand(3, 3, 28, 28, generator=torch.Generator().manual_seed(1)) * 255


def openai_file(clip: Any, path: Path, whole: bool = True) -> Path:
    """The same image tower as OpenAI and open_clip spell it, beside parts of a text tower."""
    tower = openai_layout(clip.state_dict(), path)
    named = {f"visual.{name}" if whole else name: tensor.clone() for name, tensor in tower.items()}
    rest = {
        "logit_scale": torch.zeros(()),
        "transformer.resblocks.0.ln_1.weight": torch.zeros(4),
        "text_projection": torch.zeros(4, 4),
    }
    torch.save({"state_dict": {**named, **rest}} if whole else named, path)
    return path


@torch.no_grad()
def expected_local(clip: Any, pictures: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Patch tokens before ln_post and the global embedding, from transformers' own CLIPModel."""
    middle, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    inputs = (pictures / 255 - middle) / spread
    found = clip.vision_model(pixel_values=inputs)
    return found.last_hidden_state[:, 1:], clip.visual_projection(found.pooler_output)


@torch.no_grad()
@pytest.mark.parametrize("feature", ["local", "global"])
def test_the_tokens_are_those_of_clip_before_ln_post(clip: Any, folder: Path, pictures: Tensor, feature: str) -> None:
    encoder = ClipEncoder(replace(SMALL, weights=str(folder), feature=feature))
    found = encoder(pictures)
    local, embedding = expected_local(clip, pictures, encoder.config.mean, encoder.config.std)
    expected = local if feature == "local" else embedding[:, None]
    assert found.shape == (3, encoder.config.tokens, encoder.config.width) == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_examples_hold() -> None:
    assert doctest.testmod(importlib.import_module("lamm_bench.lamm.clip_keys")).failed == 0


def test_vit_l_14_has_lamms_shapes() -> None:
    assert (ClipTower().tokens, ClipTower().width) == (256, 1024)
    assert (ClipTower(feature="global").tokens, ClipTower(feature="global").width) == (1, 768)


@torch.no_grad()
@pytest.mark.parametrize("feature", ["local", "global"])
@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_both_libraries_give_the_same_tokens(folder: Path, pictures: Tensor, feature: str, activation: str) -> None:
    pytest.importorskip("open_clip", reason="the extra `clip` is not installed")
    config = replace(SMALL, weights=str(folder), feature=feature, activation=activation)
    one, other = ClipEncoder(config)(pictures), ClipEncoder(replace(config, library="open_clip"))(pictures)
    assert one.shape == other.shape and float((one - other).abs().max()) <= 1e-4 < float(one.abs().max())


@torch.no_grad()
@pytest.mark.parametrize("whole", [True, False])
def test_either_spelling_of_the_weights_gives_the_same_tokens(
    clip: Any, folder: Path, pictures: Tensor, tmp_path: Path, whole: bool
) -> None:
    file = openai_file(clip, tmp_path / "vit.pt", whole)
    for feature in ("local", "global"):
        config = replace(SMALL, feature=feature)
        one = ClipEncoder(replace(config, weights=str(folder)))(pictures)
        assert torch.equal(ClipEncoder(replace(config, weights=str(file)))(pictures), one)


def test_the_two_spellings_are_each_others_inverse(clip: Any) -> None:
    state = {name: tensor for name, tensor in clip.state_dict().items() if name.startswith(("vision_model.", "visual_p"))}
    back = transformers_layout(openai_layout(state, Path("x")))
    plain = {name.removeprefix("vision_model."): tensor for name, tensor in state.items()}
    assert back.keys() == plain.keys() and all(torch.equal(back[name], tensor) for name, tensor in plain.items())


@torch.no_grad()
def test_a_picture_is_encoded_alone_as_in_a_batch_and_train_changes_nothing(folder: Path, pictures: Tensor) -> None:
    encoder = ClipEncoder(replace(SMALL, weights=str(folder)))
    together = encoder(pictures)
    encoder.train()
    assert torch.allclose(torch.cat([encoder(one[None]) for one in pictures]), together, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


@torch.no_grad()
@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "I;16", "P", "LA", "1"])
def test_pictures_of_every_mode_become_pixels(folder: Path, tmp_path: Path, mode: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    name = {"CMYK": "a.jpg", "P": "a.gif"}.get(mode, "a.png")
    image = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)) if mode == "I;16" else noise.convert(mode)
    image.save(tmp_path / name)
    encoder = ClipEncoder(replace(SMALL, weights=str(folder)))
    for transform in ("squash", "crop"):
        prepared = encoder.prepare(Media("image", str(tmp_path / name)), transform)
        assert prepared.shape == (28, 28, 3) and prepared.dtype == np.uint8
        assert encoder(encoder.tensor([prepared])).isfinite().all()


@torch.no_grad()
def test_half_precision_stays_near(folder: Path, pictures: Tensor) -> None:
    encoder = ClipEncoder(replace(SMALL, weights=str(folder)))
    exact = encoder(pictures)
    half = encoder.to(torch.bfloat16)(pictures)
    assert half.dtype == torch.bfloat16 and torch.allclose(half.float(), exact, atol=0.1 * float(exact.abs().max()))


def spoilt(clip: Any, path: Path, change: dict[str, Tensor | None]) -> str:
    state = dict(clip.state_dict())
    for name, tensor in change.items():
        if tensor is None:
            del state[name]
        else:
            state[name] = tensor
    torch.save(state, path)
    return str(path)


LAYER = "vision_model.encoder.layers.1."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({LAYER + "mlp.fc1.bias": None}, r"lacks the tensor 'encoder.layers.1.mlp.fc1.bias'"),
        ({LAYER + "self_attn.k_proj.bias": None}, r"lacks the tensor 'encoder.layers.1.self_attn.k_proj.bias'"),
        ({LAYER + "layer_norm1.weight": torch.zeros(31)}, r"'encoder.layers.1.layer_norm1.weight' has shape \[31\]"),
        ({"vision_model.encoder.layers.3.layer_norm1.weight": torch.zeros(32)}, "layers.3.layer_norm1.weight' that the encoder"),
        ({"adapter.weight": torch.zeros(2)}, "'adapter.weight' that no CLIP has"),
    ],
)
def test_every_tensor_of_a_clip_is_accounted_for(clip: Any, tmp_path: Path, change: dict[str, Tensor | None], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        ClipEncoder(replace(SMALL, weights=spoilt(clip, tmp_path / "a.pt", change)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_weights_that_are_not_there_or_not_weights_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    (tmp_path / "cut.pt").write_bytes(b"PK\x03\x04 not really")
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "jit.pt"))
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"a": torch.zeros(2)}, tmp_path / "other.pt")
    for name, words in (
        ("gone", "no such file or folder, and not a hub id"),
        ("none", "must hold one weight file of a known name .* it holds: none"),
        ("cut.safetensors", "cannot be read as safetensors"),
        ("cut.pt", "cannot be read as PyTorch weights"),
        ("jit.pt", "TorchScript archive, which holds code; .*openai/clip-vit-large-patch14"),
        ("list.pt", "holds no tensors by name"),
        ("other.pt", "holds no CLIP image tower"),
    ):
        with pytest.raises(BenchError, match=words):
            ClipEncoder(replace(SMALL, weights=str(tmp_path / name)))


def test_without_open_clip_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(BenchError, match="needs the extra `clip`"):
        ClipEncoder(replace(SMALL, library="open_clip"))


def hub(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub cache as the hub's client leaves it, holding `folder` as someone/clip, and no network."""
    import huggingface_hub.constants as constants

    place = cache / "models--someone--clip"
    snapshot = place / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("a" * 40)
    for file in folder.iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@torch.no_grad()
def test_a_hub_id_is_read_from_the_cache(folder: Path, tmp_path: Path, pictures: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(folder, tmp_path, monkeypatch)
    config = describe("someone/clip")
    assert config == replace(SMALL, weights="someone/clip", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    assert torch.equal(ClipEncoder(config)(pictures), ClipEncoder(replace(config, weights=str(folder)))(pictures))
    with pytest.raises(BenchError, match="someone/else are not in the cache, and the hub cannot be reached"):
        ClipEncoder(replace(SMALL, weights="someone/else"))


def test_sharded_weights_are_one(clip: Any, folder: Path, tmp_path: Path, pictures: Tensor) -> None:
    clip.save_pretrained(tmp_path, max_shard_size="40KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    with torch.no_grad():
        one, other = (ClipEncoder(replace(SMALL, weights=str(path)))(pictures) for path in (folder, tmp_path))
    assert torch.equal(one, other)
    next(iter(tmp_path.glob("model-00002*"))).unlink()
    with pytest.raises(BenchError, match="names model-00002.* which is missing"):
        ClipEncoder(replace(SMALL, weights=str(tmp_path)))


def tower_folder(path: Path, model: Any) -> str:
    for parameter in model.parameters():
        parameter.data.normal_(std=0.2, generator=torch.Generator().manual_seed(parameter.numel()))
    model.eval().save_pretrained(path)
    return str(path)


def siglip() -> Any:
    from transformers import SiglipConfig, SiglipModel

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    return SiglipModel(
        SiglipConfig(text_config={**sizes, "vocab_size": 30}, vision_config={**sizes, "image_size": 20, "patch_size": 5})
    )


def dinov2() -> Any:
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

    return Dinov2WithRegistersModel(
        Dinov2WithRegistersConfig(
            hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=20, patch_size=5, num_register_tokens=4
        )
    )


@torch.no_grad()
def test_the_image_tower_of_siglip_by_name(tmp_path: Path) -> None:
    model = siglip()
    config = describe(tower_folder(tmp_path, model))
    assert isinstance(config, VisionTower) and (config.tokens, config.width) == (16, 16)
    encoder = TowerEncoder(config)
    pictures = torch.rand(2, 3, 20, 20) * 255
    middle, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in (config.mean, config.std))
    expected = model.vision_model((pictures / 255 - middle) / spread, output_hidden_states=True)
    assert torch.allclose(encoder(pictures), expected.last_hidden_state, atol=1e-5)
    before = TowerEncoder(replace(config, layer=-1))(pictures)
    assert torch.allclose(before, expected.hidden_states[-1], atol=1e-5) and not torch.allclose(before, encoder(pictures))
    pooled = TowerEncoder(replace(config, feature="global"))(pictures)
    assert torch.allclose(pooled[:, 0], expected.pooler_output, atol=1e-5)


@torch.no_grad()
def test_dinov2_gives_its_patches_without_class_and_register_tokens(tmp_path: Path) -> None:
    model = dinov2()
    config = describe(tower_folder(tmp_path, model))
    pictures = torch.rand(1, 3, 20, 20) * 255
    encoder = TowerEncoder(config)  # type: ignore[arg-type]
    middle, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in (config.mean, config.std))
    states = model((pictures / 255 - middle) / spread).last_hidden_state
    assert states.shape[1] == 21 and torch.allclose(encoder(pictures), states[:, 5:], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("make", "norm"), [(dinov2, "layernorm"), (siglip, "post_layernorm")])
def test_the_last_normalisation_lies_between_layer_minus_one_and_zero(tmp_path: Path, make: Any, norm: str, capfd: Any) -> None:
    config = describe(tower_folder(tmp_path, make()))
    capfd.readouterr()
    after, before = (TowerEncoder(replace(config, layer=layer)) for layer in (0, -1))  # type: ignore[arg-type, call-arg]
    assert capfd.readouterr() == ("", "")  # transformers' lists of keys would only confuse
    pictures = torch.rand(2, 3, 20, 20) * 255
    inner = getattr(after.tower, "vision_model", after.tower)
    assert torch.allclose(getattr(inner, norm)(before(pictures)), after(pictures), atol=1e-5)


@torch.no_grad()
def test_a_tower_saved_in_half_precision_runs_in_float32(tmp_path: Path) -> None:
    config = describe(tower_folder(tmp_path, dinov2().half()))
    assert TowerEncoder(config)(torch.zeros(1, 3, 20, 20)).dtype == torch.float32  # type: ignore[arg-type]


def test_a_tower_whose_config_says_something_else_is_refused(tmp_path: Path) -> None:
    config = describe(tower_folder(tmp_path, dinov2()))
    for change, words in (
        ({"patch": 10}, "gives 21 tokens of width 16, and its config says 4 of width 16"),
        ({"width": 32}, "of width 16, and its config says 16 of width 32"),
    ):
        with pytest.raises(BenchError, match=words):
            TowerEncoder(replace(config, **change))  # type: ignore[arg-type]


def test_a_tower_without_some_tensors_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    config = describe(tower_folder(tmp_path, dinov2()))
    state = load_file(tmp_path / "model.safetensors")
    save_file({n: t for n, t in state.items() if n != "layernorm.bias"}, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BenchError, match="lacks the tensor 'layernorm.bias'"):
        TowerEncoder(config)  # type: ignore[arg-type]
    save_file({**state, "strange": torch.zeros(2)}, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BenchError, match="'strange' that the tower has no use for"):
        TowerEncoder(config)  # type: ignore[arg-type]


def test_a_tower_can_be_built_from_its_architecture_alone() -> None:
    held = {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 20,
        "patch_size": 5,
    }
    assert TowerEncoder(VisionTower(20, 5, 16, architecture=held)).config.tokens == 16
    with pytest.raises(BenchError, match="Did you mean 'dinov2'"):
        TowerEncoder(VisionTower(20, 5, 16, architecture={**held, "model_type": "dinov"}))


@torch.no_grad()
def test_a_tower_of_open_clip_by_its_name_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_clip = pytest.importorskip("open_clip", reason="the extra `clip` is not installed")
    vision = {"image_size": 20, "layers": 2, "width": 64, "head_width": 32, "patch_size": 5}
    text = {"context_length": 8, "vocab_size": 30, "width": 32, "heads": 2, "layers": 1}
    (tmp_path / "tiny.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(tmp_path)
    model = open_clip.create_model("tiny").eval()
    torch.save(model.state_dict(), tmp_path / "tiny.pt")
    config = VisionTower(20, 5, 64, library="open_clip", name="tiny", weights=str(tmp_path / "tiny.pt"))
    pictures = torch.rand(2, 3, 20, 20) * 255
    middle, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in (config.mean, config.std))
    inputs = (pictures / 255 - middle) / spread
    found = {layer: TowerEncoder(replace(config, layer=layer))(pictures) for layer in (0, -1, -2)}
    every = model.visual.forward_intermediates(inputs, intermediates_only=True, output_fmt="NLC")["image_intermediates"]
    assert torch.allclose(found[-1], every[1], atol=1e-5) and torch.allclose(found[-2], every[0], atol=1e-5)
    assert torch.allclose(found[0], model.visual.ln_post(every[1]), atol=1e-5)
    embedding = TowerEncoder(replace(config, feature="global", width=24))(pictures)
    assert torch.allclose(embedding[:, 0], model.encode_image(inputs), atol=1e-5)
    with pytest.raises(BenchError, match="no architecture of open_clip called 'tinny'. Did you mean 'tiny'"):
        TowerEncoder(replace(config, name="tinny"))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ({"kind": "clop"}, "no kind of c.image called 'clop'. Did you mean 'clip'"),
        ({"kind": "clip", "library": "openclip"}, "no library of a clip encoder called 'openclip'. Did you mean 'open_clip'"),
        ({"kind": "clip", "patch": 13}, "224 cannot be divided by 13"),
        ({"kind": "clip", "patches": 14}, "no key of c.image called 'patches'. Did you mean 'patch'"),
        ({"kind": "tower", "size": 20, "patch": 5}, "c.image lacks the key 'width'"),
        ({"kind": "tower", "size": 20, "patch": 5, "width": 8}, "needs `weights`, or its config"),
        ({"kind": "tower", "size": 20, "patch": 5, "width": 8, "weights": "x", "layer": 1}, "counts from the end"),
        ({"kind": "tower", "size": 20, "patch": 5, "width": 8, "library": "open_clip"}, "needs the name of its architecture"),
        ({"kind": "epcl"}, "no kind of c.image called 'epcl'"),
    ],
)
def test_an_encoder_that_config_json_describes_wrongly_is_refused(image: dict[str, object], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        read(LammConfig, {"name": "x", "llm": {}, "lora": {}, "image": image}, "c")


def test_encoders_are_told_apart_by_their_kind() -> None:
    both = {"image": {"kind": "clip", "feature": "global"}, "point_cloud": {"kind": "epcl", "widths": [[8, 16]], "heads": 2}}
    config = read(LammConfig, {"name": "x", "llm": {}, "lora": {}, **both}, "c")
    assert config.slots == {"image": 1, "point_cloud": 256}
    assert [type(encoder).__name__ for encoder in config.encoders.values()] == ["ClipTower", "Epcl"]
    bare = read(LammConfig, {"name": "x", "llm": {}, "lora": {}, "image": {}}, "c")
    assert bare.encoders["image"].kind == "mini"


def test_prepared_pictures_are_the_recipes_transform(tmp_path: Path) -> None:
    media = picture(tmp_path, "a.png", size=(60, 30))
    encoder = ClipEncoder(SMALL)
    squash, crop = encoder.prepare(media, "squash"), encoder.prepare(media, "crop")
    assert squash.shape == crop.shape and not np.array_equal(squash, crop)
