"""CLIP's image tower: patch tokens of the last block before ln_post, as LAMM takes them, or the global embedding.

Two libraries run the same tower, transformers' `CLIPVisionModel` and open_clip's `VisionTransformer`; weights of either
spelling go into either (clip_keys.py). Parts that a feature has no use for (ln_post and the projection of local tokens) are
left out of the module, so that every tensor that is loaded counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from . import weights
from .clip_keys import openai_layout, transformers_layout
from .encoder_configs import ClipTower
from .frozen import Frozen, built, freeze, import_open_clip, normalised, unset
from .vision import PictureEncoder

UNUSED = {"local": ("ln_post.weight", "ln_post.bias", "proj"), "global": ()}


class ClipEncoder(Frozen, PictureEncoder):
    """Pictures of `config.size` squared to [tokens, width]: 256 x 1024 for ViT-L/14, or 1 x 768."""

    def __init__(self, config: ClipTower) -> None:
        super().__init__()
        self.config = config
        self.tower: Any = from_open_clip(config) if config.library == "open_clip" else from_transformers(config)
        if config.weights:
            path = weights.locate(config.weights, config.revision)
            self.fill(openai_layout(weights.tensors(path), path), str(path))
        freeze(self)

    def fill(self, tower: Mapping[str, Tensor], where: str) -> None:
        """Takes over an image tower under OpenAI's names."""
        used = {name: tensor for name, tensor in tower.items() if name not in UNUSED[self.config.feature]}
        if self.config.library == "transformers":
            used = transformers_layout(used)
        own = {name.removeprefix("vision_model."): tensor for name, tensor in self.tower.state_dict().items()}
        weights.fill(where, own, used)

    def forward(self, batch: Tensor) -> Tensor:
        """Pixels [batch, 3, size, size] of 0 to 255 to tokens [batch, tokens, width]."""
        dtype = next(self.tower.parameters()).dtype
        inputs = normalised(batch, self.config.mean, self.config.std, dtype)
        if self.config.library == "open_clip":
            if self.config.feature == "global":
                return self.tower(inputs)[:, None]
            found = self.tower.forward_intermediates(inputs, indices=1, intermediates_only=True, output_fmt="NLC")
            return found["image_intermediates"][-1]
        found = self.tower(pixel_values=inputs)
        return found.image_embeds[:, None] if self.config.feature == "global" else found.last_hidden_state[:, 1:]


def from_transformers(config: ClipTower) -> Any:
    """transformers' tower, its last hidden state being that before ln_post."""
    from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

    settings = CLIPVisionConfig(
        hidden_size=config.hidden,
        intermediate_size=config.mlp,
        projection_dim=config.embedding,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        image_size=config.size,
        patch_size=config.patch,
        hidden_act=config.activation,
    )
    with unset(config.weights):
        if config.feature == "global":
            return CLIPVisionModelWithProjection(settings)
        model: Any = CLIPVisionModel(settings)
    inner = getattr(model, "vision_model", model)
    inner.post_layernorm = nn.Identity()
    return model


def from_open_clip(config: ClipTower) -> Any:
    """open_clip's tower."""
    import_open_clip()
    from open_clip.transformer import QuickGELU, VisionTransformer

    settings = {
        "image_size": config.size,
        "patch_size": config.patch,
        "width": config.hidden,
        "layers": config.layers,
        "heads": config.heads,
        "mlp_ratio": config.mlp / config.hidden,
        "output_dim": config.embedding,
        "act_layer": QuickGELU if config.activation == "quick_gelu" else nn.GELU,
    }
    tower: Any = built(lambda: VisionTransformer(**settings), config.weights)
    if config.feature == "local":
        tower.ln_post, tower.proj = nn.Identity(), None
    return tower
