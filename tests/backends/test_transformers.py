"""The transformers backend as the rest of the system uses it."""

import json
import logging
import shutil
import subprocess
import sys

import pytest
import torch
from backends.passages import first_references
from backends.tiny_models import CHAT, save_checkpoint
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, PreTrainedTokenizerFast

from harness.backends.base import Request, backends
from harness.backends.transformers import TransformersBackend
from harness.errors import CheckpointError, MissingPackage, UsageError
from harness.types import Generation, Item

BACKEND = TransformersBackend()
ITEM = Item("id", "task", "key", "the light in the", (" kitchen.",))
SHORT = Generation(max_new_tokens=4)


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("llama"), tmp_path / "checkpoint-100")


def edit(file, **changes):
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def rewrite(folder, change):
    """Store the weights anew, each as `change` returns it; None leaves it out."""
    file = folder / "model.safetensors"
    weights = {name: change(name, old) for name, old in load_file(file).items()}
    save_file(
        {name: new for name, new in weights.items() if new is not None},
        file,
        metadata={"format": "pt"},
    )


def texts(model, *items, settings=SHORT):
    requests = [Request(item) for item in items]
    return [one.text for batch in model.generate(requests, settings) for one in batch]


def test_the_backend_is_found_by_name():
    assert isinstance(backends["transformers"], TransformersBackend)


def test_a_missing_folder_is_told_before_anything_is_imported(tmp_path):
    with pytest.raises(CheckpointError, match="There is no folder"):
        BACKEND.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    "change",
    [
        lambda f: edit(f / "generation_config.json", repetition_penalty=1.2),
        lambda f: (f / "chat_template.jinja").write_text(CHAT),
        lambda f: rewrite(f, lambda _, old: old + 1e-3),
    ],
    ids=["generation config", "chat template", "weights"],
)
def test_the_fingerprint_changes_with_what_changes_answers(folder, change):
    before = BACKEND.fingerprint(folder, {})
    (folder / "optimizer.pt").write_bytes(b"not of the model")
    assert BACKEND.fingerprint(folder, {}) == before
    change(folder)
    assert BACKEND.fingerprint(folder, {}) != before


def test_the_fingerprint_covers_a_tokenizer_from_the_run_folder(folder):
    for file in folder.glob("tokenizer*"):
        shutil.move(file, folder.parent)
    before = BACKEND.fingerprint(folder, {})
    assert texts(BACKEND.load(folder), ITEM)
    (folder.parent / "chat_template.jinja").write_text(CHAT)
    assert BACKEND.fingerprint(folder, {}) != before


def test_the_fingerprint_does_not_depend_on_the_place(folder, checkpoint):
    assert BACKEND.fingerprint(folder, {}) == BACKEND.fingerprint(
        checkpoint("llama"), {}
    )


def test_identity_is_what_the_model_runs_in(folder):
    assert BACKEND.identity(folder) == {"backend": "transformers", "dtype": "float32"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="GPUs take bfloat16 as it is")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs_in_float32_on_the_processor(folder, dtype):
    rewrite(folder, lambda _, old: old.to(dtype))
    edit(folder / "config.json", dtype=str(dtype).removeprefix("torch."))
    assert BACKEND.identity(folder)["dtype"] == "float32"
    assert BACKEND.load(folder).network.dtype == torch.float32


