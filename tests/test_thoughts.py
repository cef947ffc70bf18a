"""Thoughts and answers: parted without loss, kept apart everywhere, never read, and counted where they do not end."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import lamm_bench
from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.ask.inferencers import ChainOfThought, MultiTurn
from lamm_bench.ask.instruction import Prompt
from lamm_bench.ask.outcome import Outcome
from lamm_bench.errors import BenchError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.measure.stats import ratio
from lamm_bench.read.parting import WELL_KNOWN, Marks, begun_by, chosen, may_begin, opened_by, part
from lamm_bench.read.thoughts import without_thoughts
from lamm_bench.show.tables import result_table, warnings
from lamm_bench.types import Generate, Message, Metric, Response, Sample

from .commands import done
from .commands import lamm_bench as command
from .fakes import ColourScorer, ColourTask, Looker, catalog_with, draw_root
from .faulty_server import Act, Faulty, completion, faulty_server, said
from .test_openai_chat import chat, plain_environment

__all__ = ["plain_environment"]

PLAIN = st.text("abc (A)[0.1]\n.é", max_size=30)
ENDS = {
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel>thought": "<channel|>",
}


def pairs() -> list[tuple[Marks, str, str]]:
    """Every well-known pair as it is written."""
    return [(marks, opening, ENDS.get(opening, marks.written)) for marks in WELL_KNOWN for opening in marks.openings[:1]]


PAIRS = pairs()


@pytest.mark.parametrize(("marks", "opening", "closing"), PAIRS)
def test_every_pair_has_a_way_in_and_a_way_out(marks: Marks, opening: str, closing: str) -> None:
    found = part(f"{opening}\nA?{closing}\n\nB")
    assert (found.answer.strip(), found.thought, found.open) == ("B", "A?", False)
    assert opened_by(f"question\nassistant:{opening}\n") == marks == begun_by(f"\n{opening}\nA?")
    assert opened_by(f"{opening}A?{closing}") is None and begun_by(f"B{opening}") is None
    assert all(may_begin(opening[:size]) for size in range(len(opening)))


@given(st.sampled_from(PAIRS), PLAIN, PLAIN)
def test_what_is_thought_and_what_is_said_come_back(pair: tuple[Marks, str, str], thought: str, answer: str) -> None:
    _, opening, closing = pair
    found = part(f"{opening} {thought}{closing}{answer}")
    assert (found.answer.strip(), found.thought, found.open) == (answer.strip(), thought.strip(), False)
    given_open = part(f"{thought}{closing}{answer}", opened=True)
    assert (given_open.answer.strip(), given_open.thought) == (found.answer.strip(), found.thought)
    lone = part(f"{thought}{closing}{answer}")
    assert lone.thought == given_open.thought if answer.strip() else lone.answer.strip() == ""


@given(st.sampled_from(PAIRS), PLAIN, st.data())
def test_a_thought_that_is_cut_anywhere_leaves_no_answer(pair: tuple[Marks, str, str], thought: str, data: Any) -> None:
    _, opening, closing = pair
    whole = f"{opening} {thought}{closing}"
    cut = part(whole[: data.draw(st.integers(len(opening) + 1, len(whole) - 1))])
    assert cut.open and cut.answer == "" and cut.found


@given(st.text("abc<>/|[]think \n", max_size=60))
def test_a_text_without_marks_stays_what_it_is(text: str) -> None:
    found = part(text)
    assert found.found or (found.answer, found.thought, found.end) == (text, "", 0)
    assert part(text, ()).answer == text


@given(st.lists(st.tuples(PLAIN, st.sampled_from(PAIRS), PLAIN), max_size=3), PLAIN, st.booleans())
def test_parting_changes_nothing_that_standard_reads_and_loses_nothing(turns: list[Any], rest: str, cut: bool) -> None:
    pieces = [[before, f"{opening} ", thought, closing] for before, (_, opening, closing), thought in turns]
    text = "".join(piece for turn in pieces for piece in turn) + rest
    if cut and pieces:
        text = text[: text.rindex(pieces[-1][3])]
    found = part(text)
    assert without_thoughts(found.answer).strip() == without_thoughts(text).strip()
    told = [piece for before, _, thought in turns for piece in (before, thought)] + ([] if cut and pieces else [rest])
    assert sorted("".join(told).replace(" ", "").replace("\n", "")) == sorted(
        (found.answer + found.thought).replace(" ", "").replace("\n", "")
    )
    assert part(found.answer) == replace(part(found.answer), answer=found.answer)  # no marks are left to find


@pytest.mark.parametrize("setting", ["think", "...", "a...", "<think>......</think>"])
def test_marks_that_are_none_are_one_sentence(setting: str) -> None:
    with pytest.raises(BenchError, match="three dots"):
        chosen(setting)


class Thinker(Looker):
    """Sees the colour, and thinks aloud before it says so; every third time it never comes to an end."""

    name = "thinker"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, response in super().generate(requests):
            wrong = "red" if response.text != "red" else "blue"
            ends = int(requests[number].sample) % 3 < 2
            yield number, replace(response, text=f"<think>{wrong}? no." + (f"</think>\n{response.text}" if ends else ""))


def test_thoughts_of_any_adapter_are_kept_apart_and_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamm_bench.ask import catalog as catalogs

    catalog = catalog_with(ColourTask())
    monkeypatch.setattr(catalogs, "load_catalog", lambda plugins=(): catalog)
    root = draw_root(tmp_path / "root", count=9)
    run = lamm_bench.evaluate(Thinker(), tasks="colours", data_root=root, output=tmp_path / "run")
    counts = run.scores["colours"].counts
    assert (counts["ok"], counts["truncated"], counts["unread"]) == (6, 3, 0)
    lines = [json.loads(line) for line in (tmp_path / "run/records/colours.jsonl").read_text().splitlines()]
    assert {line["response"]["reasoning"] for line in lines} == {"red? no.", "blue? no."}
    assert not any("think" in line["response"]["text"] for line in lines)
    assert [line["end"]["status"] for line in lines if line["sample"] in ("2", "5", "8")] == ["truncated"] * 3
    frame = run.frame(form="plain")
    assert frame.columns[3:6] == ["answer", "reasoning", "reasoning_tokens"]
    assert set(frame["reasoning"]) == {"red? no.", "blue? no."} and set(frame["reasoning_tokens"]) == {None}
    asked = Thinker()
    again = lamm_bench.evaluate(asked, tasks="colours", data_root=root, output=tmp_path / "run")
    assert not asked.asked and again.scores["colours"].counts == counts


def test_frames_of_models_that_do_not_think_have_no_such_column(tmp_path: Path, mini_root: Path) -> None:
    run = lamm_bench.evaluate("oracle", tasks="cifar10", limit=2, data_root=mini_root, output=tmp_path / "run")
    assert "reasoning" not in run.frame(form="plain").columns


def test_the_ledger_gives_thoughts_back_and_older_ones_have_none(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "r.jsonl", write=True)
    thought, plain = Response("B", reasoning="A?", reasoning_tokens=0), Response("B")
    ledger.append("1", 0, "q", thought, None)
    ledger.append("2", 0, "q", plain, None)
    ledger.close()
    text = (tmp_path / "r.jsonl").read_text()
    assert text.splitlines()[1].startswith(
        '{"sample": "2", "step": 0, "request": "q", "response": {"text": "B", "finish": "stop"}'
    )
    again = Ledger.open(tmp_path / "r.jsonl")
    assert again.said["1"][0][1] == thought and again.said["2"][0][1] == plain
    (tmp_path / "odd.jsonl").write_text(
        '{"sample": "1", "step": 0, "request": "q", "response": {"text": "B", "finish": "stop", "reasoning": 3}}\n'
    )
    assert Ledger.open(tmp_path / "odd.jsonl").damaged == [1]


ASKED = Prompt((Message("user", ("Which?",)),))
SAMPLE = Sample("1", "Which?", (), "B", "g", choices=("A", "B"))


def talk(flow: Any, *responses: Response) -> list[Generate]:
    asked = [next(flow)]
    try:
        for response in responses:
            asked.append(flow.send(response))
    except StopIteration:
        pass
    return asked


@pytest.mark.parametrize(
    ("first", "held"),
    [
        (Response("It is B.", reasoning="A? No."), "It is B."),
        (Response("", "length", reasoning="A? No, so"), "A? No, so"),
        (Response("A? No. It is B."), "A? No. It is B."),
    ],
)
def test_the_second_turn_of_a_chain_of_thought_holds_the_thought_once(first: Response, held: str) -> None:
    asked = talk(ChainOfThought().infer(SAMPLE, lambda part: ASKED, 9, 0), first, Response("B"))
    assert [message.text for message in asked[1].messages[1:]] == [held, "So the answer is:"]


def test_turns_that_quote_an_answer_quote_no_thought() -> None:
    flow = MultiTurn(turns=("{question}", "Why {answer1}?")).infer(SAMPLE, lambda part: ASKED, 9, 0)
    asked = talk(flow, Response("B", reasoning="A? No."), Response("so"))
    assert "A? No." not in "".join(message.text for message in asked[1].messages)


def test_answer_files_are_read_behind_their_thoughts_and_whole_by_upstreams_protocols(tmp_path: Path, mini_root: Path) -> None:
    """`standard` reads answers, and calls a thought without an end truncated; `classic` reads every text as it stands."""
    items = json.loads((mini_root / "2D_Benchmark/meta_file/VQA_SQAimage.json").read_text())
    right = ["ABCDEF"[int(item["gt_choice"])] for item in items]
    wrong = ["A" if letter != "A" else "B" for letter in right]
    (tmp_path / "answers").mkdir()

    def scored(*texts: str) -> dict[str, Any]:
        entries = [{"id": item["id"], "text": text} for item, text in zip(items, texts)]
        (tmp_path / "answers/VQA_SQAimage.json").write_text(json.dumps(entries))
        command("score", "--answers", tmp_path / "answers", "--data-root", mini_root, "--json", tmp_path / "out.json")
        results = json.loads((tmp_path / "out.json").read_text())["results"]
        return {one["protocol"]: one for one in results}

    bare = scored(*(f"The answer is ({r})." for r in right))
    thinking = scored(*(f"<think>The answer is ({w}).</think>The answer is ({r})." for w, r in zip(wrong, right)))
    assert thinking["standard"]["metrics"] == bare["standard"]["metrics"]
    assert thinking["classic"]["metrics"] != bare["classic"]["metrics"]
    words = ("--model", "scripted", "--set", f"answers={tmp_path / 'answers'}", "--tasks", "sqaimage", "--data-root", mini_root)
    done("run", *words, "--output", tmp_path / "run", "--json", tmp_path / "run.json")
    replayed = {one["protocol"]: one["metrics"] for one in json.loads((tmp_path / "run.json").read_text())["results"]}
    assert replayed["classic"] == thinking["classic"]["metrics"] and replayed["standard"] == bare["standard"]["metrics"]
    brooding = scored(*(f"<think>The answer is ({r})." for r in right))
    assert brooding["standard"]["counts"]["truncated"] == len(items) and brooding["classic"]["counts"]["truncated"] == 0
    assert next(iter(brooding["standard"]["metrics"].values()))["value"] == 0


def test_the_table_tells_how_many_answers_were_cut_and_warns_above_two_in_a_hundred(tmp_path: Path) -> None:
    from lamm_bench.measure.scoring import Answered, score

    task = ColourTask(protocols={"standard": ColourScorer(), "classic": ColourScorer()})
    samples = task.samples(draw_root(tmp_path, count=100))
    for cut, warned in ((0, False), (2, False), (3, True)):
        answered = {one.id: Answered("red", "truncated" if n < cut else "ok") for n, one in enumerate(samples)}
        outcome = Outcome([score(task, name, samples, answered) for name in ("standard", "classic")])
        table = result_table(outcome, 200)
        assert ("cut" in [column.header for column in table.columns]) == bool(cut)
        if cut:
            assert list(table.columns[3].cells) == [f"{cut}%"]
        told = warnings(outcome.scores)
        assert len(told) == warned and all(
            "WARNING: many answers were cut" in line and "colours (3.0 %)" in line for line in told
        )


def test_the_table_fits_with_that_column_too(tmp_path: Path) -> None:
    from lamm_bench.measure.scoring import Answered, score

    class Named(ColourScorer):
        metrics = (Metric("word_recall", ratio("right", "items")),)

    task = ColourTask(name="locating-voc2012", protocols={"standard": Named(), "classic": Named(), "chef": Named()})
    samples = task.samples(draw_root(tmp_path, task.name, count=100))
    answered = {one.id: Answered("red", "truncated" if n < 50 else "ok") for n, one in enumerate(samples)}
    outcome = Outcome([score(task, name, samples, answered) for name in task.protocols])
    for width in range(80, 170):
        console = Console(width=width, file=io.StringIO(), color_system=None)
        console.print(result_table(outcome, width))
        assert "…" not in console.file.getvalue(), width  # type: ignore[attr-defined]


def test_a_report_folds_thoughts(tmp_path: Path, mini_root: Path) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text(
        "from dataclasses import dataclass\nfrom lamm_bench.types import Response\n@dataclass\nclass Muser:\n"
        "    name: str = 'muser'\n    modalities = frozenset({'image'})\n    def fingerprint(self): return 'm'\n"
        "    def generate(self, requests):\n        for n, _ in enumerate(requests):\n"
        "            yield n, Response('cat', reasoning='Is it a <b>dog</b>?', reasoning_tokens=7)\nADAPTERS = {'muser': Muser}\n"
    )
    words = ("--plugin", plugin, "--data-root", mini_root)
    done("run", "--model", "muser", "--tasks", "cifar10", "--limit", 2, "--output", tmp_path / "run", *words)
    done("report", tmp_path / "run", "--out", tmp_path / "report.html", *words)
    page = (tmp_path / "report.html").read_text()
    folded = '<details class="thought"><summary>the thought before the answer</summary><ol><li>(7 tokens) Is it a &lt;b&gt;dog&lt;/b&gt;?</li></ol></details>'
    assert page.count(folded) == 2


def ask(adapter: OpenAIChat, *texts: str) -> list[Response]:
    found = dict(adapter.generate([Generate((Message("user", (text,)),), 16) for text in texts]))
    return [found[number] for number in range(len(texts))]


def counted(body: dict[str, Any], thought: int) -> dict[str, Any]:
    body["usage"]["completion_tokens_details"] = {"reasoning_tokens": thought}
    return body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (counted(completion("B", reasoning_content="A?"), 3), Response("B", tokens=(5,), reasoning="A?", reasoning_tokens=3)),
        (completion("B", reasoning="A?"), Response("B", tokens=(5,), reasoning="A?")),
        (completion("B", reasoning=[{"type": "text", "text": "A?"}]), Response("B", tokens=(5,), reasoning="A?")),
        (counted(completion("B"), 3), Response("B", tokens=(5,), reasoning_tokens=3)),  # OpenAI's own: thoughts are not told
        (completion("<think>A?</think>B"), Response("B", tokens=(5,), reasoning="A?")),
        (completion("A?</think>\n\nB"), Response("B", tokens=(5,), reasoning="A?")),  # the template had opened it
        (completion("<think>A?"), Response("", "length", tokens=(5,), reasoning="A?")),
        (completion("", reasoning_content="A?"), Response("", "length", tokens=(5,), reasoning="A?")),
        (completion("C?</think>B", reasoning_content="A?"), Response("B", tokens=(5,), reasoning="A?\n\nC?")),
    ],
)
def test_a_servers_thoughts_are_told_apart_and_kept_by_the_cache(
    body: dict[str, Any], expected: Response, tmp_path: Path
) -> None:
    with faulty_server(lambda number, asked: Act(body=body)) as server:
        adapter = chat(server, cache=str(tmp_path / "c.sqlite"))
        assert ask(adapter, "a") == [expected] == ask(chat(server, cache=str(tmp_path / "c.sqlite")), "a")
        assert len(server.calls) == 1


def test_the_cache_holds_what_was_said_so_that_other_marks_cost_no_question(tmp_path: Path) -> None:
    with faulty_server(lambda number, asked: said("((A?))B")) as server:
        cache = {"cache": str(tmp_path / "c.sqlite")}
        assert ask(chat(server, **cache), "a")[0].text == "((A?))B"
        assert ask(chat(server, thinking="((...))", **cache), "a")[0] == Response("B", tokens=(5,), reasoning="A?")
        assert len(server.calls) == 1


def test_answers_that_may_be_thoughts_are_noted_where_the_server_hides_that_its_prompt_opens_them() -> None:
    """Cut answers of such a server have no mark at all; only beside those that have the closing one can it be told."""
    bodies = {"ends": completion("A? No.</think>B"), "cut": completion("A? No, so", "length"), "other": completion("B")}
    with faulty_server(lambda number, asked: Act(body=bodies[asked["messages"][0]["content"]])) as server:
        for texts, noted in ((("ends", "other"), False), (("cut", "other"), False), (("ends", "cut"), True)):
            adapter = chat(server)
            ask(adapter, *texts)
            assert bool(adapter.notes) == noted
        assert '--set "thinking=...</think>"' in adapter.notes[0] and "1 answers had only" in adapter.notes[0]
        named = chat(server, thinking="...</think>")
        assert [response.text for response in ask(named, "ends", "cut")] == ["B", ""] and not named.notes


def test_thinking_none_keeps_the_answer_as_it_was_said() -> None:
    with faulty_server(lambda number, asked: said("<think>A?</think>B")) as server:
        assert ask(chat(server, thinking="none"), "a")[0].text == "<think>A?</think>B"


def test_an_error_is_no_thought_even_where_the_prompt_opens_one() -> None:
    with faulty_server(lambda number, asked: Act(400, {"error": {"message": "no"}})) as server:
        (response,) = ask(chat(server, thinking="...</think>"), "a")
        assert (response.status, response.finish, response.reasoning) == ("model_error", "stop", "")


def test_a_budget_for_thoughts_is_added_to_the_limit_and_belongs_to_the_identity() -> None:
    with faulty_server(lambda number, asked: said("B")) as server:
        plain, wide = chat(server), chat(server, reasoning_tokens=1000)
        ask(wide, "a")
        assert server.calls[-1]["max_tokens"] == 1016
        assert plain.fingerprint() != wide.fingerprint()
        assert plain.fingerprint() == old_fingerprint(server)
        with pytest.raises(BenchError, match="at least 0"):
            chat(server, reasoning_tokens=-1)


def old_fingerprint(server: Faulty) -> str:
    """As it was made before there were thoughts."""
    from lamm_bench.keep.files import digest

    return f"fake at {server.url} {digest(['auto', 0, '', 0, 'max_tokens', [], {}, 20], 8)}"


def test_a_key_that_a_server_repeats_in_a_thought_is_hidden() -> None:
    with faulty_server(lambda number, asked: Act(body=completion("B", reasoning_content="the key is sk-secret"))) as server:
        assert ask(chat(server), "a")[0].reasoning == "the key is [secret]"
