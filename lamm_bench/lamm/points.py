"""Operations on sets of points, batched, in plain PyTorch: farthest point sampling, ball query, set abstraction.

They are those of PointNet++ (Qi et al. 2017, section 3.2), as upstream's compiled extension has them (reference 3.4): a ball
gives the first points in file order, not the nearest. Coordinates are float32 whatever the precision of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AT_ONCE = 2**21
"""Distances held at a time by `ball_query` (8 MiB), which keeps them in a processor's cache."""
GROUPED_ROWS = 4096
"""Rows that go through the shared layers at a time on a CPU, for the same reason."""


def farthest_points(points: Tensor, count: int, start: Tensor | int = 0) -> Tensor:
    """Indices [batch, count] of points [batch, n, 3]: from `start` on, always the one farthest from all chosen before.

    Of equally far ones the first is taken, so that copies of points at the end of a cloud change nothing. A cloud of fewer
    different points than `count` gives some of them again."""
    batch, n, _ = points.shape
    columns = points.float().transpose(1, 2).contiguous()
    x, y, z = (column.contiguous() for column in columns.unbind(1))
    nearest = torch.full((batch, n), torch.inf, device=points.device)
    chosen = torch.empty((batch, count), dtype=torch.long, device=points.device)
    last = torch.as_tensor(start, dtype=torch.long, device=points.device).expand(batch)
    far, part = torch.empty_like(nearest), torch.empty_like(nearest)
    for index in range(count):
        chosen[:, index] = last
        here = columns.gather(2, last[:, None, None].expand(batch, 3, 1))
        torch.sub(x, here[:, 0], out=far).mul_(far)
        for column, axis in ((y, 1), (z, 2)):
            torch.sub(column, here[:, axis], out=part)
            far.addcmul_(part, part)
        torch.minimum(nearest, far, out=nearest)
        last = nearest.argmax(dim=1)
    return chosen


def ball_query(points: Tensor, centres: Tensor, radius: float, count: int) -> Tensor:
    """Indices [m, count] of the first `count` of points [n, 3] closer than `radius` to each of centres [m, 3].

    A ball of fewer points is filled up with its first one; an empty ball, which no centre taken from the points has, gives 0."""
    points, centres = points.float(), centres.float()
    x, y, z = points.T.contiguous()
    rows = max(1, AT_ONCE // len(points))
    found = [first_inside(part, (x, y, z), radius * radius, count) for part in centres.split(rows)]
    return torch.cat(found)


def first_inside(centres: Tensor, axes: tuple[Tensor, Tensor, Tensor], square: float, count: int) -> Tensor:
    """`ball_query` for as many centres as are looked at together."""
    far = (axes[0] - centres[:, :1]).square_()
    for axis in (1, 2):
        part = axes[axis] - centres[:, axis : axis + 1]
        far.addcmul_(part, part)
    row, column = (far < square).nonzero(as_tuple=True)  # in file order within each row
    held = torch.bincount(row, minlength=len(centres))
    place = torch.arange(len(row), device=row.device) - (held.cumsum(0) - held)[row]
    kept = place < count
    out = torch.zeros((len(centres), count), dtype=torch.long, device=row.device)
    out[row[kept], place[kept]] = column[kept]
    return torch.where(torch.arange(count, device=row.device) < held[:, None], out, out[:, :1])


class SharedLayer(nn.Module):
    """One layer that all points go through: linear without bias, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of linear layer and normalisation in one, from the running statistics."""
        norm = self.norm
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight.float() * torch.rsqrt(norm.running_var.float() + norm.eps)
        bias = norm.bias.float() - norm.running_mean.float() * scale
        dtype = self.linear.weight.dtype
        return (self.linear.weight.float() * scale[:, None]).to(dtype), bias.to(dtype)


class SetAbstraction(nn.Module):
    """Points to fewer points that each know their neighbourhood (PointNet++, section 3.2), for inference only.

    A neighbour is described by its place relative to the centre in units of the radius, and its features. Batch
    normalisation is always that of the running statistics: batches cannot change an answer."""

    def __init__(self, centres: int, radius: float, neighbours: int, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.centres, self.radius, self.neighbours = centres, radius, neighbours
        sizes = (3 + inputs, *widths)
        self.layers = nn.ModuleList(SharedLayer(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, points: Tensor, features: Tensor | None, start: Tensor | int = 0) -> tuple[Tensor, Tensor]:
        """points [batch, n, 3], features [batch, n, inputs] -> centres [batch, m, 3], features [batch, m, widths[-1]]."""
        chosen = farthest_points(points, self.centres, start)
        middles = points.gather(1, chosen[..., None].expand(-1, -1, 3))
        folded = [layer.folded() for layer in self.layers if isinstance(layer, SharedLayer)]
        seen = [
            self.around(cloud, middle, None if features is None else features[index], folded)
            for index, (cloud, middle) in enumerate(zip(points, middles))
        ]
        return middles, torch.stack(seen)

    def around(self, points: Tensor, middles: Tensor, features: Tensor | None, folded: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Features [m, widths[-1]] of one cloud's centres."""
        near = ball_query(points, middles, self.radius, self.neighbours)
        step = max(1, GROUPED_ROWS // self.neighbours) if points.device.type == "cpu" else len(near)
        out = []
        for index, middle in zip(near.split(step), middles.split(step)):
            x = (points[index] - middle[:, None]) / self.radius
            if features is not None:
                x = torch.cat([x.to(features.dtype), features[index]], dim=-1)
            x = x.to(folded[0][0].dtype)
            for weight, bias in folded[:-1]:
                x = torch.relu_(nn.functional.linear(x, weight, bias))
            weight, bias = folded[-1]  # adding the bias and ReLU keep the order, so the greatest neighbour is found before
            out.append(torch.relu_(nn.functional.linear(x, weight).amax(dim=1) + bias))
        return torch.cat(out)
