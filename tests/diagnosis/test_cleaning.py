"""Clean copies, difficulties and ordered copies of training data."""

import json
import time

import pytest
from fakes import write_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.diagnosis.data.cleaning import _text, clean
from harness.diagnosis.data.difficulty import difficulties
from harness.errors import CheckpointError, UsageError


def lines_of(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


DIRTY = [
    b'{"prompt": "caf\xe9", "completion": "one"}',
    b'{"prompt": "b\\u00a0c  \\r\\nd", "completion": " two\\u0007"}',
    b'{"prompt": "caf\\u00c3\\u00a9s", "completion": "x", "tags": ["a\\u200bb"]}',
    b'{"prompt": "same", "completion": "twice"}',
    b'{"prompt": "Same ", "completion": "twice"}',
    b'{"prompt": "empty", "completion": "  "}',
    b"{broken",
]


@pytest.fixture
def dirty(tmp_path):
    file = tmp_path / "dirty.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(DIRTY))
    return file


def test_a_clean_copy_and_its_log(dirty, tmp_path):
    done = clean(dirty, tmp_path / "clean.jsonl")
    assert (done.rows, done.changed, done.dropped) == (4, 3, 3)
    assert lines_of(tmp_path / "clean.jsonl") == [
        {"prompt": "café", "completion": "one"},
        {"prompt": "b c\nd", "completion": " two"},
        {"prompt": "cafés", "completion": "x", "tags": ["ab"]},
        {"prompt": "same", "completion": "twice"},
    ]
    log = lines_of(done.log)
    assert [(one["line"], one["row"]) for one in log] == [
        *((1, 1), (2, 2), (3, 3)),
        *((5, None), (6, None), (7, None)),
    ]
    assert log[1]["changes"] == ["line ends", "white space", "control characters"]
    assert [one["changes"] for one in log[3:5]] == [
        ["dropped: it repeats an earlier row"],
        ["dropped: the answer is empty"],
    ]


def test_cleaning_twice_is_cleaning_once(dirty, tmp_path):
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    clean(dirty, once)
    again = clean(once, twice)
    assert (again.changed, again.dropped) == (0, 0)
    assert twice.read_bytes() == once.read_bytes()
    assert again.log.read_text() == ""


AWKWARD = st.text("aÃ©â€™\u00a0\u0007\u200b\r\n\t \u0301\u0085\ud800\ufeff", max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), AWKWARD))
def test_a_clean_text_stays_as_it_is(text):
    once = _text(text, {})
    changes = {}
    assert _text(once, changes) == once
    assert changes == {}


def test_long_runs_of_blanks_take_time_in_proportion():
    begun = time.process_time()
    assert _text(" " * 1_000_000 + "x", {}) == " " * 1_000_000 + "x"
    assert _text("x" + " " * 1_000_000 + "\ny", {}) == "x\ny"
    assert time.process_time() - begun < 5  # with the square of it, hours


def test_the_input_is_never_written_over(dirty, tmp_path):
    before = dirty.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(dirty)
    (tmp_path / "x").mkdir()
    for out in (dirty, tmp_path / "link.jsonl", tmp_path / "x" / ".." / dirty.name):
        with pytest.raises(UsageError, match="is the input itself"):
            clean(dirty, out)
    assert dirty.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


ROWS = [
    {"prompt": "a a a a", "completion": "a strange obstreperous zebra of zanibar"},
    {"prompt": "a", "completion": "a"},
    {"prompt": "a a", "completion": "a zebra"},
]

BACKEND = """
from harness.backends import Backend, Model, Place, Scored


class Zeds(Backend):
    name = "zeds"

    def place(self, name):
        return Place(name, name, self.name)

    def load(self, location):
        return ZedsModel()


class ZedsModel(Model):
    def generate(self, requests, settings):
        raise NotImplementedError

    def loglikelihood(self, passages):
        for one in passages:
            nll, tokens = one.text.count("z"), len(one.text.split())
            yield [Scored(one.item.id, one.target, nll, tokens)]
"""


def test_difficulty_by_hand_and_the_ordered_copy(tmp_path):
    source, out = tmp_path / "rows.jsonl", tmp_path / "hard.jsonl"
    write_rows(source, ROWS)
    (tmp_path / "zeds.py").write_text(BACKEND)
    found = difficulties(source, model=f"{tmp_path / 'zeds.py'}:any")
    found.write(out)
    first, second, third = lines_of(out)
    assert [one["loss"] for one in (first, second, third)] == [
        pytest.approx(2 / 6, abs=1e-4),
        0,
        0.5,
    ]
    # 47, 3 and 11 signs, by four; ranks 1, 0, 1/2 by length and rarity.
    assert [one["length"] for one in (first, second, third)] == [12, 1, 3]
    # Ten of 16 words are "a", two "zebra": (3 log2 1.6 + log2 8) / 4 bits a word.
    assert third["rarity"] == pytest.approx(1.2586, abs=1e-4)
    assert [one["difficulty"] for one in (first, second, third)] == [
        pytest.approx((1 + 1 + 0.5) / 3, abs=1e-4),
        0,
        pytest.approx((0.5 + 0.5 + 1) / 3, abs=1e-4),
    ]
    found.write_ordered(tmp_path / "ordered.jsonl")
    assert lines_of(tmp_path / "ordered.jsonl") == [ROWS[1], ROWS[2], ROWS[0]]
    with pytest.raises(UsageError, match="is the input itself"):
        found.write_ordered(source)


def test_a_model_without_likelihoods_is_refused(tmp_path):
    write_rows(tmp_path / "rows.jsonl", ROWS)
    text = BACKEND[: BACKEND.index("    def loglikelihood")]
    (tmp_path / "zeds.py").write_text(text)
    with pytest.raises(CheckpointError, match="gives no likelihoods"):
        difficulties(tmp_path / "rows.jsonl", model=f"{tmp_path / 'zeds.py'}:any")
