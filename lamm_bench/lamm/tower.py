"""Any other image tower, by its name in open_clip or its config in transformers: SigLIP, DINOv2 and their like.

What config.json says of it (size, patch, width) is checked against the tower, with one blank picture, before it is used.
`describe` writes that config for a folder or hub id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lamm_bench.errors import BenchError, unknown

from . import weights
from .encoder_configs import ClipTower, VisionTower
from .frozen import Frozen, freeze, import_open_clip, normalised, unset, without_reports
from .images import CLIP_MEAN, CLIP_STD
from .vision import PictureEncoder

NOT_IMAGES = re.compile(r"(text|decoder|multi_modal|qformer|logit_|classifier|head\b|lm_head|pooler).*")
"""Tensors beside an image tower that transformers may find in a whole model's file and that the tower has no use for."""


class TowerEncoder(Frozen, PictureEncoder):
    """Pictures of `config.size` squared to [tokens, width]."""

    def __init__(self, config: VisionTower) -> None:
        super().__init__()
        self.config = config
        self.tower: Any = from_open_clip(config) if config.library == "open_clip" else from_transformers(config)
        self.prefix = 0  # class and register tokens in front of the patches
        freeze(self)
        self.check()

    def forward(self, batch: Tensor) -> Tensor:
        """Pixels [batch, 3, size, size] of 0 to 255 to tokens [batch, tokens, width]."""
        dtype = next(self.tower.parameters()).dtype
        inputs = normalised(batch, self.config.mean, self.config.std, dtype)
        if self.config.library == "open_clip":
            return self.of_open_clip(inputs)
        found = self.tower(pixel_values=inputs, output_hidden_states=bool(self.config.layer))
        if self.config.feature == "global":
            return found.pooler_output[:, None]
        states = found.hidden_states[self.config.layer] if self.config.layer else found.last_hidden_state
        if states.ndim == 4:  # a convolutional tower's map
            states = states.flatten(2).transpose(1, 2)
        return states[:, self.prefix :]

    def of_open_clip(self, inputs: Tensor) -> Tensor:
        if self.config.feature == "global":
            return self.tower(inputs)[:, None]
        last = self.config.layer
        found = self.tower.forward_intermediates(
            inputs, indices=max(1, -last), normalize_intermediates=not last, intermediates_only=True, output_fmt="NLC"
        )
        return found["image_intermediates"][last or -1]

    @torch.no_grad()
    def check(self) -> None:
        """One blank picture: the tower must give what its config says."""
        config = self.config
        expected = (1, config.tokens, config.width)
        try:
            shape = tuple(self(torch.zeros(1, 3, config.size, config.size)).shape)
        except (RuntimeError, ValueError, IndexError, AssertionError, AttributeError, TypeError) as error:
            raise BenchError(
                f"the image tower {title(config)} cannot take pictures of {config.size} pixels as its config says: "
                f"{weights.short(error)}"
            ) from None
        front = shape[1] - config.tokens
        if config.library == "transformers" and 0 < front <= 2 + getattr(self.tower.config, "num_register_tokens", 0):
            self.prefix, shape = front, (1, config.tokens, shape[2])
        if shape != expected:
            raise BenchError(
                f"the image tower {title(config)} gives {shape[1]} tokens of width {shape[2]}, and its config says "
                f"{config.tokens} of width {config.width} (size {config.size}, patch {config.patch})"
            )


def title(config: VisionTower) -> str:
    return config.weights or config.name or str(config.architecture.get("model_type"))


