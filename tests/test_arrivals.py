"""When a checkpoint is whole, in which order they count, and when training is over."""

import json
import os
from pathlib import Path

import pytest
from safe_weights import weights, write_shards, write_state

from harness.arrivals import Arrivals, Signs, best_of_trainer, ends_by, is_whole

SETTLED = 6.0


@pytest.fixture
def out(tmp_path):
    return (tmp_path / "out").resolve()


def names(look):
    return [folder.name for folder in look.whole]


def test_a_checkpoint_is_whole_with_every_shard_of_its_index_at_its_full_length(out):
    folder = write_shards(out / "checkpoint-3", "calm", shards=3, last=1)
    assert not is_whole(folder)
    last = folder / "model-00003-of-00003.safetensors"
    last.write_bytes(weights("calm2")[:-1])
    assert not is_whole(folder)
    last.write_bytes(weights("calm2") + b"old")
    assert not is_whole(folder)
    last.write_bytes(weights("calm2"))
    assert is_whole(folder)
    (folder / "config.json").write_text('{"model_ty')
    assert not is_whole(folder)


TOO_DEEP = "[" * 200_000
TOO_LONG = '{"a": ' + "9" * 5000 + "}"


@pytest.mark.parametrize("hostile", [TOO_DEEP, TOO_LONG], ids=["deep", "long"])
def test_what_no_parser_follows_is_neither_whole_nor_the_end(out, hostile):
    folder = write_shards(out / "checkpoint-3", "calm")
    assert is_whole(folder)
    (folder / "trainer_state.json").write_text(hostile)
    assert (ends_by(folder), best_of_trainer(folder)) == (False, None)
    (folder / "config.json").write_text(hostile)
    assert not is_whole(folder)


@pytest.mark.parametrize(
    "header",
    [TOO_DEEP, TOO_LONG, '{"a": {"data_offsets": ["x", "y"]}}'],
    ids=["deep", "long", "no numbers"],
)
def test_weights_with_a_hostile_header_are_not_whole(out, header):
    folder = write_shards(out / "checkpoint-3", "calm")
    length = len(header).to_bytes(8, "little")
    (folder / "model.safetensors").write_bytes(length + header.encode())
    assert not is_whole(folder)


def test_a_folder_that_may_not_be_read_keeps_no_other_waiting(out, monkeypatch):
    closed = write_shards(out / "checkpoint-3", "calm")
    write_shards(out / "checkpoint-4", "bold")
    inside = Path.iterdir

    def refused(folder):
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return inside(folder)

    # Permissions do not hold back root, which tests may run as.
    monkeypatch.setattr(Path, "iterdir", refused)
    arrivals = Arrivals(out, signs=Signs(settle=0))
    assert "checkpoint-4" in names(arrivals.look(0))


def test_an_adapter_is_whole_with_its_configuration_and_weights(out):
    out.mkdir()
    (out / "adapter_model.safetensors").write_bytes(weights("lora"))
    assert not is_whole(out)
    (out / "adapter_config.json").write_text(json.dumps({"r": 8}))
    assert is_whole(out)
    (out / "adapter_model.safetensors").write_bytes(weights("lora")[:20])
    assert not is_whole(out)


def test_one_that_still_changes_does_not_count_and_later_ones_wait_for_it(out):
    arrivals = Arrivals(out)
    assert arrivals.look(0).is_still
    first = write_shards(out / "checkpoint-10", "calm")
    write_shards(out / "checkpoint-9", "bold")
    assert names(arrivals.look(0)) == []
    assert not arrivals.look(4.9).is_still
    assert names(arrivals.look(5)) == ["checkpoint-9", "checkpoint-10"]
    write_shards(out / "checkpoint-9", "mild")
    assert names(arrivals.look(6)) == []
    assert names(arrivals.look(11)) == ["checkpoint-9", "checkpoint-10"]
    (first / "optimizer.pt").write_bytes(b"1")
    assert names(arrivals.look(12)) == ["checkpoint-9"]


def test_one_that_stays_half_is_left_out_and_holds_up_no_other(out):
    write_shards(out / "checkpoint-5", "calm", shards=2, last=1)
    write_shards(out / "checkpoint-40", "calm")
    arrivals = Arrivals(out)
    arrivals.look(0)
    look = arrivals.look(SETTLED)
    assert names(look) == ["checkpoint-40"]
    assert [folder.name for folder in look.left_out] == ["checkpoint-5"]
    assert look.is_still


def test_a_ready_marker_counts_at_once_and_alone_unless_weights_are_newer(out):
    arrivals = Arrivals(out, signs=Signs(ready="READY"))
    folder = write_shards(out / "checkpoint-5", "calm")
    arrivals.look(0)
    assert names(arrivals.look(SETTLED)) == []
    (folder / "READY").touch()
    assert names(arrivals.look(SETTLED)) == ["checkpoint-5"]
    marked = (folder / "READY").stat().st_mtime_ns
    write_shards(folder, "bold")
    os.utime(folder / "model.safetensors", ns=(marked + 1, marked + 1))
    assert names(arrivals.look(SETTLED)) == []


def test_a_link_to_a_checkpoint_is_no_second_one(out):
    folder = write_shards(out / "checkpoint-5", "calm")
    (out / "checkpoint-best").symlink_to(folder)
    arrivals = Arrivals(out)
    assert arrivals.folders() == [folder]
    assert arrivals.is_own(folder)


def test_any_glob_is_taken_with_steps_from_the_trainers_state(out):
    for name, step in (("run/best", 200), ("run/early", 30)):
        write_state(write_shards(out / name, name[-4:]), step, 200)
    write_shards(out / "run" / "last", "last")
    found = Arrivals(out, "*/[bel]*").folders()
    assert [folder.name for folder in found] == ["early", "best", "last"]


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ({}, False),
        ({"global_step": 20, "max_steps": 30}, False),
        ({"global_step": 30, "max_steps": 30}, True),
        ({"global_step": 30, "max_steps": -1}, False),
        (
            stopped := {"TrainerControl": {"args": {"should_training_stop": True}}},
            False,
        ),
        ({"global_step": 2, "max_steps": 30, "stateful_callbacks": stopped}, True),
    ],
)
def test_training_is_over_when_the_newest_checkpoint_says_so(out, state, over):
    arrivals = Arrivals(out)
    assert not arrivals.is_over()
    folder = write_shards(out / "checkpoint-20", "calm")
    (folder / "trainer_state.json").write_text(json.dumps(state))
    assert ends_by(folder) == over
    assert arrivals.is_over() == over
    if over:
        write_state(write_shards(out / "checkpoint-21", "bold"), 21, 30)
        assert not arrivals.is_over()


def test_a_final_model_ends_it_unless_it_is_older_than_the_checkpoints(out):
    arrivals = Arrivals(out)
    write_shards(out, "done")
    assert not arrivals.is_over()
    write_shards(out / "checkpoint-20", "calm")
    assert not arrivals.is_over()
    write_shards(out, "done")
    assert arrivals.is_over()


def test_with_a_name_of_its_own_the_end_is_that_files_alone(out):
    write_state(write_shards(out / "checkpoint-30", "calm"), 30, 30)
    arrivals = Arrivals(out, signs=Signs(until="DONE"))
    assert not arrivals.is_over()
    (out / "DONE").touch()
    assert arrivals.is_over()


def test_the_trainers_best_is_known_by_its_name(out):
    folder = write_shards(out / "checkpoint-3", "calm")
    write_state(folder, 3, 9, best_model_checkpoint="elsewhere/checkpoint-1")
    assert best_of_trainer(folder) == "checkpoint-1"
    assert best_of_trainer(out) is None
