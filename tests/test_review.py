"""Review: the page holds all that it needs and nothing that runs of a stranger's; what a person decides is honoured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.data.construct.decisions import text_digest
from lamm_bench.data.construct.dialogue import Dialogue
from lamm_bench.data.construct.plan import read_plan
from lamm_bench.data.construct.session import construct
from lamm_bench.show.review.gather import gather, spread

from .annotated import coco, plan_of, room
from .browser import walk
from .commands import done, refusal

EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture()
def plan(tmp_path: Path) -> Path:
    return plan_of(
        tmp_path, coco(tmp_path, captions=[(1, f"A dog {EVIL}"), (2, "A dog sleeps."), (2, "A dog sleeps.")]), room(tmp_path)
    )


@pytest.fixture()
def made(plan: Path, tmp_path: Path) -> Path:
    construct(read_plan(str(plan)), tmp_path / "out")
    return tmp_path / "out"


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.get_starttag_text() and data.strip():
            self.scripts.append(data)


def page_of(made: Path, *more: str) -> str:
    done("data", "review", made, *more)
    return (made / "review.html").read_text()


def test_the_page_shows_media_turns_facts_and_verdicts(made: Path) -> None:
    text = page_of(made)
    tags = Tags(text)
    cards = [attributes for tag, attributes in tags.tags if tag == "article"]
    assert len(cards) == len((made / "dialogues.jsonl").read_text().splitlines())
    assert {one["data-task"] for one in cards} == {"C4"} and text.count("<img ") and text.count("<canvas ")
    assert '<rect class="truth"' in text and "<summary>facts</summary>" in text


def test_nothing_of_a_stranger_runs_and_nothing_is_fetched(made: Path) -> None:
    text = page_of(made)
    tags = Tags(text)
    assert [attributes.get("type") for tag, attributes in tags.tags if tag == "script"] == [
        "application/json",
        "application/json",
        None,
        None,
    ]
    assert not any(name.startswith("on") for _, attributes in tags.tags for name in attributes)
    assert all(attributes["src"].startswith("data:") for tag, attributes in tags.tags if tag == "img" and attributes.get("src"))
    assert "default-src 'none'" in text and "http" not in re.sub(r"http-equiv", "", text.split("<main>")[0])


def test_constructing_may_write_the_page_at_once(plan: Path, tmp_path: Path) -> None:
    said = done("data", "construct", plan, "--out", tmp_path / "new", "--review")
    page = (tmp_path / "new/review.html").read_text()
    assert "review: " in said and page == page_of(tmp_path / "new") and (tmp_path / "new/card.md").is_file()


def test_refused_dialogues_are_shown_with_their_reason(made: Path, tmp_path: Path) -> None:
    path = made / "checked.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0] |= {"kept": False, "reason": "place", "what": "gives [0, 0], and nothing is annotated there"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = page_of(made, "--kept", "1", "--refused", "5")
    assert text.count("<article") == 2 and 'data-status="place"' in text and "nothing is annotated there" in text


def test_a_sample_holds_every_kind_and_reason(made: Path) -> None:
    shown, total = gather(made, 5, 5)
    assert total > len(shown) == 5 and len({one.dialogue.task_type for one in shown}) == 5
    assert spread({"a": list("123456"), "b": ["7"]}, 4, 0).count("7") == 1


def test_what_a_person_decides_is_honoured(plan: Path, made: Path, tmp_path: Path) -> None:
    dialogues = [Dialogue.from_json(json.loads(line)) for line in (made / "dialogues.jsonl").read_text().splitlines()]
    rows = [{"id": one.id, "text": text_digest(one), "decision": "reject"} for one in dialogues[:2]]
    rows += [{**rows[1], "decision": "accept"}, {"id": "C4/gone/0", "text": "0", "decision": "reject"}]
    (tmp_path / "saved.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "1 accepted, 2 rejected" in done("data", "review", made, "--take", tmp_path / "saved.jsonl")
    result = construct(read_plan(str(plan)), made)
    assert result.card["kinds"]["C4"]["refused"] == {"person": 1} and result.card["dialogues"] == len(dialogues) - 1
    assert dialogues[0].id not in (made / "2D_Instruct/meta_file/constructed.json").read_text()
    assert 'data-decision="accept"' in page_of(made)


def test_a_decision_about_other_words_falls_away(plan: Path, made: Path) -> None:
    one = json.loads((made / "dialogues.jsonl").read_text().splitlines()[0])
    (made / "decisions.jsonl").write_text(json.dumps({"id": one["id"], "text": "of other words", "decision": "reject"}) + "\n")
    assert not construct(read_plan(str(plan)), made).card["kinds"]["C4"]["refused"]


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"id": "x"}', '{"id": "x", "text": "y", "decision": "perhaps"}'])
def test_what_is_no_decision_is_refused_whole(made: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "saved.jsonl").write_text(line + "\n")
    assert "saved.jsonl" in refusal("data", "review", made, "--take", tmp_path / "saved.jsonl")
    assert not (made / "decisions.jsonl").exists()


def test_a_folder_that_is_no_construction_is_one_sentence(tmp_path: Path) -> None:
    assert "is no construction" in refusal("data", "review", tmp_path)


def pressed(made: Path, keys: list[str]) -> dict[str, Any]:
    """What the page's own scripts do when these keys are pressed."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    text = page_of(made)
    found = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S)
    data = {re.search(r'id="(\w+)"', head)[1]: body for head, body in found if "json" in head}  # type: ignore[index]
    cards = [
        {"id": a["data-id"], "text": a["data-text"], "decision": "", "task": "C4", "status": "kept"}
        for tag, a in Tags(text).tags
        if tag == "article"
    ]
    given = {"scripts": [body for head, body in found if "json" not in head], "data": data, "cards": cards, "keys": keys}
    run = subprocess.run(
        ["node", Path(__file__).with_name("review_dom.js")], input=json.dumps(given), capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def test_keys_decide_undo_and_save(made: Path, tmp_path: Path) -> None:
    told = pressed(made, ["j", "a", "r", "r", "u", "s"])
    assert told["decisions"][:3] == ["accept", "reject", ""] and told["told"] == "1 accepted, 1 rejected"
    (tmp_path / "saved.jsonl").write_text(told["saved"][0])
    assert "1 accepted, 1 rejected" in done("data", "review", made, "--take", tmp_path / "saved.jsonl")
    assert list(json.loads(next(iter(told["kept"].values()))).values()) == ["accept", "reject"]


def test_a_real_browser_is_gone_through_by_keyboard_and_what_it_saved_is_honoured(plan: Path, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text(
        page_of(made).replace("script-src ", "script-src file: ")
    )  # the walk is a script of its own
    seen = walk(
        folder,
        """
        let saved = null; const made = URL.createObjectURL; URL.createObjectURL = (blob) => { saved = blob; return made(blob); };
        await until(() => all(".card[data-id]").length > 3);
        told.ids = all(".card[data-id]").map((card) => card.dataset.id); told.boxes = all("rect, polygon").length; told.pictures = all(".card img").length;
        key("j"); told.first = document.querySelector(".current").dataset.id; key("r"); key("a"); key("a"); key("u"); key("k");
        told.place = document.querySelector(".current").dataset.id;
        await until(() => [...all(".card img")].every((img) => img.complete && img.naturalWidth > 0)); told.drawn = all(".card img").map((img) => img.naturalWidth);
        told.told = text("#decided"); key("s"); await until(() => saved); told.saved = await saved.text();
        told.kept = Object.values(localStorage);
        """,
    )
    ids = seen["ids"]
    assert seen["first"] == ids[0] and seen["place"] == ids[2] and seen["told"] == "1 accepted, 1 rejected"
    assert seen["pictures"] >= 2 and min(seen["drawn"]) > 8
    decided = [json.loads(line) for line in seen["saved"].splitlines()]
    assert [(one["id"], one["decision"]) for one in decided] == [(ids[0], "reject"), (ids[1], "accept")]
    assert json.loads(seen["kept"][0]) == {ids[0]: "reject", ids[1]: "accept"}
    (tmp_path / "saved.jsonl").write_text(seen["saved"])
    done("data", "review", made, "--take", tmp_path / "saved.jsonl")
    assert "dropped" not in done("data", "construct", plan, "--out", made)
    there = "".join(path.read_text() for path in made.glob("?D_Instruct/meta_file/constructed.json"))
    checked = {row["id"]: row for row in map(json.loads, (made / "checked.jsonl").read_text().splitlines())}
    assert checked[ids[0]]["reason"] == "person" and checked[ids[1]]["kept"] and ids[0] not in there
