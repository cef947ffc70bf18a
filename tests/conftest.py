"""Shared fixtures: a tiny drawn miniature, the goldens and real data where they exist, and a cache that is the test's own."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: the workers of xdist would fight for the cores

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import lamm_bench  # noqa: F401  (before transformers, for the sake of a torchvision that does not fit)

SHARED = Path(__file__).parents[1].parent / "shared"

settings.register_profile(
    "bench", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("bench")


def pytest_collection_finish() -> None:
    """What all imports have left stays to the end: the doctor, which has garbage collected around every model, need not wait for it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    """No test reads or writes the user's cache or data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("LAMM_BENCH_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def mini_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature with a few items of each of the seventeen files."""
    from lamm_bench.data.mini import make

    root = tmp_path_factory.mktemp("mini") / "root"
    make(root, 0, ("test",), workers=1, counts={"test": 6})
    return root


@pytest.fixture(scope="session")
def goldens() -> Path:
    if not (SHARED / "goldens").is_dir():
        pytest.skip("../shared/goldens is not here")
    return SHARED / "goldens"


@pytest.fixture(scope="session")
def chef_goldens() -> Path:
    if not (SHARED / "goldens-chef").is_dir():
        pytest.skip("../shared/goldens-chef is not here")
    return SHARED / "goldens-chef"


@pytest.fixture(scope="session")
def real_root() -> Path:
    if not (SHARED / "real").is_dir():
        pytest.skip("../shared/real is not here")
    return SHARED / "real"


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of tiny random models of several architectures, by name."""
    from .tiny_hf import TINY

    root = tmp_path_factory.mktemp("tiny")
    return {name: build(root / name) for name, build in TINY.items()}
