"""The demonstration's fine-tune, at a few steps."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from harness.demo.batches import IGNORED, encode, padded, prompt
from harness.demo.finetune import fine_tune
from harness.demo.model import ARROW, BASE_FOLDER, load
from harness.demo.scratch import train_voice_commands
from harness.demo.tasks import task_data
from harness.errors import UsageError
from harness.task import bundled_tasks, load_task

STEPS = 16


def some_rows(task, count=320):
    return task_data(task).training_pairs()[:count]


def settings(rows, **changes):
    return {"steps": STEPS, "checkpoints": 3, "rows": rows, **changes}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    told = []
    checkpoints = fine_tune(
        folder,
        progress=lambda done, steps: told.append((done, steps)),
        **settings(some_rows("modernize")),
    )
    return folder, checkpoints, told


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(one, other):
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def history(folder, key):
    state = json.loads((folder / "trainer_state.json").read_text())
    return {log["step"]: log[key] for log in state["log_history"] if key in log}


def test_checkpoints_come_denser_at_first(run):
    _, checkpoints, _ = run
    assert [folder.name for folder in checkpoints] == [
        "checkpoint-0",
        "checkpoint-6",
        "checkpoint-16",
    ]
    for folder in checkpoints:
        files = {path.name for path in folder.iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= files
        assert {"generation_config.json", "trainer_state.json"} <= files
        assert "optimizer.pt" not in files


def test_checkpoint_0_is_the_base(run):
    _, (first, *_), _ = run
    base = weights(BASE_FOLDER)
    for name, tensor in weights(first).items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, base[name].float())


def test_the_loss_on_held_out_chapters_falls(run):
    _, (*_, last), _ = run
    losses = history(last, "eval_loss")
    assert min(losses) == 0
    assert losses[STEPS] < 0.9 * losses[0]


def test_each_checkpoint_knows_its_own_evaluation(run):
    for step, folder in zip((0, 6, 16), run[1], strict=True):
        assert max(history(folder, "eval_loss")) == step


def test_progress_is_told_after_each_step(run):
    assert run[2] == [(step, STEPS) for step in range(1, STEPS + 1)]


def test_the_curves_are_in_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run[0] / "runs"))
    events.Reload()
    scalars = events.Tags()["scalars"]
    assert {"train/loss", "train/learning_rate", "eval/loss"} <= set(scalars)
    steps = [event.step for event in events.Scalars("eval/loss")]
    assert (min(steps), max(steps)) == (0, STEPS)


def test_a_finished_run_is_used_again(run):
    folder, checkpoints, _ = run
    before = (checkpoints[-1] / "model.safetensors").stat().st_mtime_ns
    again = fine_tune(folder, **settings(some_rows("modernize")))
    assert again == checkpoints
    assert (checkpoints[-1] / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.slow
def test_an_unfinished_run_is_redone_and_gives_the_same_weights(run, tmp_path):
    _, checkpoints, _ = run
    rows = some_rows("modernize")

    def stop_early(done, steps):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(tmp_path, progress=stop_early, **settings(rows))
    assert (tmp_path / "checkpoint-6").is_dir()
    (tmp_path / "checkpoint-6" / "model.safetensors").write_bytes(b"cut short")
    again = fine_tune(tmp_path, **settings(rows))
    assert [path.name for path in again] == [path.name for path in checkpoints]
    for one, other in zip(again, checkpoints, strict=True):
        assert same(one, other)


def test_another_seed_gives_other_weights(tmp_path):
    few = settings(some_rows("modernize", 40), steps=2, checkpoints=2)
    one, other = (fine_tune(tmp_path / str(seed), **few, seed=seed) for seed in (0, 1))
    assert same(one[0], other[0])
    assert not same(one[-1], other[-1])


def test_other_data_replace_the_run(tmp_path):
    one = {"steps": 2, "checkpoints": 2}
    fine_tune(tmp_path, rows=some_rows("modernize", 40), **one)
    first = weights(tmp_path / "checkpoint-2")
    fine_tune(tmp_path, rows=some_rows("modernize", 80)[40:], **one)
    second = weights(tmp_path / "checkpoint-2")
    assert any(not torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("theirs", ["checkpoint-100", "runs"])
def test_what_others_made_is_never_deleted(tmp_path, theirs):
    (tmp_path / theirs).mkdir()
    with pytest.raises(UsageError, match=f"holds {theirs} of another run"):
        fine_tune(tmp_path, **settings(some_rows("modernize", 40)))
    assert (tmp_path / theirs).is_dir()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"checkpoints": 1}])
def test_an_impossible_plan_is_refused(tmp_path, wrong):
    rows = some_rows("modernize", 40)
    with pytest.raises(UsageError, match="too small"):
        fine_tune(tmp_path, **settings(rows, **wrong))


def test_threads_are_as_before_afterwards(tmp_path):
    before = torch.get_num_threads()
    rows = some_rows("modernize", 40)
    fine_tune(tmp_path, **settings(rows, steps=1, checkpoints=2))
    assert torch.get_num_threads() == before


def test_the_shipped_base_is_small():
    files = list(BASE_FOLDER.iterdir())
    assert sum(path.stat().st_size for path in files) < 2_000_000
    assert not [path for path in files if path.suffix in {".bin", ".pt", ".pth"}]


def test_the_card_names_the_chapters_that_are_held_out():
    # A base made with another split would have been trained on the task's items.
    card = " ".join((BASE_FOLDER / "README.md").read_text(encoding="utf-8").split())
    chapters = sorted(frozenset().union(*task_data("modernize").held_out_chapters()))
    assert ", ".join(chapters) in card


def test_the_base_knows_the_verses_of_its_training_better():
    data = task_data("modernize")
    test, _ = data.held_out_chapters()
    held = [row for row in data._pairs("asv") if data._chapter(row) in test]
    model, tokenizer = load(BASE_FOLDER)

    def loss(rows):
        batch = padded(encode(rows, tokenizer), tokenizer.pad_token_id)
        with torch.no_grad():
            return float(model(**batch).loss)

    assert loss(held) > 1.1 * loss(data.pretraining_pairs()[::50])


@pytest.mark.parametrize("task", ["modernize", "voice_commands"])
def test_prompts_are_those_of_the_task_file(task):
    row = {"source": "And it came to pass.", "target": "It happened."}
    template = load_task(bundled_tasks()[task]).file.prompt
    assert template.replace("{{ source }}", row["source"]) == prompt(row)


def test_the_tokenizer_gives_every_text_back():
    _, tokenizer = load(BASE_FOLDER)
    rows = task_data("modernize").held_out()
    texts = [row[side] for row in rows for side in ("source", "target")]
    for text in [*texts, "naïve – “quoted” 日本 🙂\ttab  two\nlines", ARROW, ""]:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.parametrize("start", ['"', "When", " it", "=", "\n", ">", "é", "1"])
def test_tokens_of_prompt_and_answer_do_not_merge(start):
    _, tokenizer = load(BASE_FOLDER)
    before = prompt({"source": "And he said,"})
    parts = [tokenizer(part)["input_ids"] for part in (before, start)]
    assert tokenizer(before + start)["input_ids"] == parts[0] + parts[1]


def test_the_answer_and_the_end_are_learned_and_the_prompt_is_not():
    _, tokenizer = load(BASE_FOLDER)
    rows = some_rows("modernize", 3)
    for row, encoded in zip(rows, encode(rows, tokenizer), strict=True):
        learned = [label for label in encoded["labels"] if label != IGNORED]
        assert learned[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(learned[:-1]) == row["target"]
        assert (
            tokenizer.decode(encoded["input_ids"][:-1]) == prompt(row) + row["target"]
        )


@pytest.mark.slow
def test_voice_commands_are_learned_from_scratch(tmp_path):
    checkpoints = train_voice_commands(
        tmp_path, **settings(some_rows("voice_commands", 640), steps=20)
    )
    assert [Path(folder).name for folder in checkpoints] == [
        "checkpoint-0",
        "checkpoint-7",
        "checkpoint-20",
    ]
    losses = history(checkpoints[-1], "eval_loss")
    assert losses[20] < 0.8 * losses[0]
    model, tokenizer = load(checkpoints[-1])
    assert len(tokenizer) == model.config.vocab_size == 800
    assert 400_000 < model.num_parameters() < 420_000
