"""Attention of many rows behind few beginnings, under the name `lamm_shared` in transformers' registry.

Rows that begin alike (one system message, one scene, one prompt before its options) attend to one copy of that beginning's
keys and values: nothing is computed twice, and nothing is copied for each row. It is the decomposition of Hydragen
(Juravsky et al. 2024, section 3.1). On a CPU both parts go through PyTorch's fused kernel and are merged by the logarithms of
their sums; elsewhere one softmax stands over the beginning's and the row's own scores.

Without a beginning it is PyTorch's fused kernel, or for single queries two products that leave grouped heads folded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

NAME = "lamm_shared"
FUSED = "_scaled_dot_product_flash_attention_for_cpu"


@dataclass(frozen=True)
class Beginnings:
    """Keys and values of G beginnings, padded on the left to P places; one pair for each layer."""

    layers: tuple[tuple[Tensor, Tensor], ...]  # each [G, key heads, P, dim]
    real: Tensor  # bool [G, P]: where a token stands

    def __len__(self) -> int:
        return len(self.real)

    @property
    def bytes(self) -> int:
        return sum(t.element_size() * t.nelement() for pair in self.layers for t in pair)

    def select(self, index: Tensor) -> Beginnings:
        """Those of the given numbers, repeats included; copies."""
        pairs = tuple((k[index.to(k.device)], v[index.to(v.device)]) for k, v in self.layers)
        return Beginnings(pairs, self.real[index.to(self.real.device)])

    def one(self, number: int) -> Beginnings:
        """A single one without its padding, on memory of its own."""
        start = int((~self.real[number]).sum())
        pairs = tuple(
            (k[number : number + 1, :, start:].clone(), v[number : number + 1, :, start:].clone()) for k, v in self.layers
        )
        return Beginnings(pairs, self.real[number : number + 1, start:].clone())

    def part(self, begin: int, end: int) -> Beginnings:
        """Places `begin` to `end` of each; no copies."""
        pairs = tuple((k[:, :, begin:end], v[:, :, begin:end]) for k, v in self.layers)
        return Beginnings(pairs, self.real[:, begin:end])


def side_by_side(parts: list[Beginnings]) -> Beginnings:
    """Several in one, padded on the left to the longest."""
    if len(parts) == 1:
        return parts[0]
    length = max(part.real.shape[1] for part in parts)

    def wide(tensor: Tensor, dim: int) -> Tensor:
        missing = length - tensor.shape[dim]
        return nn.functional.pad(tensor, (0, 0) * (tensor.dim() - dim - 1) + (missing, 0))

    layers = tuple(
        (torch.cat([wide(part.layers[i][0], 2) for part in parts]), torch.cat([wide(part.layers[i][1], 2) for part in parts]))
        for i in range(len(parts[0].layers))
    )
    return Beginnings(layers, torch.cat([wide(part.real, 1) for part in parts]))


class Shared:
    """Which row stands behind which beginning, and how rows are laid out so that one product serves all rows of each."""

    def __init__(self, beginnings: Beginnings, group: Tensor) -> None:
        """`group` [rows] is the number of each row's beginning."""
        count = torch.bincount(group.cpu(), minlength=len(beginnings))
        self.beginnings, self.group, self.most = beginnings, group, int(count.max())
        order = group.cpu().argsort(stable=True)
        self.even = bool((count == self.most).all()) and bool((order == torch.arange(len(group))).all())
        within = torch.empty_like(order)
        starts = count.cumsum(0) - count
        within[order] = torch.arange(len(group)) - starts[group.cpu()[order]]
        self.place = (group.cpu() * self.most + within).to(group.device)
        real = beginnings.real
        low = torch.finfo(torch.float32).min
        self.bias = (
            None if bool(real.all()) else torch.zeros(real.shape, device=real.device).masked_fill(~real, low)[:, None, None]
        )

    def together(self, rows: Tensor) -> Tensor:
        """[rows, heads, q, w] to [G, heads, most * q, w]."""
        _, heads, q, width = rows.shape
        if not self.even:
            spread = rows.new_zeros(len(self.beginnings) * self.most, heads, q, width)
            spread[self.place.to(rows.device)] = rows
            rows = spread
        return rows.reshape(-1, self.most, heads, q, width).transpose(1, 2).reshape(-1, heads, self.most * q, width)

    def apart(self, groups: Tensor) -> Tensor:
        """The inverse of `together`."""
        _, heads, many, width = groups.shape
        q = many // self.most
        rows = groups.reshape(-1, heads, self.most, q, width).transpose(1, 2).reshape(-1, heads, q, width)
        return rows if self.even else rows[self.place.to(rows.device)]

    def select(self, keep: Tensor) -> Shared:
        """Only the given rows; beginnings that nobody stands behind any more are dropped once they are many."""
        group = self.group[keep.to(self.group.device)]
        used = group.unique()
        if 4 * len(used) > 3 * len(self.beginnings):
            return Shared(self.beginnings, group)
        return Shared(self.beginnings.select(used), torch.searchsorted(used, group))


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    shared: Shared | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """query [rows, heads, q, dim]; own key and value [rows, key heads, k, dim]; an additive mask [rows, 1, q, k] or none.

    Gives [rows, q, heads, dim]. A row sees the whole of its beginning, which `key` and `value` do not hold."""
    rows, heads, q, dim = query.shape
    fold = heads // key.shape[1]
    scaling = dim**-0.5 if scaling is None else scaling
    if shared is None and q > 1:
        wide = (key, value) if fold == 1 else (key.repeat_interleave(fold, 1), value.repeat_interleave(fold, 1))
        out = nn.functional.scaled_dot_product_attention(query, *wide, attn_mask=attention_mask, scale=scaling)
        return out.transpose(1, 2).contiguous(), None
    if shared is not None and can_merge(query):
        return merged(query, key, value, attention_mask, scaling, shared, module.layer_idx), None  # type: ignore[arg-type]
    folded = (query * scaling).reshape(rows, -1, fold * q, dim)  # the queries are smaller than the scores
    own = product(folded, key.transpose(2, 3))
    if attention_mask is not None:
        own.view(rows, -1, fold, q, own.shape[-1]).add_(attention_mask[:, :, None])
    if shared is None:
        out = product(softmax(own), value)
        return out.reshape(rows, heads, q, dim).transpose(1, 2).contiguous(), None
    keys, values = shared.beginnings.layers[module.layer_idx]  # type: ignore[index]
    first = product(shared.together(folded), keys.transpose(2, 3))
    if shared.bias is not None:
        first.add_(shared.bias.to(first.device, first.dtype))
    weights = softmax(torch.cat([first, shared.together(own)], dim=-1))
    length = keys.shape[2]
    out = shared.apart(product(weights[..., :length], values)) + product(shared.apart(weights[..., length:]), value)
    return out.reshape(rows, heads, q, dim).transpose(1, 2).contiguous(), None