def test_a_graphics_processor_gets_bfloat16_if_the_weights_are_16_bit(
    folder, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert BACKEND.identity(folder)["dtype"] == "float32"
    rewrite(folder, lambda _, old: old.half())
    assert BACKEND.identity(folder)["dtype"] == "bfloat16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert BACKEND.identity(folder)["dtype"] == "float32"


def test_loading_is_silent_and_leaves_settings_and_threads_alone(folder, capfd):
    from transformers.utils import logging as noise

    before = noise.get_verbosity(), noise.is_progress_bar_enabled()
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    model = BACKEND.load(folder)
    texts(model, ITEM, settings=Generation(max_new_tokens=4, temperature=1.0))
    assert capfd.readouterr() == ("", "")
    assert (noise.get_verbosity(), noise.is_progress_bar_enabled()) == before
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_generating_by_the_fallback_is_silent(load, capfd, caplog):
    model = load("t5")
    capfd.readouterr()
    with caplog.at_level(logging.WARNING):
        texts(model, ITEM)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_nothing_is_fetched(folder):
    # No socket can be opened in this process, to whatever address.
    code = (
        "import socket, sys, pathlib\n"
        "def refuse(*a, **k): raise SystemExit('a connection was tried')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from harness.backends.transformers import *\n"
        "TransformersBackend().load(pathlib.Path(sys.argv[1])); print('loaded')"
    )
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("loaded\n", 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "no-such-model"}, "no-such-model"),
        ({"hidden_size": 64}, "cannot be loaded"),
        ({"num_hidden_layers": 3}, "lack 9 tensors that config.json asks for"),
    ],
)
def test_weights_and_config_that_do_not_fit_are_refused(folder, changes, message):
    edit(folder / "config.json", **changes)
    with pytest.raises(CheckpointError, match=message):
        BACKEND.load(folder)


NO_WRITERS = ("bert", "roberta", "modernbert", "vit", "xlnet", "xlm", "cpmant")


@pytest.mark.parametrize("kind", NO_WRITERS)
def test_models_that_write_no_text_are_refused(kind, folder):
    # BERT's layers see what follows: its answers and likelihoods would be nonsense.
    AutoConfig.for_model(kind).save_pretrained(folder)
    with pytest.raises(
        CheckpointError, match=f"'{kind}' models.*do not go on with a text"
    ):
        BACKEND.load(str(folder))


def test_a_bert_that_was_made_a_decoder_writes_text(tmp_path):
    folder = save_checkpoint("bert_decoder", tmp_path)
    [text] = texts(BACKEND.load(str(folder)), ITEM)
    assert text


def test_a_pythia_whose_config_says_to_be_no_decoder_writes_text(checkpoint):
    folder = checkpoint("gpt_neox")
    assert not AutoConfig.from_pretrained(folder).is_decoder
    [text] = texts(BACKEND.load(str(folder)), ITEM)
    assert text


def test_missing_weights_are_not_made_up(folder):
    rewrite(folder, lambda name, old: None if name == "model.norm.weight" else old)
    with pytest.raises(CheckpointError, match=r"the first is 'model\.norm\.weight'"):
        BACKEND.load(folder)


def test_a_broken_tokenizer_is_a_checkpoint_error(folder):
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        BACKEND.load(folder)


def test_a_tokenizer_that_fails_at_a_text_is_a_checkpoint_error(folder, monkeypatch):
    def fail(*_, **__):
        raise KeyError("no such language")

    monkeypatch.setattr(PreTrainedTokenizerFast, "__call__", fail)
    with pytest.raises(CheckpointError, match="no such language"):
        BACKEND.load(folder)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_package_names_the_extra(folder, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=r"\[local\]"):
        BACKEND.load(folder)


def test_messages_and_prompt_give_the_same_answer_if_they_read_alike(folder):
    (folder / "chat_template.jinja").write_text(CHAT)
    model = BACKEND.load(folder)
    turns = ({"role": "user", "content": "the light?"},)
    chat = Item("chat", "task", "chat", "", ITEM.references, turns)
    written = "<s>user\nthe light?</s>\n<s>assistant\n"
    plain = Item("plain", "task", "plain", written, ITEM.references)
    assert len(set(texts(model, chat, plain))) == 1
    [one, other] = next(model.loglikelihood(first_references(chat, plain)))
    assert one.nll == pytest.approx(other.nll, abs=1e-4)


