"""Ids and fingerprints follow content, and nothing else."""

import os
import shutil
from hashlib import blake2b

import pytest
from fakes import write_checkpoint

from harness.identity import FileStamp, content_hash, fingerprint, model_files


@pytest.fixture
def folder(tmp_path):
    return write_checkpoint(tmp_path / "checkpoint-1")


def print_of(folder):
    return fingerprint(model_files(folder))


def test_a_content_hash_has_32_hexadecimal_digits():
    assert len(content_hash("a")) == 32
    assert int(content_hash("a"), 16) >= 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", "b"), ("b", "a")),
        ((1,), ("1",)),
        ((None,), ("",)),
        (("é",), ("e\u0301",)),
    ],
    ids=["borders", "order", "type", "null", "composed"],
)
def test_content_hash_tells_apart(one, other):
    assert content_hash(*one) != content_hash(*other)


def test_content_hash_ignores_the_order_of_keys():
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


def test_content_hash_is_blake2_of_compact_json():
    # Studies hold these; another hash would orphan all that is stored.
    text = '["task",{"a":1,"é":null}]'
    wanted = blake2b(text.encode(), digest_size=16).hexdigest()
    assert content_hash("task", {"é": None, "a": 1}) == wanted


def test_content_hash_takes_half_a_surrogate_pair():
    assert content_hash("\ud83d") != content_hash("\ufffd")


def test_a_copy_elsewhere_has_the_same_fingerprint(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "other-name")
    os.utime(copy / "model.safetensors", ns=(1, 1))
    assert print_of(copy) == print_of(folder)


@pytest.mark.parametrize(
    "file",
    [
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "chat_template.jinja",
        "vocab.txt",
        "merges.txt",
        "spiece.model",
    ],
)
def test_each_file_that_changes_outputs_changes_the_fingerprint(folder, file):
    before = print_of(folder)
    (folder / file).write_text("changed")
    assert print_of(folder) != before


@pytest.mark.parametrize(
    "file", ["trainer_state.json", "optimizer.pt", "README.md", "rng_state.pth"]
)
def test_files_that_leave_outputs_alone_leave_the_fingerprint(folder, file):
    before = print_of(folder)
    (folder / file).write_text("changed")
    assert print_of(folder) == before


def test_contents_that_change_places_change_the_fingerprint(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, first, second in ((one, "a", "b"), (other, "b", "a")):
        write_checkpoint(folder)
        (folder / "tokenizer.json").write_text(first)
        (folder / "vocab.json").write_text(second)
    assert print_of(one) != print_of(other)


def test_an_unchanged_file_is_read_once(folder, monkeypatch):
    read = []
    real = "harness.identity.file_hash"
    monkeypatch.setattr(real, lambda path: read.append(path.name) or path.name)
    known = {}
    fingerprint(model_files(folder), known)
    fingerprint(model_files(folder), known)
    assert read == ["config.json", "model.safetensors", "tokenizer.json"]


@pytest.mark.parametrize("change", ["mtime", "size", "replaced"])
def test_a_changed_stamp_is_read_again(folder, change):
    path = folder / "model.safetensors"
    before = FileStamp.of(path)
    if change == "mtime":
        os.utime(path, ns=(before.mtime_ns, before.mtime_ns + 1))
    elif change == "size":
        path.write_text("longer word")
    else:
        shutil.copy2(path, folder / "new").replace(path)
    assert FileStamp.of(path) != before


def test_a_large_file_is_hashed_in_pieces(tmp_path):
    path = tmp_path / "big.safetensors"
    path.write_bytes(b"x" * (3 << 20))
    before = fingerprint([path])
    path.write_bytes(b"x" * ((3 << 20) - 1) + b"y")
    assert fingerprint([path]) != before


def test_a_folder_named_like_a_model_file_is_no_file(folder):
    (folder / "tokenizer").mkdir()
    assert [p.name for p in model_files(folder)] == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
