"""Publishing a checkpoint: what is sent, under which licence, seen by whom, with which scores; and that an interruption costs little."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .commands import done, lamm_bench, refusal
from .hub_server import Hub, hub_server

BASELINE = Path(__file__).parents[1] / "results" / "baseline"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server() as state:
        monkeypatch.setenv("HF_ENDPOINT", state.url)
        monkeypatch.setenv("HF_TOKEN", "hf_toytoytoytoy")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # whose service is a program of its own
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield state


@pytest.fixture(scope="module")
def run_of_it(tmp_path_factory: pytest.TempPathFactory, mini_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("published") / "run"
    done("run", "--model", "lamm", "--tasks", "cifar10", "--limit", 4, "--data-root", mini_root, "--output", folder)
    return folder


def changed(folder: Path, **more: object) -> Path:
    """A copy of the baseline whose config says something else."""
    shutil.copytree(BASELINE, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **more}))
    return folder


def test_what_is_published_is_the_checkpoint_with_its_card(hub: Hub, run_of_it: Path) -> None:
    said = done("publish", BASELINE, "--repo", "me/mini", "--run", run_of_it)
    assert "published, private, under apache-2.0" in said
    repo = hub.repos["me/mini"]
    assert repo["private"] is True
    names = {path.name for path in BASELINE.iterdir()}
    assert set(repo["files"]) == names and all(repo["files"][n] == (BASELINE / n).read_bytes() for n in names - {"README.md"})
    card = repo["files"]["README.md"].decode()
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "apache-2.0" and head["library_name"] == "lamm-bench"
    (row,) = [line for line in card.splitlines() if line.startswith("| cifar10 | standard")]
    value = next(r for r in json.loads((run_of_it / "result.json").read_text())["results"] if r["protocol"] == "standard")
    found = value["metrics"]["accuracy"]
    assert f"{found['value']:.2f} [{found['ci95'][0]:.1f}, {found['ci95'][1]:.1f}] | 4 | 0 | 0 |" in row
    assert card.count("## Scores") == 1, "those of the checkpoint's own card make room"


def test_after_an_interruption_only_the_rest_is_sent(hub: Hub) -> None:
    hub.dies_after = 2
    assert "the hub refuses me/mini" in refusal("publish", BASELINE, "--repo", "me/mini")
    assert hub.repos["me/mini"]["files"] == {} and hub.puts == 2, "nothing is shown before all is there"
    hub.dies_after = None
    done("publish", BASELINE, "--repo", "me/mini")
    large = sum(path.stat().st_size >= 10_000 for path in BASELINE.iterdir())
    assert hub.puts == large and len(hub.repos["me/mini"]["files"]) == 6
    done("publish", BASELINE, "--repo", "me/mini")
    assert hub.puts == large, "what is there is not sent again"


def test_who_sees_it_is_never_a_surprise(hub: Hub) -> None:
    hub.repos["me/seen"] = {"private": False, "files": {}}
    hub.repos["me/hidden"] = {"private": True, "files": {}}
    assert "me/seen is there and public" in refusal("publish", BASELINE, "--repo", "me/seen")
    assert "me/hidden is there and private" in refusal("publish", BASELINE, "--repo", "me/hidden", "--public")
    assert not hub.repos["me/seen"]["files"] and hub.puts == 0
    done("publish", BASELINE, "--repo", "me/new", "--public")
    assert hub.repos["me/new"]["private"] is False


def test_a_look_before_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    said = done("publish", BASELINE, "--dry-run")
    assert "lamm.safetensors: 349,968 bytes" in said and "private" in said and "license: apache-2.0" in said
    assert "needs a token" in refusal("publish", BASELINE, "--repo", "me/mini")


def test_licences_are_the_weights_own(tmp_path: Path) -> None:
    theirs = changed(tmp_path / "nc", licence="CC BY-NC 4.0 (trained on LAMM's instruction data)")
    assert "cc-by-nc-4.0" in done("publish", theirs, "--dry-run")
    assert "published under what they were made under" in refusal("publish", theirs, "--dry-run", "--licence", "apache-2.0")
    silent = changed(tmp_path / "none", licence="")
    assert "says no licence; say under which" in refusal("publish", silent, "--dry-run")
    assert "license: mit" in done("publish", silent, "--dry-run", "--licence", "mit")
    assert "expected the hub's name" in refusal("publish", silent, "--dry-run", "--licence", "do what you want!")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((BASELINE,), "name the repository as owner/name"),
        ((BASELINE, "--repo", "mini"), "--repo mini: expected owner/name"),
        ((BASELINE, "--repo", "a/b/c"), "expected owner/name"),
        (("nowhere", "--dry-run"), "nowhere is no folder"),
        ((BASELINE, "--dry-run", "--run", "nowhere"), "--run nowhere has no result.json"),
    ],
)
def test_what_cannot_be_published(words: tuple[object, ...], said: str) -> None:
    assert said in refusal("publish", *words)


def test_scores_of_another_model_are_refused(tmp_path: Path, mini_root: Path) -> None:
    done("run", "--model", "chance", "--tasks", "cifar10", "--data-root", mini_root, "--output", tmp_path / "run")
    assert "asked another model (chance" in refusal("publish", BASELINE, "--dry-run", "--run", tmp_path / "run")
    broken = changed(tmp_path / "half")
    (broken / "lamm.safetensors").unlink()
    assert "lamm.safetensors is missing" in refusal("publish", broken, "--dry-run")


def test_a_hub_that_refuses_or_is_not_there_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.rights = False
    result = lamm_bench("publish", BASELINE, "--repo", "you/mini")
    assert result.exit_code == 2 and "the hub refuses to write into you/mini (HTTP 403)" in result.stderr
    assert "hf_toytoytoytoy" not in result.output
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "the hub cannot be reached" in refusal("publish", BASELINE, "--repo", "me/mini")