def can_merge(query: Tensor) -> bool:
    """Whether there is a fused kernel that says the logarithm of each softmax's sum; the public one keeps it to itself."""
    return query.device.type == "cpu" and hasattr(torch.ops.aten, FUSED) and not query.requires_grad


def merged(
    query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scaling: float, shared: Shared, layer: int
) -> Tensor:
    """`attend` behind beginnings, without ever holding a score: 2.4 times as fast at 60 rows of 47 tokens behind 367.

    With a and b the two parts' outputs and A and B the logarithms of their sums, the whole is a + (b - a) sigmoid(B - A)."""
    rows, heads, q, dim = query.shape
    key_heads = key.shape[1]
    fold = heads // key_heads
    folded = query.reshape(rows, key_heads, fold * q, dim)
    if attention_mask is not None:
        attention_mask = attention_mask[:, :, None].expand(rows, 1, fold, q, -1).reshape(rows, 1, fold * q, -1)
    own, own_sum = fused(folded, key, value, attention_mask, scaling)
    begun, begun_sum = fused(shared.together(folded), *shared.beginnings.layers[layer], shared.bias, scaling)
    share = torch.sigmoid(shared.apart(begun_sum) - own_sum).to(own.dtype)
    out = torch.lerp(own, shared.apart(begun), share)
    return out.reshape(rows, heads, q, dim).transpose(1, 2).contiguous()


def fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float) -> tuple[Tensor, Tensor]:
    """Attention [batch, heads, q, dim] and the logarithms [batch, heads, q, 1] of the sums of its softmax."""
    if mask is not None:
        mask = mask.to(query.dtype).expand(len(query), 1, query.shape[2], key.shape[2])
    kernel = getattr(torch.ops.aten, FUSED)
    out, sums = kernel(query, key, value, attn_mask=mask, scale=scaling)
    return out, sums[..., None]


def product(left: Tensor, right: Tensor) -> Tensor:
    """Batched over the first two dimensions, without copying views of a larger cache."""
    out = torch.bmm(left.flatten(0, 1), right.flatten(0, 1))
    return out.view(*left.shape[:2], *out.shape[1:])


def softmax(scores: Tensor) -> Tensor:
    """In float32, given back in the precision of the scores."""
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(scores.dtype)


def register() -> None:
    """Makes `NAME` known to transformers; its masks are the additive ones of `eager`."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)
