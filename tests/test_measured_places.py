"""The doctor measures whose numbers a model speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamm_bench.doctor import examine, measured_places
from lamm_bench.read import convention
from lamm_bench.read.conventions import known

from .commands import lamm_bench
from .eyes import Eyes

TAUGHT = [name for name, own in known().items() if own.boxes or own.points]

# what it speaks, what it declares: each pair means other places
WRONG = [
    ("pixels", "fractions"),
    ("qwen2.5-vl", "qwen3-vl"),
    ("qwen3-vl", "gemini"),
    ("gemini", "qwen3-vl"),
    ("paligemma", "gemini"),
    ("fractions", "internvl"),
    ("shikra", "fractions"),
    ("fractions", "llava-1.5"),
    ("molmo", "qwen3-vl"),
    ("kosmos-2", "florence-2"),
    ("qwen3-vl", "pixels-sent"),
    ("gemini", "none"),
]


@pytest.mark.parametrize("name", TAUGHT)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_right_declaration_passes(name: str, noise: float) -> None:
    (finding,) = examine(Eyes(name, name, noise), only=["coordinates"])
    assert (finding.verdict, name in finding.reason) == ("pass", True), finding.reason


@pytest.mark.parametrize("speaks, declares", WRONG)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_wrong_declaration_is_found_and_the_line_that_mends_it_is_right(speaks: str, declares: str, noise: float) -> None:
    (finding,) = examine(Eyes(speaks, declares, noise), only=["coordinates"])
    assert finding.verdict == "fail" and f"declared `{declares}`" in finding.reason, finding.reason
    rows = dict(measured_places(Eyes(speaks, declares, noise))[0])
    setting = rows["use"].removeprefix("--set coordinates=")
    rows, status = measured_places(Eyes(speaks, setting, noise))
    assert status == 0 and convention(setting), rows


def test_a_resizing_that_no_table_knows_is_measured_from_the_answers() -> None:
    speaks = "qwen2.5-vl:factor=32,max_pixels=262144"
    rows = dict(measured_places(Eyes(speaks, "fractions"))[0])
    assert "where" in rows["measured"]
    assert measured_places(Eyes(speaks, rows["use"].removeprefix("--set coordinates=")))[1] == 0


def test_answers_that_follow_nothing_say_nothing() -> None:
    (finding,) = examine(Eyes("fractions", "qwen3-vl", noise=0.6), only=["coordinates"])
    assert finding.verdict == "not applicable" and "no convention" in finding.reason


def test_the_command_says_what_to_set_and_how_it_ended(tmp_path: Path) -> None:
    plugin = tmp_path / "eyes.py"
    plugin.write_text("from tests.eyes import Eyes\n\nADAPTERS = {'eyes': Eyes}\n")
    asked = ("doctor", "--plugin", plugin, "--model", "eyes", "--measure", "coordinates", "--set", "speaks=gemini")
    wrong = lamm_bench(*asked, "--set", "coordinates=qwen3-vl")
    assert wrong.exit_code == 1 and "use: --set coordinates=qwen3-vl:axes=yx" in wrong.output
    right = lamm_bench(*asked, "--set", "coordinates=gemini", "--json", tmp_path / "m.json")
    assert right.exit_code == 0 and "the declared convention is right" in (tmp_path / "m.json").read_text()
    assert lamm_bench("doctor", "--model", "chance", "--measure", "coordinates").exit_code == 3