def test_messages_without_a_template_are_refused(load):
    turns = ({"role": "user", "content": "the light?"},)
    chat = Item("chat", "task", "chat", "", ITEM.references, turns)
    asked = first_references(chat)
    for call in (lambda m: texts(m, chat), lambda m: list(m.loglikelihood(asked))):
        with pytest.raises(CheckpointError, match="no chat template"):
            call(load("llama"))


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bart"])
def test_a_long_prompt_is_cut_on_the_left_and_counted(kind, load):
    model = load(kind)
    long = Item("long", "task", "long", "the cat sat " * 300 + "on the")
    [given] = next(model.generate([Request(long)], SHORT))
    room = 256 if kind == "bart" else 252
    assert (given.truncated, given.prompt_tokens) == (True, room)
    tokenizer = model.codec.tokenizer
    prompt = tokenizer(long.prompt)["input_ids"][-room:]
    if tokenizer.bos_token_id == 1:
        prompt[0] = 1
    tokens = torch.tensor([prompt])
    written = model.network.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=4
    )[0, 1 if kind == "bart" else room :]
    assert given.text == model.codec.text(
        [] if kind == "bart" else prompt, written.tolist()
    )


def test_an_answer_as_long_as_the_model_leaves_no_room_for_a_prompt(load):
    with pytest.raises(UsageError, match="has only 256 positions"):
        texts(load("llama"), ITEM, settings=Generation(max_new_tokens=256))


def test_no_requests_give_no_answers(load):
    assert list(load("llama").generate([], SHORT)) == []
    assert list(load("llama").loglikelihood([])) == []


def test_closing_gives_the_weights_back(folder):
    model = BACKEND.load(folder)
    model.close()
    assert not hasattr(model, "network")


def test_a_model_stays_what_it_was_when_its_files_are_overwritten_in_place(folder):
    model = BACKEND.load(folder)
    before = texts(model, ITEM)
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.write(bytes(weights.stat().st_size))
    assert texts(model, ITEM) == before
    weights.write_bytes(b"")
    assert texts(model, ITEM) == before


# transformers 5 deprecates what peft 0.21 asks it for.
peft_asks = pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)


@pytest.fixture
def adapted(folder):
    """Folder of a LoRA adapter on the folder's model, and the merged model's folder."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder)
    config = LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = get_peft_model(base, config)
    adapter, merged = folder.with_name("adapter"), folder.with_name("merged")
    model.save_pretrained(adapter)
    model.merge_and_unload().save_pretrained(merged)
    for file in folder.glob("tokenizer*"):
        shutil.copy(file, merged)
    return adapter, merged


@peft_asks
def test_an_adapter_answers_as_the_merged_model(adapted, folder):
    adapter, merged = (BACKEND.load(path) for path in adapted)
    [[one]], [[other]] = (
        m.loglikelihood(first_references(ITEM)) for m in (adapter, merged)
    )
    [[base]] = BACKEND.load(folder).loglikelihood(first_references(ITEM))
    assert one.nll == pytest.approx(other.nll, abs=1e-4)
    assert one.nll != pytest.approx(base.nll, abs=1e-2)
    settings = Generation(max_new_tokens=12)
    assert texts(adapter, ITEM, settings=settings) == texts(
        merged, ITEM, settings=settings
    )


@peft_asks
def test_an_adapters_fingerprint_covers_its_base(adapted, folder):
    adapter, _ = adapted
    before = BACKEND.fingerprint(adapter, {})
    edit(folder / "generation_config.json", repetition_penalty=1.2)
    assert BACKEND.fingerprint(adapter, {}) != before


@peft_asks
def test_an_adapter_needs_peft(adapted, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingPackage, match="PEFT adapter"):
        BACKEND.load(adapted[0])


@peft_asks
def test_an_adapter_that_learns_a_prompt_is_refused(adapted):
    file = adapted[0] / "adapter_config.json"
    config = json.loads(file.read_text())
    kept = {"base_model_name_or_path": config["base_model_name_or_path"]}
    prompt = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4}
    file.write_text(json.dumps(kept | prompt | {"task_type": "CAUSAL_LM"}))
    with pytest.raises(CheckpointError, match=r"learn a prompt \(PROMPT_TUNING\)"):
        BACKEND.load(adapted[0])


@peft_asks
def test_an_adapter_of_another_model_is_refused(adapted, folder):
    shutil.rmtree(folder)
    save_checkpoint("gpt2", folder)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        BACKEND.load(adapted[0])
