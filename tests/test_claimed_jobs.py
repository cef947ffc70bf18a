"""`run --shard I/N --claims DIR`: real jobs that die, are slow or come late, and `merge`, which makes the run of one process of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.ask.shares import Share
from lamm_bench.data.locate import find_root
from lamm_bench.errors import BenchError
from lamm_bench.keep.claims import Claims
from lamm_bench.spread.merge import Twice
from lamm_bench.types import Generate

from .commands import done, lamm_bench, refusal
from .fakes import draw_root
from .test_spread import PLUGIN, ROOT, records_of, same, until

COUNT = 48


def words(place: Path, output: str, *more: object, slow: float = 0.0) -> list[str]:
    (place / "marks").mkdir(exist_ok=True)
    model = ["--plugin", PLUGIN, "--model", "mortal", "--set", f"marks={place / 'marks'}", "--set", f"slow={slow}"]
    where = ["--tasks", "colours", "--data-root", str(place / "data"), "--output", str(place / output)]
    return ["run", *model, *where, *map(str, more)]


def claiming(place: Path, number: int, of: int, *more: object) -> tuple[object, ...]:
    return ("--shard", f"{number}/{of}", "--claims", place / "claims", *more)


def merged(place: Path, *parts: int, status: int = 0) -> str:
    folders = [place / f"parts/{number}" for number in parts]
    result = lamm_bench("merge", *folders, "--plugin", PLUGIN, "--data-root", place / "data", "--output", place / "merged")
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A benchmark of one question about each picture, and the run of one process."""
    draw_root(tmp_path / "data", count=COUNT)
    done(*words(tmp_path, "whole"))
    return tmp_path


def answered(folder: Path) -> list[str]:
    path = folder / "records/colours.jsonl"
    return [json.loads(line)["sample"] for line in path.read_text().splitlines()] if path.exists() else []


def last_words(place: Path) -> Counter[str]:
    """How the claims of each block end: the last one's word, or `held`."""
    latest: dict[str, tuple[int, str]] = {}
    for path in (place / "claims").glob("colours.*"):
        block, _, times = path.name.rpartition(".")
        line = path.read_text().splitlines()[-1]
        latest[block] = max(latest.get(block, (-1, "")), (int(times), "held" if line.startswith("{") else line))
    return Counter(word for _, word in latest.values())


def test_of_three_jobs_one_is_killed_one_is_slow_and_nothing_is_missing(place: Path) -> None:
    def start(number: int, slow: float) -> subprocess.Popen[bytes]:
        more = claiming(place, number, 3, "--claim-patience", "1")
        asked = words(place, f"parts/{number}", *more, slow=slow)
        return subprocess.Popen([sys.executable, "-m", "lamm_bench", *asked], cwd=ROOT, stderr=subprocess.PIPE)

    killed = start(2, 0.1)
    try:
        until(lambda: len(answered(place / "parts/2")) >= 2 or killed.poll() is not None)
    finally:
        killed.kill()
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL and last_words(place)["held"] == 1
    others = [start(1, 0.0), start(3, 0.05)]
    for job in others:
        _, told = job.communicate(timeout=300)
        assert job.returncode == 0, told
    assert set(last_words(place)) == {"done"}
    assert len(list((place / "claims").glob("colours.*.1"))) == 1  # what the dead one held was taken over, by one
    said = merged(place, 1, 2, 3)
    same(place / "whole", place / "merged")
    times = Counter(name for number in (1, 2, 3) for name in set(answered(place / f"parts/{number}")))
    twice = sum(count > 1 for count in times.values())
    assert len(times) == COUNT and twice >= 2
    assert f"{twice} samples were answered by more than one job" in said
    assert "ALARM" not in said and "not here" not in said
    before = answered(place / "parts/2")
    done(*words(place, "parts/2", *claiming(place, 2, 3), slow=0.0))  # begun again it finds nothing to do
    assert answered(place / "parts/2") == before


def job(place: Path, number: int, of: int, claims: str = "claims", change: Callable[[Any], None] = id, **more: Any) -> Outcome:
    """A job within this process; `change` makes its adapter another one."""
    catalog = load_catalog([PLUGIN])
    given = {"marks": str(place / "marks"), "slow": "0.0"}
    adapter = catalog.adapter("mortal", given)
    change(adapter)
    asked = {"tasks": "colours", "share": Share(number, of), "claims": place / claims, "output": place / f"parts/{number}"}
    root, source = find_root(place / "data", str, catalog.select_tasks("colours"))
    return run(Options("mortal", given, **{**asked, **more}), catalog, adapter, root, source, Watcher())


