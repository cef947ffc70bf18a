"""Any text can be encoded, and comes back; numbers are whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.errors import BenchError
from lamm_bench.lamm.tokenizer import MiniTokenizer, train_tokenizer

from .toys import TEXTS


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> MiniTokenizer:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(TEXTS * 3, 420, file)
    return MiniTokenizer(file)


@given(text=st.text(max_size=80).filter(lambda text: not any(special in text for special in ("<pad>", "<s>", "</s>"))))
def test_any_text_comes_back_as_it_was(tokenizer: MiniTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


PIECES = st.sampled_from(
    [
        "cat",
        " dog",
        "HOTEL",
        "iPhone",
        "0.37",
        "-1.2",
        "12",
        "7",
        " ",
        "  ",
        "\n",
        ": ",
        ", -",
        "-",
        "<",
        "s>",
        "</s>",
        "é",
        "(A)",
    ]
)


@given(text=st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
def test_word_by_word_is_what_the_tokenizer_itself_says(tokenizer: MiniTokenizer, text: str) -> None:
    assert tokenizer.encode(text) == tuple(tokenizer.fast.backend_tokenizer.encode(text, add_special_tokens=False).ids)


def test_plain_texts_are_cut_into_words_here(tokenizer: MiniTokenizer) -> None:
    assert tokenizer.of_words("a cat at 0.37") == tokenizer.encode("a cat at 0.37") != ()
    assert tokenizer.of_words("un café") == tokenizer.of_words("</s>") == ()


@pytest.mark.parametrize("number", ["0.10", "0.37", "1.99", "-0.37", "-1.24", "7", "12", "99"])
def test_numbers_of_the_range_are_one_token(tokenizer: MiniTokenizer, number: str) -> None:
    assert len(tokenizer.encode(number)) == 1


def test_number_tokens_know_their_value(tokenizer: MiniTokenizer) -> None:
    assert tokenizer.numbers()[tokenizer.encode("-1.24")[0]] == -1.24


def test_numbers_stay_whole_inside_an_answer(tokenizer: MiniTokenizer) -> None:
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode("cat [0.37, -1.24]; dog [0.95, 0.01]")]
    assert [piece for piece in pieces if piece.strip("-.0123456789") == "" and piece] == ["0.37", "-1.24", "0.95", "0.01"]


def test_words_in_capitals_are_read_letter_by_letter(tokenizer: MiniTokenizer) -> None:
    assert len(tokenizer.encode("HOTEL")) == 5


def test_the_same_texts_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        train_tokenizer(TEXTS, 420, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_that_is_no_tokenizer_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BenchError, match="is not a tokenizer"):
        MiniTokenizer(tmp_path / "tokenizer.json")