def from_transformers(config: VisionTower) -> Any:
    """A tower that `AutoModel` knows. Of a model of images and texts only the image tower is built and read."""
    from transformers import AutoModel

    if not config.weights:
        return AutoModel.from_config(image_settings(dict(config.architecture), title(config)))
    path = weights.locate(config.weights, config.revision)
    held = weights.settings(path, "config.json")
    if held is None or not path.is_dir():
        raise BenchError(f"the image tower {path} must be a folder with config.json and weights, as transformers saves it")
    weights.weight_files(path)
    try:
        with without_reports():
            tower, info = AutoModel.from_pretrained(
                path, config=image_settings(held, str(path)), output_loading_info=True, local_files_only=True, dtype=torch.float32
            )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BenchError(f"the image tower {path} cannot be loaded by transformers: {weights.short(error)}") from None
    missing = sorted([*info["missing_keys"], *(str(key[0]) for key in info["mismatched_keys"])])
    if config.feature == "local":  # patch tokens do not go through a pooler, which classifiers are saved without
        missing = [name for name in missing if not name.startswith("pooler.")]
    if missing:
        raise BenchError(f"{path} lacks the tensor '{missing[0]}', or has it in another shape ({len(missing)} such tensors)")
    left = sorted(key for key in info["unexpected_keys"] if not NOT_IMAGES.fullmatch(key))
    if left:
        raise BenchError(f"{path} holds the tensor '{left[0]}' that the tower has no use for ({len(left)} such tensors)")
    return tower


def image_settings(held: Mapping[str, Any], where: str) -> Any:
    """transformers' config of the image tower; of a whole model, that of its part."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    settings = dict(held)
    name = str(settings.pop("model_type", ""))
    if name not in CONFIG_MAPPING:
        raise unknown(f"model type of transformers in {where}", name, CONFIG_MAPPING)
    config = AutoConfig.for_model(name, **settings)
    return getattr(config, "vision_config", config)


def from_open_clip(config: VisionTower) -> Any:
    """The image tower of one of open_clip's architectures, with the weights of a file, folder or hub id."""
    open_clip: Any = import_open_clip()
    from open_clip.model import _build_vision_tower

    held = None if ":" in config.name else open_clip.get_model_config(config.name)  # "hf-hub:..." would go out by itself
    if held is None:
        raise unknown("architecture of open_clip", config.name, open_clip.list_models())
    with unset(config.weights):
        tower = _build_vision_tower(held["embed_dim"], held["vision_cfg"], quick_gelu=held.get("quick_gelu", False))
    if config.weights:
        path = weights.locate(config.weights, config.revision)
        found = weights.tensors(path)
        part = {name.removeprefix("visual."): tensor for name, tensor in found.items() if name.startswith("visual.")}
        weights.fill(str(path), tower.state_dict(), part or found)
    return tower


def describe(source: str, revision: str = "", feature: str = "local") -> ClipTower | VisionTower:
    """The config of a tower of transformers, read from its folder or hub id: CLIP as `ClipTower`, others as `VisionTower`."""
    path = weights.locate(source, revision)
    held = weights.settings(path, "config.json")
    if held is None:
        raise BenchError(f"{path} has no config.json; only a folder as transformers saves it can be described")
    settings = image_settings(held, str(path))
    look = weights.settings(path, "preprocessor_config.json") or {}
    mean, std = (tuple(look.get(key, own)) for key, own in (("image_mean", CLIP_MEAN), ("image_std", CLIP_STD)))
    if settings.model_type == "clip_vision_model":
        return ClipTower(
            weights=source, revision=revision, feature=feature, size=settings.image_size, patch=settings.patch_size,
            hidden=settings.hidden_size, layers=settings.num_hidden_layers, heads=settings.num_attention_heads,
            mlp=settings.intermediate_size, embedding=settings.projection_dim, activation=settings.hidden_act, mean=mean, std=std,
        )  # fmt: skip
    size, patch, width = (getattr(settings, name, None) for name in ("image_size", "patch_size", "hidden_size"))
    if not (isinstance(size, int) and isinstance(patch, int) and isinstance(width, int)):
        held_values = f"{size}, {patch} and {width}, expected numbers"
        raise BenchError(f"{path}: image_size, patch_size and hidden_size of a {settings.model_type} are {held_values}")
    return VisionTower(size, patch, width, weights=source, revision=revision, feature=feature, mean=mean, std=std)
