"""What is on disk: whole lines, one writer, one identity."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest, read_json, request_digest, write_json
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run, find_runs, own_file
from lamm_bench.types import Generate, Media, Message, Prediction, Record, Response

MANIFEST = {"format": 1, "identity": {"seed": 0, "recipe": "r"}}


def test_a_ledger_gives_back_what_was_appended(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "r" / "t.jsonl", write=True)
    response = Response("Ärger \u2028 \ud800", "length", (-0.5, -1.25), (3, 4))
    ledger.append("a", 0, "d0", response, None)
    ledger.append("a", 1, "d1", Response(error="gone", status="refused"), Record("a", "refused", None, "gone", 1.5))
    ledger.append("b", 0, "d2", response, Record("b", "ok", Prediction({"x": "1"}, None), None, 0.25))
    ledger.close()
    again = Ledger.open(tmp_path / "r" / "t.jsonl")
    assert again.said["a"][0] == ("d0", response)
    assert again.said["a"][1][1].status == "refused"
    assert again.ended["a"] == Record("a", "refused", None, "gone", 1.5)
    assert again.ended["b"].prediction == Prediction({"x": "1"})


@given(cut=st.integers(min_value=0, max_value=400))
def test_a_torn_file_loses_only_its_last_line_and_can_be_appended_to(tmp_path_factory, cut: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "t.jsonl"
    ledger = Ledger.open(path, write=True)
    for number in range(5):
        ledger.append(
            f"s{number}", 0, "d", Response(f"answer {number}"), Record(f"s{number}", "ok", Prediction(f"answer {number}"))
        )
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = path.read_bytes().count(b"\n")
    again = Ledger.open(path, write=True)
    assert len(again.ended) == kept
    again.append("new", 0, "d", Response("x"), Record("new", "ok", Prediction("x")))
    again.close()
    assert len(Ledger.open(path).ended) == kept + 1
    assert all(json.loads(line) for line in path.read_text().splitlines())


def three(path: Path, seal: str = "run/t") -> list[bytes]:
    """A file with the ends of three samples, and its lines."""
    ledger = Ledger.open(path, write=True, seal=seal)
    for name in "abc":
        ledger.append(name, 0, "d", Response(f"answer {name}"), Record(name, "ok", Prediction(f"answer {name}")))
    ledger.close()
    return path.read_bytes().splitlines(keepends=True)


@given(place=st.integers(min_value=0, max_value=10_000), bit=st.integers(min_value=0, max_value=7))
def test_no_flipped_bit_changes_an_answer_or_whose_it_is(tmp_path_factory, place: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "t.jsonl"
    three(path)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(data)
    ledger = Ledger.open(path, seal="run/t", strict=True)
    right = {name: Record(name, "ok", Prediction(f"answer {name}")) for name in "abc"}
    assert ledger.ended.items() <= right.items() and ledger.said.keys() <= right.keys()
    assert len(ledger.ended) < 3 and len(ledger.ended) >= 1


def test_a_damaged_line_is_named_put_aside_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    lines = three(path)
    path.write_bytes(lines[0] + b"nonsense\n" + lines[1].replace(b"answer b", b"answer x") + lines[2])
    assert Ledger.open(path, seal="run/t", strict=True).damaged == [2, 3]
    ledger = Ledger.open(path, write=True, seal="run/t", strict=True)
    assert sorted(ledger.ended) == ["a", "c"]
    ledger.append("b", 0, "d", Response("answer b"), Record("b", "ok", Prediction("answer b")))
    ledger.close()
    assert path.read_bytes().splitlines(keepends=True) == [lines[0], lines[2], lines[1]]
    assert path.with_suffix(".damaged").read_bytes() == b"nonsense\n" + lines[1].replace(b"answer b", b"answer x")


def test_lines_of_another_run_or_task_are_not_this_runs(tmp_path: Path) -> None:
    three(tmp_path / "t.jsonl")
    for seal in ("run/u", "other/t", ""):
        assert Ledger.open(tmp_path / "t.jsonl", seal=seal).damaged == [1, 2, 3]


def test_records_of_older_versions_have_no_sums_and_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"sample": "a", "end": {"status": "refused"}}\n{"sample": "b", "end": {"status": "nk"}}\n[1]\n')
    ledger = Ledger.open(path, seal="run/t")
    assert list(ledger.ended) == ["a"] and ledger.damaged == [2, 3]


def test_records_that_are_a_folder_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").mkdir()
    for write in (False, True):
        with pytest.raises(BenchError, match="cannot be read: Is a directory"):
            Ledger.open(tmp_path / "t.jsonl", write)


def test_every_file_is_utf8_whatever_a_model_says(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "t.jsonl", write=True)
    ledger.append("a", 0, "d", Response("HO\ud83dTEL \u2028"), None)
    ledger.close()
    assert "\\ud83d" in (tmp_path / "t.jsonl").read_text(encoding="utf-8")
    assert Ledger.open(tmp_path / "t.jsonl").said["a"][0][1].text == "HO\ud83dTEL \u2028"


def begun(folder: Path, manifest: dict[str, Any], mode: str = "auto") -> Run:
    """A run that has come to something."""
    run = Run.start(folder, manifest, mode)
    run.save("timing.json", {"seed": manifest["identity"]["seed"]})
    return run


def test_a_run_that_never_got_an_answer_leaves_no_trace(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "run", MANIFEST)
    run.ledger("colours", write=True).close()
    run.close()
    assert list(tmp_path.iterdir()) == []


def test_one_answer_keeps_a_run_and_a_later_failure_does_not_take_it_away(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "run", MANIFEST)
    ledger = run.ledger("colours", write=True)
    ledger.append("0", 0, "digest", Response("red"), None)
    ledger.close()
    run.close()
    for _ in range(2):
        Run.start(tmp_path / "run", MANIFEST).close()
        assert Run.read(tmp_path / "run").ledger("colours").said["0"][0][1].text == "red"


def test_a_fresh_run_that_fails_leaves_the_one_that_it_set_aside(tmp_path: Path) -> None:
    begun(tmp_path / "run", MANIFEST).close()
    Run.start(tmp_path / "run", MANIFEST, "fresh").close()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["old-1"]
    begun(tmp_path / "run", MANIFEST).close()


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = Run.start(tmp_path / "run", MANIFEST)
    with pytest.raises(BenchError, match="another process is writing"):
        Run.start(tmp_path / "run", MANIFEST)
    first.close()
    Run.start(tmp_path / "run", MANIFEST).close()


def test_a_folder_with_another_run_is_refused_naming_what_differs(tmp_path: Path) -> None:
    begun(tmp_path / "run", MANIFEST).close()
    other = {"format": 1, "identity": {"seed": 1, "recipe": "r"}}
    with pytest.raises(BenchError, match="different: seed"):
        Run.start(tmp_path / "run", other)


def test_fresh_sets_the_old_run_aside_and_loses_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "run", MANIFEST).close()
    begun(tmp_path / "run", {"format": 1, "identity": {"seed": 9}}, mode="fresh").close()
    assert json.loads((tmp_path / "run/old-1/timing.json").read_text()) == {"seed": 0}
    assert json.loads((tmp_path / "run/timing.json").read_text()) == {"seed": 9}
    assert list(find_runs(tmp_path)) == [tmp_path / "run"]


def test_resume_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no run to resume"):
        Run.start(tmp_path / "run", MANIFEST, "resume")


def test_a_folder_of_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BenchError, match=r"holds thesis\.tex"):
        Run.start(tmp_path, MANIFEST)


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_unwritable_output_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="cannot write"):
        Run.start(tmp_path / "file" / "run", MANIFEST)


def test_a_request_is_known_by_its_media_content_and_not_by_its_label() -> None:
    def request(sha: str, sample: str, tokens: int = 5) -> Generate:
        return Generate((Message("user", (Media("image", "p.png", sha), "Which?")),), tokens, sample=sample)

    assert request_digest(request("a", "1")) == request_digest(request("a", "2"))
    assert request_digest(request("a", "1")) != request_digest(request("b", "1"))
    assert request_digest(request("a", "1")) != request_digest(request("a", "1", 6))


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2, {"c": 3}]}) == digest({"b": [2, {"c": 3}], "a": 1})


def test_half_a_surrogate_pair_from_a_model_breaks_nothing(tmp_path: Path) -> None:
    assert digest("\ud800") != digest("\udfff")
    write_json(tmp_path / "a.json", {"text": "\ud800"})
    assert read_json(tmp_path / "a.json") == {"text": "\ud800"}


def test_a_parent_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="cannot write"):
        write_json(tmp_path / "file" / "a.json", {})


def test_a_refused_folder_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BenchError, match="no run folder"):
        Run.start(tmp_path, MANIFEST)
    with pytest.raises(BenchError, match="no run to resume"):
        Run.start(tmp_path / "new", MANIFEST, "resume")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_death_left_of_a_fresh_run_is_finished_at_the_next_start(tmp_path: Path) -> None:
    begun(tmp_path, MANIFEST).close()
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores/t.json").write_text("{}")
    (tmp_path / ".old-1.moving").mkdir()
    (tmp_path / "manifest.json").rename(tmp_path / ".old-1.moving/manifest.json")  # killed after the first of several moves
    (tmp_path / ".result.json.17.tmp").write_text("half")
    begun(tmp_path, {"format": 1, "identity": {"seed": 9}}, "fresh").close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "old-1", "timing.json"]
    assert sorted(path.name for path in (tmp_path / "old-1").iterdir()) == ["manifest.json", "scores", "timing.json"]


def test_fresh_counts_on_from_the_last_run_set_aside(tmp_path: Path) -> None:
    (tmp_path / "old-7").mkdir()
    begun(tmp_path, MANIFEST).close()
    begun(tmp_path, MANIFEST, "fresh").close()
    assert (tmp_path / "old-8/timing.json").is_file()


def test_a_lock_file_that_is_deleted_lets_nobody_in(tmp_path: Path) -> None:
    first = begun(tmp_path / "run", MANIFEST)
    for path in (tmp_path / "run").glob("lock*"):
        path.unlink()
    with pytest.raises(BenchError, match="another process is writing"):
        Run.start(tmp_path / "run", MANIFEST)
    first.close()


def test_a_run_whose_folder_was_taken_away_says_so_and_makes_no_other(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", MANIFEST)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match="was moved or deleted"):
        run.save("result.json", {})
    run.close()
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize("also", [False, True], ids=["no-flock", "no-locks-at-all"])
def test_file_systems_without_locks_are_written_to_by_one_process_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, also: bool
) -> None:
    import fcntl

    def refused(*_: Any) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refused)
    if also:
        monkeypatch.setattr(fcntl, "lockf", refused)
    first = begun(tmp_path / "run", MANIFEST)
    if also:  # the older way tells processes from one another, not the handles of one
        with pytest.raises(BenchError, match=r"lock.writer says that process \d+ on"):
            Run.start(tmp_path / "run", MANIFEST)
    first.close()
    (tmp_path / "run/lock.writer").write_text(f"{socket.gethostname()} 999999999")  # one that has died
    begun(tmp_path / "run", MANIFEST).close()


@pytest.mark.parametrize(
    "manifest",
    ["[]", "null", "3", '{"format": 1}', '{"format": 1, "identity": null}', '{"format": 7, "identity": {}}', "{", "[" * 99_999],
)
def test_a_manifest_that_is_none_is_one_sentence(tmp_path: Path, manifest: str) -> None:
    begun(tmp_path, MANIFEST).close()
    (tmp_path / "manifest.json").write_text(manifest)
    for open_it in (lambda: Run.start(tmp_path, MANIFEST), lambda: Run.read(tmp_path)):
        with pytest.raises(BenchError, match=r"manifest\.json"):
            open_it()


def test_files_of_a_run_are_told_from_others(tmp_path: Path) -> None:
    begun(tmp_path, MANIFEST).close()
    for name in ("manifest.json", "result.json", "records/t.jsonl", "scores/new.json"):
        assert own_file(tmp_path / name)
    assert not own_file(tmp_path / "report.html") and not own_file(tmp_path.parent / "result.json")


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_json(tmp_path / "pipe", {"a": 1})
    assert json.loads(os.read(reader, 100)) == {"a": 1} and (tmp_path / "pipe").is_fifo()
    os.close(reader)
    with pytest.raises(BenchError, match="a pipe or a device"):
        read_json(tmp_path / "pipe")


def test_a_name_is_synced_to_the_disk_after_the_contents_that_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename that only the cache knows is lost with the power, and the old file comes back."""
    order: list[str] = []
    sync, rename = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def replace(path: Path, target: Path) -> Path:
        order.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_json(tmp_path / "a.json", {"a": 1})
    assert order == ["file", "rename", "folder"]
    order.clear()
    begun(tmp_path / "run", MANIFEST)
    assert order.count("folder") >= order.count("rename") > 0
