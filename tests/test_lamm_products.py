"""Which library multiplies: sums are the same up to float32's rounding, and PyTorch's own layers stay where they are the faster ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.lamm import products
from lamm_bench.lamm.products import Product, choose_products, onednn_is_faster
from lamm_bench.types import Generate, Message

from .toys import picture, toy_checkpoint

needs_onednn = pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")),
    reason="this PyTorch has no oneDNN",
)


@pytest.fixture
def amd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "LARGE", 16)


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (3, 5, 24), (1, 1, 24), (0, 24)])
def test_products_are_those_of_pytorch(shape: tuple[int, ...], bias: bool) -> None:
    own = nn.Linear(24, 10, bias=bias)
    other = Product(24, 10, bias=bias)
    other.load_state_dict(own.state_dict())
    with torch.inference_mode():
        given = torch.randn(*shape)
        assert torch.allclose(other(given), own(given), atol=1e-5)
        if len(shape) == 3:  # views with gaps, such as the last token of each row
            for view in (given[:, -1:], given.transpose(0, 1)):
                assert torch.allclose(other(view), own(view), atol=1e-5)


@needs_onednn
def test_gradients_and_autocast_go_through_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Product(6, 4)
    layer(torch.randn(2, 6)).sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 6)).dtype == torch.bfloat16


@pytest.mark.parametrize("maker, faster", [("AuthenticAMD", True), ("GenuineIntel", False), (None, False)])
def test_only_processors_that_were_measured_are_changed(
    maker: str | None, faster: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "cpuinfo"
    if maker is not None:
        told.write_text(f"processor\t: 0\nvendor_id\t: {maker}\nflags\t\t: fpu\n", encoding="utf-8")
    monkeypatch.setattr(products, "CPUINFO", told)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(products, "LARGE", 16)
    has = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    assert onednn_is_faster() is (faster and has)
    llama = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    assert choose_products(llama) == (2 if faster and has else 0)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not onednn_is_faster()


def test_half_precision_small_layers_and_those_of_another_kind_keep_their_products(amd: None) -> None:
    class Own(nn.Linear):
        pass

    llama = nn.ModuleList([nn.Linear(4, 4, dtype=torch.bfloat16), Own(4, 4), nn.Linear(4, 3), nn.Linear(4, 4)])
    before = list(llama.state_dict())
    assert choose_products(llama) == 1
    assert [type(layer) for layer in llama] == [nn.Linear, Own, nn.Linear, Product]
    assert list(llama.state_dict()) == before


@needs_onednn
def test_answers_are_the_same_whichever_library_multiplies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = toy_checkpoint(tmp_path / "toy")
    one = picture(tmp_path, "a.png", 1)
    monkeypatch.setattr(products, "LARGE", 1)
    requests = [Generate((Message("user", (one, text)),), 12) for text in ("What is it?", "HOTEL 12", "cat dog")]

    def answers(faster: bool) -> dict[int, object]:
        monkeypatch.setattr(products, "onednn_is_faster", lambda: faster)
        adapter = Adapter(checkpoint=str(folder), device="cpu")
        found = dict(adapter.generate(requests))
        assert any(type(module) is Product for module in adapter.asker.model.llama.modules()) is faster
        return found

    assert answers(True) == answers(False)
