"""How hosted models are named, and where keys come from."""

from __future__ import annotations

import pytest

from harness.backends.hosted import HostedModel
from harness.checkpoints import find_checkpoints
from harness.errors import UsageError

LOCAL = "http://127.0.0.1:8000/v1"
OPENAI = "https://api.openai.com/v1"


@pytest.fixture(autouse=True)
def without_settings_of_this_machine(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "model", "url", "variable"),
    [
        ("gpt-4o-mini", "gpt-4o-mini", OPENAI, None),
        (
            "ft:gpt-4o:me::x1:ckpt-step-30",
            "ft:gpt-4o:me::x1:ckpt-step-30",
            OPENAI,
            None,
        ),
        (f"llama3:8b@{LOCAL}", "llama3:8b", LOCAL, None),
        (f"meta/llama@{LOCAL}/", "meta/llama", LOCAL, None),
        (f"/models/checkpoint-30@{LOCAL}", "/models/checkpoint-30", LOCAL, None),
        (f"@cf/llama@{LOCAL}", "@cf/llama", LOCAL, None),
        (f"m@{LOCAL}#MY_KEY", "m", LOCAL, "MY_KEY"),
        ("m@HTTPS://Host.Example:443/V1", "m", "https://host.example:443/V1", None),
        ("m@http://[::1]:80/v1", "m", "http://[::1]:80/v1", None),
    ],
)
def test_names_are_read_and_written_in_one_spelling(name, model, url, variable):
    found = HostedModel.parse(name)
    assert found == HostedModel(model, url, variable)
    assert HostedModel.parse(found.location) == found


def test_without_a_url_it_is_the_one_in_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{LOCAL}/")
    assert HostedModel.parse("m").url == LOCAL
    assert HostedModel.parse(f"m@{OPENAI}").url == OPENAI


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "Name the model"),
        ("m@localhost:8000/v1", "must begin with http"),
        ("m@http://", "must read http://HOST"),
        ("m@http://h:99999/v1", "cannot be read"),
        ("m@https://me:pa55word@host/v1", "environment variable"),
        ("m@https://pa55word@host/v1", "environment variable"),
        ("m@https://host/v1?key=pa55word", "environment variable"),
        ("m@https://host/v1#sk-pa55word", "never the key itself"),
    ],
)
def test_wrong_names_are_refused_and_secrets_not_repeated(name, problem):
    with pytest.raises(UsageError, match=problem) as error:
        HostedModel.parse(name)
    assert "pa55word" not in str(error.value)


def test_the_key_of_openai_goes_to_openai_and_to_the_server_in_the_environment(
    monkeypatch,
):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert HostedModel.parse("m").key() == "secret"
    assert HostedModel.parse(f"m@{LOCAL}").key() is None
    assert HostedModel.parse(f"m@{LOCAL}#OPENAI_API_KEY").key() == "secret"
    monkeypatch.setenv("OPENAI_BASE_URL", f"{LOCAL}/")
    assert HostedModel.parse(f"m@{LOCAL}").key() == "secret"
    assert HostedModel.parse("m@http://127.0.0.1:8001/v1").key() is None


def test_a_missing_key_is_named(monkeypatch):
    with pytest.raises(UsageError, match="set the variable OPENAI_API_KEY"):
        HostedModel.parse("m").key()
    with pytest.raises(UsageError, match="set the variable MY_KEY"):
        HostedModel.parse(f"m@{LOCAL}#MY_KEY").key()
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert HostedModel.parse("m").key() is None


def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sesame\r\nX-Header: a")
    with pytest.raises(UsageError, match="MY_KEY holds signs") as error:
        HostedModel.parse(f"m@{LOCAL}#MY_KEY").key()
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        (LOCAL, True),
        ("http://localhost:1/v1", True),
        ("http://[::1]/v1", True),
        ("http://10.0.0.1/v1", False),
        ("https://localhost.example/v1", False),
    ],
)
def test_what_is_on_this_machine(url, loopback):
    assert HostedModel.parse(f"m@{url}").is_loopback is loopback


def test_hosted_checkpoints_stand_beside_folders(tmp_path):
    folder = tmp_path / "run" / "checkpoint-20"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    tuned = f"ft:x:ckpt-step-10@{LOCAL}"
    found = find_checkpoints(
        [
            f"tuned=openai:{tuned}",
            "openai:gpt-4o",
            f"transformers:{folder}",
            str(folder),
        ]
    )
    assert [(one.backend, one.series, one.name, one.step) for one in found] == [
        ("openai", "api.openai.com", "gpt-4o", None),
        ("transformers", "run", "checkpoint-20", 20),
        ("openai", "tuned", "ft:x:ckpt-step-10", 10),
    ]
    assert found[1].location == str(folder.resolve())
    assert found[2].location == tuned


def test_what_exists_as_a_path_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openai:gpt-4o").mkdir()
    [found] = find_checkpoints(["openai:gpt-4o"])
    assert found.backend == "transformers"
