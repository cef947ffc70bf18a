"""Texts and pictures as vectors: each computed once, kept by content, and whatever is no vector told in a sentence."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lamm_bench import media
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.embedding import Descriptor, Store, content_of, tf_idf, vectors_of
from lamm_bench.ask.examples import Examples
from lamm_bench.ask.shots import Shots
from lamm_bench.errors import BenchError
from lamm_bench.types import Media, Sample

from .fakes import ColourTask
from .toys import cloud, picture, toy_checkpoint


@dataclass
class Counting:
    """An embedder that counts what it was given."""

    width: int = 3
    name: str = "counting"
    given: list[Any] = field(default_factory=list)
    answer: Any = None

    def fingerprint(self) -> str:
        return f"counting {self.width}"

    def embed(self, things: Sequence[Any]) -> np.ndarray:
        self.given += things
        if self.answer is not None:
            return self.answer
        for one in things:
            if isinstance(one, Media):
                media.check(one)
        return np.array([[len(str(one))] * self.width for one in things], dtype=np.float32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/lamm-bench/embeddings.sqlite"


def test_what_is_the_same_is_embedded_once_and_never_again(tmp_path: Path, own_cache: Path) -> None:
    first, second = picture(tmp_path, "a.png"), picture(tmp_path, "b.png")  # of one content
    other = picture(tmp_path, "c.png", seed=1)
    counting = Counting()
    found = vectors_of(counting, [first, second, other, "What?", "What?"])
    assert len(counting.given) == 3 == len(found) and np.allclose([np.linalg.norm(v) for v in found.values()], 1)
    again = Counting()
    assert vectors_of(again, [other, "What?"]).keys() < found.keys() and again.given == []
    assert vectors_of(Counting(width=4), [other])[content_of(other)].shape == (4,)  # another embedder's are others


def test_a_cache_that_is_no_cache_costs_nothing_but_time(tmp_path: Path, own_cache: Path) -> None:
    own_cache.parent.mkdir(parents=True)
    own_cache.write_bytes(b"no database" * 100)
    assert len(vectors_of(Counting(), ["a", "b"])) == 2
    own_cache.unlink()
    counting = Counting()
    vectors_of(counting, ["a", "b"])
    with sqlite3.connect(own_cache) as base:
        base.execute("UPDATE vectors SET vector = x'0102'")
    vectors_of(counting, ["a", "b"])
    assert counting.given == ["a", "b"] * 2


def test_the_oldest_vectors_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamm_bench.ask.embedding.KEPT", 5 * 12)
    store = Store.open(tmp_path / "small.sqlite")
    for number in range(20):
        store.put({f"k{number}": np.ones(3, dtype=np.float32)})
    assert sorted(store.get({f"k{n}": f"k{n}" for n in range(20)})) == [f"k{n}" for n in range(15, 20)]


def test_a_picture_that_cannot_be_opened_has_no_vector_and_harms_no_other(tmp_path: Path) -> None:
    good = picture(tmp_path, "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    found = vectors_of(Descriptor(), [Media("image", str(tmp_path / "bad.png")), good, Media("image", "/nowhere.png")])
    assert list(found) == [content_of(good)]


@pytest.mark.parametrize(
    "answer, said",
    [
        (np.ones(3), r"an array of shape \[3\]"),
        (np.full((2, 3), np.nan), "values that are not finite"),
        ("words", "gave str"),
        (np.ones((5, 3)), "was given 2 things and gave 5 vectors"),
    ],
)
def test_what_is_no_vector_is_refused(answer: Any, said: str) -> None:
    with pytest.raises(BenchError, match=f"the embedder counting.*{said}"):
        vectors_of(Counting(answer=answer), ["a", "b"])


def test_a_strangers_embedder_that_fails_is_named() -> None:
    class Broken(Counting):
        def embed(self, things: Sequence[Any]) -> np.ndarray:
            raise KeyError("weights")

    with pytest.raises(BenchError, match="the embedder counting raised KeyError: 'weights'"):
        vectors_of(Broken(), ["a"])


def test_texts_are_near_by_rare_words_and_figures_count() -> None:
    table = tf_idf(["a cat on a mat", "a cat in a hat", "7 dogs", "8 dogs", "7 dogs"]).toarray()
    assert np.allclose(table[2], table[4]) and table[2] @ table[3] < 0.9 and table[0] @ table[1] > table[0] @ table[2] == 0
    assert tf_idf(["?", "!"]).shape[0] == 2  # not a word in them


def test_pictures_are_near_by_colour_and_by_edges(tmp_path: Path) -> None:
    drawn = np.zeros((40, 40, 3), dtype=np.uint8) + 128
    for name, (rows, colour) in {
        "lying": ((slice(18, 22), slice(None)), 0),
        "lying-too": ((slice(18, 22), slice(None)), 30),
        "standing": ((slice(None), slice(18, 22)), 0),
    }.items():
        pixels = drawn.copy()
        pixels[rows] = colour
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    lying, too, standing = (
        media.descriptor(Media("image", str(tmp_path / f"{n}.png"))) for n in ("lying", "lying-too", "standing")
    )
    assert lying @ too > lying @ standing and lying.dtype == np.float32


def test_the_lamm_model_embeds_pictures_and_clouds(tmp_path: Path) -> None:
    toy_checkpoint(tmp_path / "toy")
    lamm = load_catalog().embedder("lamm", {"checkpoint": str(tmp_path / "toy")})
    for things in ([picture(tmp_path, f"{n}.png", n) for n in range(3)], [cloud(tmp_path, f"{n}.npy", n) for n in range(3)]):
        found = vectors_of(lamm, things)
        vectors = np.stack(list(found.values()))
        assert len(found) == 3 and not np.allclose(vectors[0], vectors[1])
    task = ColourTask(modality="point_cloud")
    file = [Sample(str(n), "What?", (one,), "red", str(n)) for n, one in enumerate(things)]
    assert len(Shots(task, file, Examples(1, "topk_image", embedder="lamm"), lamm)(file[0])) == 1


def test_packages_that_are_not_here_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, package, extra in (
        ("sentence-transformers", "sentence_transformers", "embedders"),
        ("open-clip", "open_clip", "clip"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(BenchError, match=rf"the embedder {name} needs a package.*\[{extra}\]"):
            load_catalog().embedder(name, {}).embed(["a"])


def test_embedders_of_other_libraries_are_asked_as_they_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against stand-ins with the libraries' own faces: no weights can be had here."""
    import torch

    class SentenceTransformer:
        def __init__(self, model: str, device: str) -> None:
            if model == "nowhere":
                raise OSError("no such model")

        def state_dict(self) -> dict[str, torch.Tensor]:
            return {"w": torch.ones(2, dtype=torch.bfloat16), "n": torch.tensor(3)}

        def encode(self, texts: list[str], show_progress_bar: bool) -> np.ndarray:
            return np.array([[len(text), 1.0] for text in texts])

    class Clip(torch.nn.Module):
        def encode_image(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.flatten(1)[:, :5]

        def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
            return tokens.float()

    def stand_in(name: str, **members: Any) -> None:
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)

    stand_in("sentence_transformers", SentenceTransformer=SentenceTransformer)
    stand_in(
        "open_clip",
        create_model_and_transforms=lambda model, pretrained, device: (
            Clip(),
            None,
            lambda one: torch.as_tensor(np.array(one)).float(),
        ),
        get_tokenizer=lambda model: lambda texts: torch.tensor([[len(text)] * 4 for text in texts]),
    )
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    catalog = load_catalog()
    texts = catalog.embedder("sentence-transformers", {"model": "some"})
    assert texts.fingerprint().startswith("sentence-transformers 1.0 some ") and texts.embed(["abc"]).tolist() == [[3.0, 1.0]]
    with pytest.raises(BenchError, match="cannot load nowhere: OSError: no such model"):
        catalog.embedder("sentence-transformers", {"model": "nowhere"}).fingerprint()
    clip = catalog.embedder("open-clip", {})
    assert clip.embed([picture(tmp_path, "a.png"), picture(tmp_path, "b.png")]).shape == (2, 5) and clip.embed(["ab"]).shape == (
        1,
        4,
    )
    assert clip.fingerprint().startswith("open-clip 1.0 ViT-B-32 openai ")
    with pytest.raises(BenchError, match="Did you mean 'model'"):
        catalog.embedder("sentence-transformers", {"modell": "x"})
    file = [Sample(str(n), f"What {n}?", (picture(tmp_path, f"{n}.png", n),), "red", str(n)) for n in range(3)]
    choose = Shots(ColourTask(), file, Examples(1, "topk_image", embedder="sentence-transformers"), texts)
    assert choose.why_not == "topk_image compares images, which the embedder sentence-transformers does not"
