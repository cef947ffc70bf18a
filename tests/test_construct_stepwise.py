"""One question and answer at a time: dialogues of small language models are whole rounds, whatever the model does in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.data.construct.plan import read_plan
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Response

from .annotated import coco, plan_of
from .commands import lamm_bench
from .faulty_server import Act, completion, failing, faulty_server
from .test_construct_llm import made
from .writers import Writer, told

SAID = (
    ("What is going on here?", "A dog sleeps here."), ("Who else is there to be seen?", "A dog is the only one to be seen."),
    ("Does anything move around?", "Nothing moves, since the dog is asleep."),
)  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    source = coco(tmp_path, captions=[(1, "A dog sleeps."), (2, "A dog sleeps in a basket.")])
    return plan_of(tmp_path, source, kinds={"C1": {"rounds": 3, "one_at_a_time": True}})


def pair(question: str, answer: str) -> str:
    return json.dumps({"question": question, "answer": answer})


def turn_by_turn(request: Generate) -> str:
    return pair(*SAID[len(told(request).get("asked already", ()))])


def dialogues(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "dialogues.jsonl").read_text().splitlines()]


def test_each_round_is_asked_with_the_questions_before_it(plan: Path, tmp_path: Path) -> None:
    writer = Writer(turn_by_turn)
    result = made(plan, tmp_path / "out", writer)
    found = dialogues(tmp_path / "out")
    assert found and all([turn[0] for turn in one["turns"]] == [question for question, _ in SAID] for one in found)
    assert result.card["kinds"]["C1"]["requests"] == 3 * len(found) == len(writer.asked) and not result.unanswered
    first = writer.asked[0].messages
    assert "one round only" in first[0].text and '"dialogue"' not in "".join(message.text for message in first)
    rows = [json.loads(line) for line in (tmp_path / "out/requests.jsonl").read_text().splitlines()]
    assert len(rows) == len(writer.asked) and len({row["request"] for row in rows}) == len(rows)
    again = Writer(turn_by_turn)
    made(plan, tmp_path / "out", again)
    assert not again.asked and dialogues(tmp_path / "out") == found


@pytest.mark.parametrize("bad", ["{", pair(*SAID[0]), Response(pair(*SAID[1]), finish="length"), "No idea"])
def test_a_round_that_fails_ends_its_dialogue_and_what_was_said_stands(plan: Path, tmp_path: Path, bad: str | Response) -> None:
    writer = Writer(lambda request: bad if "asked already" in told(request) else turn_by_turn(request))
    made(plan, tmp_path / "out", writer)
    assert {tuple(turn[0] for turn in one["turns"]) for one in dialogues(tmp_path / "out")} == {(SAID[0][0],)}
    wrong = Writer(lambda request: "{")
    assert set(made(plan, tmp_path / "other", wrong).card["kinds"]["C1"]["refused"]) == {"not_json"}


def test_a_budget_that_ends_between_two_rounds_leaves_the_dialogue_for_the_next_time(plan: Path, tmp_path: Path) -> None:
    count = len(dialogues_of(plan, tmp_path / "all"))
    stopped = Writer(turn_by_turn, stop_after=count + 1)
    assert made(plan, tmp_path / "out", stopped).unanswered and len(dialogues(tmp_path / "out")) < count
    rest = Writer(turn_by_turn)
    assert not made(plan, tmp_path / "out", rest).unanswered
    assert len(stopped.asked) + len(rest.asked) == 3 * count and len(dialogues(tmp_path / "out")) == count


def dialogues_of(plan: Path, out: Path) -> list[dict[str, Any]]:
    made(plan, out, Writer(turn_by_turn))
    return dialogues(out)


@pytest.mark.parametrize("takes", [True, False])
def test_a_server_is_held_to_one_bounded_round(plan: Path, tmp_path: Path, takes: bool) -> None:
    pytest.importorskip("httpx")

    def act(number: int, body: dict[str, Any]) -> Act:
        if "response_format" in body and not takes:
            return failing(400, "not supported")
        content = body["messages"][-1]["content"]
        facts = (
            json.loads(content.removeprefix("FACTS: ")) if content.startswith("FACTS: ") else {}
        )  # else whether it is there at all
        return Act(body=completion(pair(*SAID[len(facts.get("asked already", ()))])))

    with faulty_server(act) as server:
        words = (
            "--llm",
            "openai-chat",
            "--set",
            "model=x",
            "--set",
            f"base_url={server.url}",
            "--set",
            "cache=none",
            "--set",
            "retries=0",
        )
        result = lamm_bench("data", "construct", plan, "--out", tmp_path / "out", *words)
    assert result.exit_code == 0, result.output
    held = [call["response_format"]["json_schema"]["schema"] for call in server.calls if "response_format" in call]
    assert len(held) == (len(server.calls) - 1 if takes else 1) and all(  # the first call asks whether it is there
        "pattern" in one["properties"]["answer"] for one in held
    )


def test_the_setting_is_yes_or_no(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="true or false"):
        read_plan(str(plan_of(tmp_path, coco(tmp_path), kinds={"C1": {"one_at_a_time": 3}})))