def dying(after: int) -> Callable[[Any], None]:
    return lambda adapter: setattr(adapter, "die_after", after)


def test_what_an_interrupted_job_leaves_others_ask_at_once(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job(place, 1, 2, change=dying(3))
    assert last_words(place) == {"left": 1} and len(answered(place / "parts/1")) == 3
    assert job(place, 2, 2).complete  # without patience: nothing is waited for
    assert job(place, 1, 2).complete
    assert answered(place / "parts/1")[3:] == []
    assert "3 samples were answered by more than one job" in merged(place, 1, 2)
    same(place / "whole", place / "merged")


def test_an_interrupted_job_alone_goes_on_from_its_own_records(place: Path) -> None:
    for after in (3, 5, 11):
        with pytest.raises(KeyboardInterrupt):
            job(place, 1, 1, change=dying(after))
    assert job(place, 1, 1).complete
    assert sorted(answered(place / "parts/1"), key=int) == [str(number) for number in range(COUNT)]
    merged(place, 1)
    same(place / "whole", place / "merged")


def test_a_job_that_was_killed_goes_on_with_the_block_that_it_had(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Claims, "end", lambda *words: None)  # it has no time to say that it ends
        job(place, 1, 2, change=dying(3))
    assert last_words(place) == {"held": 1}
    assert job(place, 1, 2).complete
    assert json.loads((place / "parts/1/share.json").read_text())["claims"]["again"] == 1
    assert len(answered(place / "parts/1")) == COUNT and not list((place / "claims").glob("colours.*.1"))
    merged(place, 1)
    same(place / "whole", place / "merged")


def test_jobs_that_see_nothing_of_each_other_ask_everything_twice_and_lose_nothing(place: Path) -> None:
    for number in (1, 2):
        assert job(place, number, 2, claims=f"claims{number}").complete
    assert f"{COUNT} samples were answered by more than one job" in merged(place, 1, 2)
    same(place / "whole", place / "merged")


def test_a_job_that_answers_otherwise_is_an_alarm_and_the_first_answer_counts(place: Path) -> None:
    def lies(adapter: Any) -> None:
        adapter.answer = lambda request: "red" if request.sample in ("1", "2") else type(adapter).answer(adapter, request)

    job(place, 1, 2, claims="claims1")
    job(place, 2, 2, claims="claims2", change=lies)
    said = merged(place, 1, 2)
    assert re.search(r"ALARM: 2 samples were answered otherwise by another job \(colours/([12]), colours/(?!\1)[12]\)", said)
    assert records_of(place / "whole") == records_of(place / "merged")
    whole, both = (json.loads((place / name / "result.json").read_text()) for name in ("whole", "merged"))
    assert both.pop("alarm").startswith("ALARM: 2 samples") and whole == both
    notes = json.loads((place / "merged/timing.json").read_text())["notes"]
    assert any(note.startswith("ALARM: 2") for note in notes)
    assert "ALARM" in said and "exact" not in json.loads((place / "parts/2/share.json").read_text())
    rounded = Twice(5, ["colours/1"]).notes(exact=False)
    assert "rounding depends on the batch" in rounded[1] and "ALARM" not in rounded[1]


def test_of_a_model_that_rounds_with_its_batch_other_answers_are_no_alarm(place: Path) -> None:
    def halves(adapter: Any) -> None:
        adapter.exact = False
        adapter.answer = lambda request: "red"

    job(place, 1, 2, claims="claims1")
    for _ in range(2):  # the second time it is not asked, and cannot tell
        job(place, 2, 2, claims="claims2", change=halves)
        assert json.loads((place / "parts/2/share.json").read_text())["exact"] is False
    said = merged(place, 1, 2)
    assert "32 samples were answered otherwise by another job" in said and "ALARM" not in said
    same(place / "whole", place / "merged")


def test_what_a_job_cannot_answer_is_left_to_others_and_its_command_says_so(place: Path) -> None:
    stopped = job(place, 1, 2, change=lambda adapter: setattr(adapter, "raises", "Stopped"))
    assert not stopped.complete and "not all was asked" in stopped.unavailable["colours"]
    assert last_words(place)["left"] == 1
    assert job(place, 2, 2).complete
    merged(place, 1, 2)
    same(place / "whole", place / "merged")


def test_the_model_is_told_of_a_task_once_though_it_is_asked_in_blocks(place: Path) -> None:
    told: list[str] = []

    def noting(adapter: Any) -> None:
        adapter.begin = lambda one: told.append(one.task.name)

    job(place, 1, 1, change=noting)
    assert told == ["colours"] and len(list((place / "claims").glob("colours.*"))) == COUNT // 8


def test_shares_of_several_tasks_that_claim_are_the_run_of_one_process(mini_root: Path, tmp_path: Path) -> None:
    asked = ("run", "--model", "majority", "--tasks", "svt,lsp,scanqa,sqaimage", "--data-root", mini_root)
    done(*asked, "--output", tmp_path / "whole")
    for number in (3, 1, 2):
        done(*asked, "--output", tmp_path / f"parts/{number}", *claiming(tmp_path, number, 3))
    assert lamm_bench("merge", *sorted((tmp_path / "parts").iterdir()), "--output", tmp_path / "merged").exit_code == 0
    same(tmp_path / "whole", tmp_path / "merged")
    assert records_of(tmp_path / "parts/3") == records_of(tmp_path / "whole")  # it was alone, and asked it all
    assert json.loads((tmp_path / "parts/2/share.json").read_text())["share"] == [2, 3]


def test_workers_ask_what_their_job_has_claimed(place: Path) -> None:
    for number in (1, 2):
        done(*words(place, f"parts/{number}", *claiming(place, number, 2, "--workers", "2")))
    merged(place, 1, 2)
    same(place / "whole", place / "merged")


def test_begun_anew_a_job_asks_again_what_it_had_claimed(place: Path) -> None:
    done(*words(place, "parts/1", *claiming(place, 1, 1)))
    done(*words(place, "parts/1", *claiming(place, 1, 1, "--fresh")))
    assert len(answered(place / "parts/1")) == COUNT
    for path in (place / "parts/1/records").iterdir():
        path.unlink()
    done(*words(place, "parts/1", *claiming(place, 1, 1)))
    assert len(answered(place / "parts/1")) == COUNT


def test_claims_that_cannot_be_are_one_sentence(place: Path) -> None:
    job(place, 1, 2)
    for number, (more, why) in enumerate(
        (
            (("--shard", "1/3"), "holds the claims of another run (different: blocks, shares)"),
            (("--shard", "1/2", "--seed", "7"), "holds the claims of another run (different: seed)"),
            (("--shard", "1/2", "--limit", "3"), "holds the claims of another run (different: blocks, data, limit)"),
        )
    ):
        assert why in refusal(*words(place, f"other{number}", "--claims", place / "claims", *more))
        assert not answered(place / f"other{number}")
    (place / "file").touch()
    share = ("--shard", "1/2", "--claims")
    assert "cannot write to --claims" in refusal(*words(place, "other", *share, place / "file"))
    assert "cannot write to --claims" in refusal(*words(place, "other", *share, place / "file/below"))
    assert "which is no claim; name an empty folder" in refusal(*words(place, "other", *share, place / "data"))
    assert "is the run's own folder" in refusal(*words(place, "other", *share, place / "other"))
    assert "add --shard I/N" in refusal(*words(place, "other", "--claims", place / "claims"))
    assert "add --claims DIR" in refusal(*words(place, "other", "--shard", "1/2", "--claim-patience", "9"))
    assert refusal(*words(place, "other", *share, place / "claims", "--claim-patience", "0"))


def test_a_folder_of_claims_that_goes_away_ends_the_asking_with_a_sentence(place: Path) -> None:
    def removing(adapter: Any) -> None:
        answer = type(adapter).answer

        def gone(request: Generate) -> str:
            if (place / "claims").exists():
                os.rename(place / "claims", place / "elsewhere")
            return str(answer(adapter, request))

        adapter.answer = gone

    with pytest.raises(BenchError, match="cannot write to --claims"):
        job(place, 1, 2, change=removing)
    kept = answered(place / "parts/1")
    assert kept
    os.rename(place / "elsewhere", place / "claims")
    assert job(place, 1, 2).complete and len(answered(place / "parts/1")) == COUNT
