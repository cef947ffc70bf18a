"""Many workers, one ledger: the same records and the same bytes of scores, whoever died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.api import evaluate
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.show.progress import Bars, stderr_console
from lamm_bench.spread import fleet as fleet_module
from lamm_bench.spread import places
from lamm_bench.spread.engaging import Wanted, engaged
from lamm_bench.spread.fleet import Fleet, Model
from lamm_bench.spread.leases import Call
from lamm_bench.spread.processes import Processes
from lamm_bench.spread.wire import pack, unpack
from lamm_bench.types import Generate, Media, Message, Response

from .commands import hear_ctrl_c, lamm_bench, refusal
from .fakes import draw_root

PLUGIN = str(Path(__file__).with_name("mortal.py"))
ROOT = Path(__file__).parents[1]
DEADLINE = 300.0
TWO_TURNS = (
    "scenario: {}\ninstruction: {prompts: none}\nmetric: {protocols: [standard]}\n"
    "inferencer: {name: multi_turn, turns: ['{question}', 'Sure?'], answer: '{answer2}'}\n"
)


def scores_of(folder: Path) -> dict[str, bytes]:
    """What must not depend on who asked."""
    return {path.name: path.read_bytes() for path in [folder / "result.json", *sorted((folder / "scores").iterdir())]}


def timeless(value: Any) -> Any:
    """A line of records without what differs between two equal runs."""
    passing = ("seconds", "queued", "sum")
    return {key: timeless(one) for key, one in value.items() if key not in passing} if isinstance(value, dict) else value


def records_of(folder: Path) -> list[str]:
    """Every line of records, in the order of samples and steps: of each of them one."""
    lines = [json.loads(line) for path in sorted((folder / "records").iterdir()) for line in path.read_text().splitlines()]
    keys = [(line["sample"], line.get("step", -1)) for line in lines]
    assert len(keys) == len(set(keys)), "a question was answered twice"
    return [json.dumps(timeless(line), sort_keys=True) for _, line in sorted(zip(keys, lines), key=lambda pair: pair[0])]


def same(one: Path, other: Path) -> None:
    assert records_of(one) == records_of(other)
    assert scores_of(one) == scores_of(other)


def go(tmp_path: Path, name: str, workers: int = 0, count: int = 12, root: Path | None = None, **settings: Any) -> Outcome:
    """One run of `mortal`, by so many workers or (0) by this process."""
    asked = {key: settings.pop(key) for key in ("tasks", "recipe") if key in settings}
    more = {key: settings.pop(key) for key in ("engine", "address", "patience", "allow_mixed") if key in settings}
    root = root or draw_root(tmp_path / "data", count=count)
    (tmp_path / f"marks-{name}").mkdir(exist_ok=True)
    settings = {"marks": str(tmp_path / f"marks-{name}"), **settings}
    catalog = load_catalog([PLUGIN])
    adapter = catalog.adapter("mortal", settings)
    options = Options("mortal", {}, **{"tasks": "colours", "output": tmp_path / name, **asked})
    if not workers:
        return run(options, catalog, adapter, root, "test", Watcher())
    crew = engaged(Wanted(str(workers), **more), Model("mortal", settings, [PLUGIN]), adapter, catalog.plugin_files)
    try:
        return run(options, catalog, crew, root, "test", Watcher())
    finally:
        crew.close()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(marks: Path) -> list[int]:
    return [int(path.name.removeprefix("worker-")) for path in marks.glob("worker-*")]


def test_two_workers_write_what_one_process_writes(tmp_path: Path) -> None:
    go(tmp_path, "one")
    outcome = go(tmp_path, "two", workers=2, company=2)
    assert outcome.complete
    same(tmp_path / "one", tmp_path / "two")
    assert len(pids(tmp_path / "marks-two")) == 2
    assert not any(map(alive, pids(tmp_path / "marks-two")))


def test_dialogues_of_two_turns_are_those_of_one_process(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_TURNS)
    recipe = str(tmp_path / "two.yaml")
    go(tmp_path, "one", recipe=recipe)
    go(tmp_path, "two", workers=2, recipe=recipe)
    same(tmp_path / "one", tmp_path / "two")
    assert len(records_of(tmp_path / "two")) == 24


def test_likelihoods_arrive_to_the_last_digit(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data", count=8, choices=True)
    recipe = tmp_path / "likely.yaml"
    recipe.write_text("scenario: {}\ninstruction: {}\ninferencer: {name: likelihood}\nmetric: {protocols: [standard]}\n")
    go(tmp_path, "one", root=root, recipe=str(recipe))
    go(tmp_path, "two", workers=2, root=root, recipe=str(recipe))
    same(tmp_path / "one", tmp_path / "two")
    assert "logprobs" in records_of(tmp_path / "two")[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_is_killed_loses_no_answer_and_doubles_none(tmp_path: Path, workers: int) -> None:
    go(tmp_path, "one")
    outcome = go(tmp_path, "two", workers=workers, fatal="3")
    assert outcome.complete and (tmp_path / "marks-two/fatal").exists()
    same(tmp_path / "one", tmp_path / "two")
    if workers == 1:  # two may be done before anybody has heard of the death
        (note,) = [note for note in json.loads((tmp_path / "two/timing.json").read_text())["notes"] if "died" in note]
        assert note.startswith("a worker died") and "was ended by signal 9" in note


def test_a_worker_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    go(tmp_path, "one")
    assert go(tmp_path, "two", workers=2, stuck="3").complete
    same(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "marks-two/fatal").exists() and not any(map(alive, pids(tmp_path / "marks-two")))


def test_of_many_questions_only_the_one_that_ends_its_worker_again_and_again_is_an_error(tmp_path: Path) -> None:
    outcome = go(tmp_path, "two", workers=2, deadly="5")
    counts = outcome.scores[0].counts
    assert (counts["ok"], counts["model_error"], counts["missing"]) == (11, 1, 0)
    (failed,) = [line for line in records_of(tmp_path / "two") if "model_error" in line]
    assert '"sample": "5"' in failed and "alone, 2 times" in failed
    go(tmp_path, "two")  # by one process that does not die of it
    go(tmp_path, "one")
    assert scores_of(tmp_path / "two") == scores_of(tmp_path / "one")


def test_what_one_process_began_workers_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(tmp_path, "whole")
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, "begun", die_after=5)
    go(tmp_path, "begun", workers=2)
    same(tmp_path / "whole", tmp_path / "begun")


def begun(tmp_path: Path, number: int) -> list[int]:
    """Kills a command with two slow workers in its middle. Gives the processes that there were."""
    root, marks = draw_root(tmp_path / "data", count=12), tmp_path / "marks"
    marks.mkdir()
    words = ["--plugin", PLUGIN, "--model", "mortal", "--set", f"marks={marks}", "--set", "slow=0.1", "--workers", "2"]
    words += ["--tasks", "colours", "--data-root", str(root), "--output", str(tmp_path / "begun")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = subprocess.Popen(
        [sys.executable, "-m", "lamm_bench", "run", *words],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        preexec_fn=hear_ctrl_c,
    )
    records = tmp_path / "begun/records/colours.jsonl"
    until(lambda: records.exists() and records.read_text().count("\n") >= 3 and len(pids(marks)) == 2)
    workers = pids(marks)
    assert all(map(alive, workers))
    os.kill(command.pid, number)
    _, told = command.communicate(timeout=DEADLINE)
    assert command.returncode == (130 if number == signal.SIGINT else -number), told
    return workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_a_driver_that_is_killed_leaves_nobody_behind_and_one_process_goes_on(number: int, tmp_path: Path) -> None:
    workers = begun(tmp_path, number)
    until(lambda: not any(map(alive, workers)))
    before = Run.read(tmp_path / "begun").ledger("colours").said
    assert 3 <= len(before) < 12
    go(tmp_path, "begun", root=tmp_path / "data")
    go(tmp_path, "whole", root=tmp_path / "data")
    assert records_of(tmp_path / "begun") == records_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("error", "sentence"), [("RuntimeError", "RuntimeError: on fire (errors"), ("Stopped", "not all was asked: on fire")]
)
def test_what_an_adapter_raises_in_a_worker_ends_its_task_as_in_one_process(tmp_path: Path, error: str, sentence: str) -> None:
    one, two = go(tmp_path, "one", raises=error), go(tmp_path, "two", workers=1, raises=error)
    assert one.unavailable == two.unavailable and sentence in two.unavailable["colours"]
    if error == "RuntimeError":
        assert "mortal.py" in (tmp_path / "two/errors/colours.txt").read_text()  # the worker's own traceback


@pytest.mark.parametrize("workers", [0, 2])
def test_a_model_that_cannot_be_loaded_is_the_same_sentence(tmp_path: Path, workers: int) -> None:
    with pytest.raises(BenchError, match="^the model cannot be loaded$"):
        go(tmp_path, "two", workers=workers, cannot="begin")
    assert not (tmp_path / "two").exists()  # whatever it has used before it failed


@pytest.mark.parametrize("overlaps", [False, True])
def test_samples_are_told_to_models_alone_whose_answers_may_hang_on_them(tmp_path: Path, overlaps: bool) -> None:
    go(tmp_path, "two", workers=2, overlaps=overlaps)
    assert {path.name for path in (tmp_path / "marks-two").glob("told-*")} == {f"told-{0 if overlaps else 12}"}


@pytest.fixture()
def mortal_fleet(tmp_path: Path):
    settings = {"marks": str(tmp_path)}
    catalog = load_catalog([PLUGIN])
    crew = Fleet(Model("mortal", settings, [PLUGIN]), catalog.adapter("mortal", settings), Processes([{}]), catalog.plugin_files)
    yield crew, catalog
    crew.close()


def test_what_the_runner_looks_for_is_found_where_the_adapter_has_it_and_only_there(mortal_fleet: Any, tmp_path: Path) -> None:
    crew, catalog = mortal_fleet
    assert crew.modalities == frozenset({"image"}) and crew.fingerprint() == "looks"
    assert crew.remembers == 2 and crew.notes == ["knows colours"]
    assert crew.why_not(catalog.tasks["shades"], {"name": "direct"}) == "it is not asked about shades"
    assert crew.why_not(catalog.tasks["colours"], {"name": "direct"}) is None
    assert crew.seen(Media("image", "/somewhere/17.png")) == (17, 1)
    assert hasattr(crew, "score") and hasattr(crew, "usage")
    for name in ("thinking", "loss", "coordinates", "speaks", "stream", "needs", "ignores", "exact"):
        assert not hasattr(crew, name), name
    root = draw_root(tmp_path / "data", count=3)
    media = [Media("image", str(root / f"2D_Benchmark/pics/{number}.png")) for number in range(3)]
    said = dict(crew.generate([Generate((Message("user", (one, "?")),)) for one in media]))
    assert [said[number].text for number in range(3)] == ["red", "green", "blue"]
    assert crew.usage() == {"calls": 3} and crew.notes == ["knows colours", "has looked"]
    assert crew.shown() == "1/1 workers"


class Stillborn:
    """A worker that is dead before it has said a word."""

    def send(self, line: bytes) -> None: ...

    def status(self) -> str:
        return "was ended by signal 9"

    def last_words(self) -> str:
        return ""

    def close(self) -> None: ...

    stop = close


@pytest.mark.parametrize("deaths", [2, 3])
def test_who_dies_before_the_first_hello_is_replaced_and_only_many_are_the_models_fault(tmp_path: Path, deaths: int) -> None:
    class Unlucky(Processes):
        left = deaths

        def start(self, seat: int, heard: Any) -> Any:
            if not self.left:
                return super().start(seat, heard)
            self.left -= 1
            heard(b"")
            return Stillborn()

    settings = {"marks": str(tmp_path)}
    catalog = load_catalog([PLUGIN])
    crew = Fleet(
        Model("mortal", settings, [PLUGIN]), catalog.adapter("mortal", settings), Unlucky([{}, {}]), catalog.plugin_files
    )
    try:
        if deaths == 3:
            with pytest.raises(BenchError, match="before it said hello"):
                assert crew.hello
        else:
            assert crew.fingerprint() == "looks" and crew.crew.deaths == ["was ended by signal 9"] * 2
    finally:
        crew.close()


def test_another_answer_to_the_same_request_is_an_alarm_in_the_notes(mortal_fleet: Any) -> None:
    crew, _ = mortal_fleet
    assert crew.hello
    (hand,) = crew.crew.ready
    crew._jobs = 1
    call = Call("generate", [Generate((Message("user", ("?",)),))])
    assert call.lend(1, hand.number, 1) and call.copy(2, hand.number + 1)
    crew._owners |= {1: call, 2: call}
    for number, said in ((1, "red"), (2, "blue")):
        crew.take(hand, {"parts": number, "answers": [[0, pack(Response(said))]]})
        assert any("ALARM: 1 request was" in note for note in crew.notes) == (said == "blue")
    assert [response.text for _, response in call.ready] == ["red"]


def test_a_worker_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = fleet_module.versions()
    monkeypatch.setattr(fleet_module, "versions", lambda: {**ours, "torch": "0.1"})
    with pytest.raises(BenchError, match=r"was refused: torch there is .*, here 0\.1"):
        go(tmp_path, "two", workers=1)


def test_a_plugin_that_was_edited_since_the_run_began_is_refused(tmp_path: Path) -> None:
    catalog = load_catalog([PLUGIN])
    crew = Fleet(Model("mortal", {}, [PLUGIN]), catalog.adapter("mortal", {}), Processes([{}]), {PLUGIN: "of other content"})
    with pytest.raises(BenchError, match="mortal.py was edited since the run began"):
        crew.fingerprint()
    crew.close()


@pytest.mark.parametrize(
    ("workers", "model", "sentence"),
    [
        ("0", "oracle", "--workers 0: expected a number of at least 1, or gpus"),
        ("two", "oracle", "--workers two: expected a number of at least 1, or gpus"),
        ("2", "openai-chat", "asks servers, many questions at a time, from one process; name several servers"),
    ],
)
def test_workers_that_cannot_be_are_one_sentence(workers: str, model: str, sentence: str) -> None:
    more = ("--set", "model=m") if model == "openai-chat" else ()
    assert sentence in refusal("run", "--model", model, *more, "--workers", workers, "--tasks", "svt")


def test_gpus_are_one_worker_each_and_where_there_are_none_that_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-b, 5,7")
    monkeypatch.setattr(places, "COUNT", "print('a warning'); print(2)")
    assert [seat["CUDA_VISIBLE_DEVICES"] for seat in places.seats("gpus")] == ["GPU-b", "5"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [seat["CUDA_VISIBLE_DEVICES"] for seat in places.seats("gpus")] == ["0", "1"]
    for nothing in ("print(0)", "raise SystemExit(1)"):
        monkeypatch.setattr(places, "COUNT", nothing)
        with pytest.raises(BenchError, match="PyTorch finds no GPU here"):
            places.seats("gpus")


def test_workers_share_the_cores_unless_the_user_has_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    assert places.seats("2")[0]["OMP_NUM_THREADS"] == "4" and places.seats("16")[0]["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS" not in places.seats("2")[0]


def test_a_model_in_a_process_of_its_own_may_have_several_workers(tmp_path: Path, mini_root: Path) -> None:
    (tmp_path / "serve.py").write_text(
        "import json, sys\n"
        "print(json.dumps({'name': 'e', 'fingerprint': '1', 'modalities': ['image']}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'text': 'CAT'}), flush=True)\n"
    )
    command = f"command={sys.executable} {tmp_path / 'serve.py'}"
    words = ("run", "--model", "process", "--set", command, "--tasks", "svt", "--data-root", mini_root)
    for name, more in (("one", ()), ("two", ("--workers", 2))):
        result = lamm_bench(*words, "--output", tmp_path / name, *more)
        assert result.exit_code == 0, result.output
    same(tmp_path / "one", tmp_path / "two")


def test_progress_shows_workers_and_deaths(mortal_fleet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    crew, _ = mortal_fleet
    crew.crew.deaths.append("was ended by signal 9")
    bars = Bars(stderr_console())
    bars.aside = crew.shown
    bars.begin("svt", 10)
    bars.shown -= 60
    bars.tick(1)
    assert "1 of 10 samples, 0/1 workers, 1 died" in capsys.readouterr().err


def test_every_sample_of_the_benchmark_is_told_to_workers_as_it_is(mini_root: Path) -> None:
    there = [task for task in load_catalog().ordered() if any((mini_root / file).exists() for file in task.meta_files)]
    there = [task for task in there if not task.name.endswith(("similar", "top-p"))]  # which need a file of vectors beside it
    assert len(there) >= 17
    for task in there:
        samples = list(task.samples(mini_root))
        assert unpack(json.loads(json.dumps(pack(samples)))) == samples, task.name


def test_what_cannot_be_told_is_one_sentence() -> None:
    with pytest.raises(BenchError, match="a object cannot be sent to a worker process; leave --workers out"):
        pack([object()])


def test_the_command_line_asks_with_workers_and_says_the_same(tmp_path: Path, mini_root: Path) -> None:
    words = ("run", "--model", "chance", "--tasks", "svt,scanqa,lsp", "--data-root", mini_root)
    for name, more in (("one", ()), ("two", ("--workers", 2))):
        result = lamm_bench(*words, "--output", tmp_path / name, *more)
        assert result.exit_code == 0, result.output
    same(tmp_path / "one", tmp_path / "two")


def test_the_manifest_names_what_all_workers_computed_on_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        go(tmp_path, "two", workers=2, company=2)
    (entry,) = Run.read(tmp_path / "two").manifest["asked"]
    assert sum(kind["count"] for kind in entry["workers"]) >= 1
    assert all("processors" in kind["hardware"] for kind in entry["workers"])
    go(tmp_path, "one")
    assert "workers" not in Run.read(tmp_path / "one").manifest["asked"][0]
    same(tmp_path / "one", tmp_path / "two")


def test_a_file_that_changes_while_it_is_asked_costs_its_own_question_alone(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data", count=12)
    picture = root / "2D_Benchmark/pics/7.png"

    class Changing(Watcher):
        def begin(self, task: str, total: int) -> None:
            picture.write_bytes(picture.read_bytes() + b"\0")  # after it was sealed

    settings = {"marks": str(tmp_path)}
    catalog = load_catalog([PLUGIN])
    adapter = catalog.adapter("mortal", settings)
    crew = engaged(Wanted("1"), Model("mortal", settings, [PLUGIN]), adapter, catalog.plugin_files)
    options = Options("mortal", {}, tasks="colours", output=tmp_path / "two")
    try:
        counts = run(options, catalog, crew, root, "test", Changing()).scores[0].counts
    finally:
        crew.close()
    assert (counts["ok"], counts["media_error"]) == (11, 1)
    assert "7.png has other content than the run was begun with" in (tmp_path / "two/records/colours.jsonl").read_text()


def test_python_asks_with_workers_too(tmp_path: Path, mini_root: Path) -> None:
    for name, more in (("one", {}), ("two", {"workers": 2})):
        evaluate("chance", "svt", mini_root, limit=20, output=tmp_path / name, **more)  # type: ignore[arg-type]
    same(tmp_path / "one", tmp_path / "two")
    with pytest.raises(BenchError, match="give the model's name and settings"):
        evaluate(load_catalog().adapter("chance", {}), "svt", mini_root, workers=2)


@pytest.mark.parametrize(
    ("deaths", "said"),
    [
        (
            ["ended with exit status 3"],
            "a worker died, and what it had not answered was asked again; it ended with exit status 3",
        ),
        (["was killed", "ended"], "2 workers died, and what they had not answered was asked again; the first was killed"),
    ],
)
def test_deaths_are_told_in_a_sentence(deaths: list[str], said: str, mortal_fleet: Any) -> None:
    fleet, _ = mortal_fleet
    fleet.crew.deaths.extend(deaths)
    assert said in list(fleet.events())
