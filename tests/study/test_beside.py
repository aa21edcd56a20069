"""Two processes read scores of one moment, or one does, and it is the same."""

import json
import sys
import time
from dataclasses import fields

import numpy as np
import pytest
from report_study import Maker

from harness.reporting.evidence import gather
from harness.study import StudyFile, beside
from harness.study.beside import Reader, Second, one_moment
from harness.study.score_columns import read_columns

NAMES = ("a", "b", "c", "d")
TEXTS = {"k1": "one", "k2": "zwei\n", "k3": "drei"}


@pytest.fixture
def study(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    maker = Maker(study).items(*((key, f"say {key}", (key,)) for key in TEXTS))
    for step, name in enumerate(NAMES):
        maker.checkpoint(name, TEXTS | {"k1": name}, step=step)
    yield study
    study.close()


@pytest.fixture
def many(monkeypatch):
    """As if any study held many scores."""
    monkeypatch.setattr(beside, "MANY", 0)


@pytest.fixture
def ids(study):
    return study.column("SELECT id FROM checkpoints ORDER BY step")


def plain(columns):
    return [
        value.tolist() if isinstance(value, np.ndarray) else value
        for value in (getattr(columns, one.name) for one in fields(columns))
    ]


def alone(study, ids):
    return {id_: plain(read_columns(study, id_)) for id_ in ids}


def read(reader, ids):
    return {id_: plain(columns) for id_, columns in reader.columns(ids)}


def wait_for(reader, number):
    give_up = time.monotonic() + 30
    while reader.second.found.qsize() < number:
        assert time.monotonic() < give_up
        time.sleep(0.01)


def refuse(study, checkpoint):
    raise AssertionError(f"{checkpoint} was read here")


def write(study):
    """One more score, through a connection of its own."""
    other = StudyFile(study.path)
    row = other.rows("SELECT * FROM scores LIMIT 1")[0]
    other.insert("scores", [row | {"key": f"key at {time.monotonic_ns()}"}])
    other.close()


def has_ended(second):
    return second.process.poll() is not None and second.process.stdout.closed


@pytest.mark.usefixtures("many")
def test_what_the_second_process_reads_is_what_one_alone_reads(study, ids, monkeypatch):
    expected = alone(study, ids)
    with one_moment(study) as reader:
        reader.expect(ids)
        wait_for(reader, len(ids))
        monkeypatch.setattr(beside, "read_columns", refuse)
        assert read(reader, ids) == expected
    assert has_ended(reader.second)
    assert not study.db.conn.in_transaction


@pytest.mark.usefixtures("many")
def test_each_begins_at_its_own_end_and_reads_none_again(study, ids, monkeypatch):
    expected, here = alone(study, ids), []

    def read_meanwhile(study, checkpoint):
        here.append(checkpoint)
        reader.expect(ids)
        wait_for(reader, len(ids) - 1)
        return read_columns(study, checkpoint)

    monkeypatch.setattr(beside, "read_columns", read_meanwhile)
    with one_moment(study) as reader:
        found = read(reader, ids)
    assert found == expected
    assert list(found) == [ids[0], *reversed(ids[1:])]
    assert here == ids[:1]


def comparable(evidence):
    scores = {
        checkpoint: {sig: list(map(repr, some)) for sig, some in found.items()}
        for checkpoint, found in evidence.scores.items()
    }
    rest = {
        one.name: getattr(evidence, one.name)
        for one in fields(evidence)
        if one.name not in {"scores", "ratings"}
    }
    rest["ratings"] = list(evidence.ratings)
    return list(evidence.scores), scores, rest


def test_the_evidence_is_the_same_with_and_without(study, ids, monkeypatch):
    expected = comparable(gather(study, "rewrite"))
    monkeypatch.setattr(beside, "MANY", 0)
    expect = Reader.expect

    def expect_and_wait(reader, checkpoints):
        expect(reader, checkpoints)
        wait_for(reader, len(ids))

    monkeypatch.setattr(Reader, "expect", expect_and_wait)
    monkeypatch.setattr(beside, "read_columns", refuse)
    assert comparable(gather(study, "rewrite")) == expected


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("times", [1, 3, 99])
def test_a_write_between_both_beginnings_is_noticed(study, ids, monkeypatch, times):
    begin, begun = Second.begin, []

    def begin_after_a_write(second):
        begun.append(second)
        if len(begun) <= times:
            write(study)
        return begin(second)

    monkeypatch.setattr(Second, "begin", begin_after_a_write)
    with one_moment(study) as reader:
        assert len(begun) == min(times + 1, beside.ATTEMPTS)
        assert (reader.second is None) == (times == 99)
        reader.expect(ids)
        expected = alone(study, ids)
        write(study)
        if reader.second is not None:
            wait_for(reader, len(ids))
        assert read(reader, ids) == expected
    assert alone(study, ids) != expected


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("program", ["/bin/false", "/bin/cat", "/no/such/program"])
def test_without_a_second_process_one_reads_alone(study, ids, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with one_moment(study) as reader:
        assert reader.second is None
        assert read(reader, ids) == alone(study, ids)


@pytest.mark.usefixtures("many")
def test_what_a_killed_process_did_not_read_is_read_here(study, ids):
    with one_moment(study) as reader:
        reader.second.process.kill()
        reader.second.process.wait()
        reader.expect(ids)
        assert read(reader, ids) == alone(study, ids)


@pytest.mark.usefixtures("many")
def test_an_interrupt_leaves_no_process(study, ids):
    readers = []

    def interrupted():
        with one_moment(study) as reader:
            readers.append(reader)
            reader.expect(ids)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert has_ended(readers[0].second)
    assert not study.db.conn.in_transaction


@pytest.mark.usefixtures("many")
def test_within_a_transaction_one_reads_alone_and_leaves_it_open(study):
    with study.transaction() as db:
        with one_moment(study) as reader:
            assert reader.second is None
        assert db.conn.in_transaction


@pytest.mark.usefixtures("many")
def test_a_study_in_memory_is_read_alone():
    study = StudyFile(":memory:")
    with one_moment(study) as reader:
        assert reader.second is None
    study.close()


def test_few_scores_are_read_alone(study):
    with one_moment(study) as reader:
        assert reader.second is None


def test_a_message_that_breaks_off_is_none(study, ids, tmp_path):
    whole = tmp_path / "message"
    with whole.open("wb") as pipe:
        beside._send(pipe, ids[0], read_columns(study, ids[0]))
    message = whole.read_bytes()
    head = json.loads(message.splitlines()[0])
    assert head[0] == ids[0]
    for length in (0, 5, message.index(b"\n") + 1, len(message) - 1):
        whole.write_bytes(message[:length])
        with whole.open("rb") as pipe:
            assert beside._received(pipe) is None
