"""Lightning's callback: the same values, where its own callbacks look for them."""

import csv

import lightning as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader
from trained_models import material, suite

from harness.integrations.lightning import HarnessCallback
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.values import values_of

# Of Lightning's own, about torch and about the few workers of small loaders.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*(does not have many workers|no `val_dataloader`)"
    ),
]
KEY = "harness/questions/chrf"


class Module(pl.LightningModule):
    """A transformers model in Lightning's clothes."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def training_step(self, batch, number):
        loss = self.model(input_ids=batch, labels=batch).loss
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, number):
        self.log("val_loss", self.model(input_ids=batch, labels=batch).loss)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def trained(folder, *, watched=True, validated=True):
    """Two epochs of two steps; returns Lightning's Trainer and what it logged."""
    made = material()
    rows = torch.tensor([row["input_ids"] for row in made.rows])
    best = ModelCheckpoint(folder / "best", monitor=KEY, mode="max")
    callback = HarnessCallback(
        suite(folder / "task"), made.tokenizer, db=folder / "s.db", series="mine"
    )
    torch.manual_seed(3)
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[best, callback] if watched else [],
        logger=CSVLogger(folder, flush_logs_every_n_steps=1),
        default_root_dir=folder,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=watched,
    )
    validation = DataLoader(rows[:2]) if validated else None
    trainer.fit(
        Module(made.model), DataLoader(rows, batch_size=5, shuffle=True), validation
    )
    [path] = folder.glob("lightning_logs/*/metrics.csv")
    with path.open(encoding="utf-8") as file:
        return trainer, best, list(csv.DictReader(file))


def column(rows, key):
    return [float(row[key]) for row in rows if row.get(key)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lightning")
    return folder, *trained(folder)


def test_values_are_logged_at_step_0_and_after_each_validation(run):
    folder, _, best, rows = run
    study = StudyFile(folder / "s.db")
    stored = {
        one.step: value.value
        for one in stored_checkpoints(study)
        for value in values_of(study, ["questions"], one)
        if value.metric == "chrf"
    }
    assert [*stored] == [0, 2, 4]
    assert column(rows, KEY) == pytest.approx([*stored.values()], rel=1e-5)
    assert float(best.best_model_score) == pytest.approx(
        max(stored[2], stored[4]), rel=1e-5
    )
    assert {one.series for one in stored_checkpoints(study)} == {"mine"}


def test_a_training_does_not_notice(run, tmp_path):
    *_, rows = run
    *_, alone = trained(tmp_path, watched=False)
    assert column(rows, "loss") == column(alone, "loss")
    assert column(rows, "val_loss") == column(alone, "val_loss")
    assert len(set(column(rows, "loss"))) == 4


def test_without_validation_every_epoch_is_evaluated(tmp_path):
    *_, rows = trained(tmp_path, validated=False)
    assert len(column(rows, KEY)) == 3
