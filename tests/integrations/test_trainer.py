"""The Trainer's callback: values in the log, and a training that does not notice."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trained_models import material, suite
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments

from harness.errors import NotFound, UsageError
from harness.integrations.stopping import Stopping
from harness.integrations.trainer import HarnessCallback
from harness.run import run
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.task import load_task
from harness.values import values_of

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
KEY = "eval_harness/questions/chrf"


def arguments(folder, **changes):
    return TrainingArguments(
        output_dir=str(folder),
        **{
            "max_steps": 4,
            "per_device_train_batch_size": 2,
            "learning_rate": 1e-2,
            "logging_steps": 1,
            "save_steps": 2,
            "save_strategy": "steps",
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
            "seed": 0,
            **changes,
        },
    )


def a_trainer(folder, callbacks=(), *, evaluated=False, **changes):
    made = material()
    if evaluated:
        changes = {"eval_strategy": "steps", "eval_steps": 2, **changes}
    return Trainer(
        model=made.model,
        args=arguments(folder, **changes),
        train_dataset=made.rows,
        eval_dataset=made.rows[:2] if evaluated else None,
        processing_class=made.tokenizer,
        callbacks=list(callbacks),
    )


def trained(tmp_path, trainer, **options):
    """Trains with the callback; returns it."""
    task = suite(tmp_path / "task")
    options = {"db": tmp_path / "s.db", **options}
    callback = HarnessCallback(task, trainer, **options)
    trainer.add_callback(callback)
    trainer.train()
    return callback


def curve(trainer, key=KEY):
    """What the Trainer logged under a key, by step."""
    logs = [log for log in trainer.state.log_history if key in log]
    assert len({log["step"] for log in logs}) == len(logs)
    return {log["step"]: log[key] for log in logs}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The README's example, run as it stands there, with TensorBoard."""
    folder = tmp_path_factory.mktemp("example")
    [text] = [
        block
        for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
        if "integrations.trainer" in block
    ]
    assert len([line for line in text.splitlines() if line.strip()]) == 5
    suite(folder).rename(folder / "questions.yaml")
    (folder / "example.py").write_text(text, encoding="utf-8")
    made = material()
    begin = {
        "model": made.model,
        "tokenizer": made.tokenizer,
        "rows": made.rows,
        "args": arguments(folder / "out", report_to="tensorboard"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TENSORBOARD_LOGGING_DIR", str(folder / "events"))
        ran = runpy.run_path(str(folder / "example.py"), begin)
    return SimpleNamespace(folder=folder, trainer=ran["trainer"])


def test_tensorboard_has_the_values_of_every_saved_step_and_of_step_0(example):
    events = EventAccumulator(str(example.folder / "events")).Reload()
    study = StudyFile(example.folder / "results" / "questions.db")
    for metric in ("chrf", "perplexity", "distinct_n"):
        read = {
            one.step: one.value
            for one in events.Scalars(f"eval/harness/questions/{metric}")
        }
        stored = {
            checkpoint.step: value.value
            for checkpoint in stored_checkpoints(study)
            for value in values_of(study, ["questions"], checkpoint)
            if value.metric == metric
        }
        assert read == pytest.approx(stored, rel=1e-6)
        assert [*read] == [0, 2, 4]


def test_what_was_evaluated_in_memory_is_not_made_again_from_the_folders(example):
    study = StudyFile(example.folder / "results" / "questions.db")
    task = load_task(example.folder / "questions.yaml")
    rows = study.rows("SELECT * FROM outputs")
    assert len(rows) == 3 * 4 * 2
    done = run(study, [task], [f"{example.folder}/out/checkpoint-*"])
    assert [one.generated for one in done.generations] == [0, 0]
    assert done.scores == 0
    assert study.rows("SELECT * FROM outputs") == rows
    assert [one.name for one in stored_checkpoints(study)] == [
        *("checkpoint-0", "checkpoint-2", "checkpoint-4")
    ]


def test_a_training_does_not_notice(tmp_path):
    alone = a_trainer(tmp_path / "alone", evaluated=True)
    alone.train()
    watched = a_trainer(tmp_path / "watched", evaluated=True)
    callback = trained(tmp_path, watched)
    assert curve(watched, "loss") == curve(alone, "loss")
    assert curve(watched, "eval_loss") == curve(alone, "eval_loss")
    assert len(set(curve(watched, "loss").values())) == 4
    assert [*callback.values] == [0, 2, 4]
    assert not list((tmp_path / "watched").glob(".harness-*"))


def test_the_best_model_can_be_chosen_by_a_metric_and_training_stopped(tmp_path):
    # Named first, as whoever passes it to the Trainer does.
    trainer = a_trainer(
        tmp_path / "out",
        [EarlyStoppingCallback(early_stopping_patience=1)],
        evaluated=True,
        eval_steps=1,
        save_steps=1,
        max_steps=12,
        learning_rate=0.0,
        load_best_model_at_end=True,
        metric_for_best_model="harness/questions/chrf",
        greater_is_better=True,
    )
    trained(tmp_path, trainer)
    found = curve(trainer)
    # Without learning nothing becomes better than the first.
    assert trainer.state.best_metric == found[1]
    assert trainer.state.best_model_checkpoint.endswith("checkpoint-1")
    assert trainer.state.global_step == 2


def test_a_training_stops_when_a_metric_has_not_gained_for_long(tmp_path):
    said = []
    trainer = a_trainer(tmp_path / "out", max_steps=12, learning_rate=0.0)
    stop = Stopping("perplexity", patience=2)
    trained(tmp_path, trainer, stop=stop, remark=said.append)
    assert trainer.state.global_step == 4
    assert said == [
        (
            "Training stops at step 4: by perplexity the last 2 evaluations are no "
            "better than step 0."
        )
    ]


def test_what_is_not_there_to_stop_by_is_said_before_the_training(tmp_path):
    trainer = a_trainer(tmp_path / "out")
    with pytest.raises(NotFound, match="Did you mean 'chrf'"):
        trained(tmp_path, trainer, stop=Stopping("chrff"))
    assert not (tmp_path / "s.db").exists()


def test_a_metric_of_another_process_comes_too_late_for_the_best_model(tmp_path):
    trainer = a_trainer(
        tmp_path / "out", evaluated=True, metric_for_best_model="harness/questions/chrf"
    )
    with pytest.raises(UsageError, match="leave process=True out"):
        trained(tmp_path, trainer, process=True)


def test_what_fails_in_an_evaluation_ends_no_training(tmp_path):
    said = []
    trainer = a_trainer(tmp_path / "out")
    (tmp_path / "s.db").write_text("no study")
    trained(tmp_path, trainer, remark=said.append)
    assert trainer.state.global_step == 4
    assert len(said) == 1
    assert "s.db" in said[0]


@pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"  # peft asks for it
)
def test_an_adapter_is_evaluated_with_the_base_that_it_is_in(tmp_path):
    from peft import LoraConfig, get_peft_model

    made = material()
    made.model.save_pretrained(tmp_path / "base")
    base = type(made.model).from_pretrained(tmp_path / "base")
    trainer = Trainer(
        model=get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"])),
        args=arguments(tmp_path / "out"),
        train_dataset=made.rows,
        processing_class=made.tokenizer,
    )
    callback = trained(tmp_path, trainer)
    assert [*curve(trainer)] == [0, 2, 4]
    tasks = [work.task for work in callback.evaluator.works]
    saved = f"{tmp_path}/out/checkpoint-*"
    done = run(StudyFile(tmp_path / "s.db"), tasks, [saved])
    assert [one.generated for one in done.generations] == [0, 0]


@pytest.mark.slow
def test_another_process_evaluates_what_is_deleted_meanwhile(tmp_path):
    trainer = a_trainer(tmp_path / "out", save_total_limit=1)
    trained(tmp_path, trainer, process=True, device="cpu")
    study = StudyFile(tmp_path / "s.db")
    stored = {
        one.step: {v.metric: v.value for v in values_of(study, ["questions"], one)}
        for one in stored_checkpoints(study)
    }
    assert [*stored] == [0, 2, 4]
    assert curve(trainer) == {step: values["chrf"] for step, values in stored.items()}
    assert [path.name for path in (tmp_path / "out").glob("*")] == ["checkpoint-4"]
