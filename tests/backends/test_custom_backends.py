"""Backends that users bring in a file or a package."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest
from fakes import register, write_checkpoint, write_task

from harness.backends import OpenAIBackend, Request, backend_named, backends
from harness.backends.base import NO_LIKELIHOODS
from harness.checkpoints import find_checkpoints
from harness.errors import CheckpointError, InputError, NotFound, UsageError
from harness.run import run
from harness.study import StudyFile
from harness.task import load_tasks
from harness.types import Generation, Item

NAMED = """
from harness.backends import Backend, Generated, Model, Place

class Parrot(Backend):
    name = "parrot"

    def place(self, name):
        return Place(name, name, "parrots")

    def load(self, location):
        return ParrotModel(location)

class ParrotModel(Model):
    def __init__(self, method):
        self.method = method

    def generate(self, requests, settings):
        for request in requests:
            text = getattr(str, self.method)(request.item.prompt)
            yield [Generated(request.item.id, request.sample, text)]
"""
OF_FOLDERS = NAMED.replace("def place", "def not_place")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "parrot.py"
    path.write_text(NAMED)
    return path


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def task(tmp_path):
    return write_task(tmp_path / "task", metrics=["exact_match", "perplexity"])


def texts(study):
    return study.column("SELECT text FROM current_outputs ORDER BY text")


# A file


def test_a_file_runs_as_a_backend(file, study, task):
    done = run(study, load_tasks(str(task)), [f"{file}:upper"])
    [checkpoint] = done.checkpoints
    assert (checkpoint.series, checkpoint.name) == ("parrots", "upper")
    assert checkpoint.backend == str(file)
    assert texts(study) == [f"QUESTION {n}" for n in range(10)]


def test_a_backend_that_only_generates_says_that_likelihoods_are_unknown(
    file, study, task
):
    run(study, load_tasks(str(task)), [f"{file}:upper"])
    found = study.rows(
        "SELECT value, reason FROM current_scores WHERE signature LIKE 'perplexity|%'"
    )
    assert len(found) == 10
    assert {(row["value"], row["reason"]) for row in found} == {(None, NO_LIKELIHOODS)}


def test_an_unchanged_file_is_not_asked_again_and_an_edited_one_is(file, study, task):
    tasks, names = load_tasks(str(task)), [f"{file}:upper"]
    assert run(study, tasks, names).generations[0].generated == 10
    assert run(study, tasks, names).generations[0].generated == 0
    file.write_text(NAMED.replace("request.item.prompt", "request.item.prompt[0]"))
    done = run(study, tasks, names)
    assert done.generations[0].generated == 10
    assert len(done.checkpoints) == 1
    assert texts(study) == ["Q"] * 10
    file.write_text(NAMED)
    assert run(study, tasks, names).generations[0].generated == 0
    assert texts(study)[0] == "QUESTION 0"


def test_a_moved_file_is_the_same_backend(file, study, task):
    tasks = load_tasks(str(task))
    run(study, tasks, [f"{file}:upper"])
    moved = file.rename(file.with_name("moved.py"))
    done = run(study, tasks, [f"{moved}:upper"])
    assert done.generations[0].generated == 0
    assert [one.backend for one in done.checkpoints] == [str(moved)]


def test_a_file_is_found_from_where_one_stands_and_may_have_a_series(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    names = ["./parrot.py:upper", "mine=parrot.py:lower", "parrot.py:a=b:c"]
    found = find_checkpoints(names)
    assert [(one.series, one.name) for one in found] == [
        ("mine", "lower"),
        ("parrots", "a=b:c"),
        ("parrots", "upper"),
    ]
    assert {one.backend for one in found} == {str(file)}


def test_the_file_is_loaded_once(file):
    file.write_text(NAMED + "\nbackends_loaded = object()\n")
    assert backend_named(str(file)) is backend_named(str(file))


def test_a_version_of_its_own_stands_before_the_hash(file):
    file.write_text(NAMED.replace("def place", "version = 'v7'\n    def place"))
    assert backend_named(str(file)).version.startswith("v7+")


# Folders


def test_folders_are_found_by_glob_and_known_by_all_their_files(file, study, tmp_path):
    file.write_text(OF_FOLDERS)
    for step in (5, 30):
        write_checkpoint(tmp_path / "run" / f"checkpoint-{step}", word=str(step))
    names = [f"{file}:{tmp_path}/run/checkpoint-*"]
    before = register(study, find_checkpoints(names))
    assert [(one.name, one.step) for one in before] == [
        ("checkpoint-5", 5),
        ("checkpoint-30", 30),
    ]
    own = tmp_path / "run" / "checkpoint-30" / "inner" / "weights.mine"
    own.parent.mkdir()
    own.write_text("other weights")
    after = register(study, find_checkpoints(names))
    assert after[0] == before[0]
    assert after[1].id != before[1].id
    (own.parent / ".notes").write_text("hidden")
    assert register(study, find_checkpoints(names)) == after


def test_a_folder_run_by_two_backends_is_two_checkpoints(echo, file, study, tmp_path):
    file.write_text(OF_FOLDERS)
    folder = write_checkpoint(tmp_path / "run" / "last")
    found = find_checkpoints([str(folder), f"{file}:{folder}"])
    assert len({one.id for one in register(study, found)}) == 2


def test_an_empty_folder_is_refused(file, study, tmp_path):
    file.write_text(OF_FOLDERS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="empty: there is no file in it"):
        register(study, find_checkpoints([f"{file}:{tmp_path}/empty"]))


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "but it holds none"),
        (NAMED.replace("def load", "def lod"), "a method 'load', but it holds none"),
        (NAMED + "\nclass Second(Parrot): pass\n", "it holds Parrot, Second"),
        ("import no_such_package", "cannot be loaded: ModuleNotFoundError"),
        (NAMED.replace('name = "parrot"', ""), "class Parrot needs a name"),
        (
            NAMED.replace("def place", "def __init__(self): self.x\n    def place"),
            "class Parrot cannot be loaded: AttributeError",
        ),
    ],
    ids=["empty", "no load", "two", "import", "nameless", "fails"],
)
def test_a_file_without_a_usable_backend_says_what_to_do(file, text, message):
    file.write_text(text)
    with pytest.raises(
        (InputError, CheckpointError), match=rf"parrot\.py: .*{message}"
    ):
        find_checkpoints([f"{file}:upper"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: no such Python file"):
        find_checkpoints([f"{tmp_path}/none.py:upper"])


def test_a_file_that_takes_a_name_of_tandem_is_refused_and_changes_nothing(file):
    before = backends["openai"]
    file.write_text(
        NAMED + "\nfrom harness.backends import backends\n"
        "backends.register('openai')(Parrot())\n"
    )
    with pytest.raises(CheckpointError, match=r"parrot\.py registers 'openai', which"):
        backend_named(str(file))
    assert backends["openai"] is before


def test_it_cannot_be_asked_for_a_dtype_unless_it_says_so(file):
    from harness.backends import Loading

    with pytest.raises(UsageError, match="how 'parrot' models are loaded"):
        find_checkpoints([f"{file}:upper"], Loading(dtype="float16"))


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        ("requests[:-1]", "gave 1 answers of checkpoint 'upper' less than"),
        ("[*requests, requests[0]]", "not asked for, or gave it twice"),
        ("[*requests[1:], requests[1]]", "not asked for, or gave it twice"),
    ],
    ids=["one is missing", "one too many", "one instead of another"],
)
def test_other_answers_than_asked_for_are_an_error(file, study, task, loop, message):
    file.write_text(NAMED.replace("in requests", f"in {loop}"))
    with pytest.raises(CheckpointError, match=message):
        run(study, load_tasks(str(task)), [f"{file}:upper"])


def test_an_answer_that_is_no_text_is_an_error(file, study, task):
    file.write_text(NAMED.replace("sample, text", "sample, None"))
    with pytest.raises(CheckpointError, match="must be a text, but is None"):
        run(study, load_tasks(str(task)), [f"{file}:upper"])


def test_a_likelihood_that_is_no_number_is_an_error(file, study, task):
    given = "[[Scored(one.item.id, one.target, float('nan'), 1)] for one in passages]"
    file.write_text(
        NAMED.replace("Place\n", "Place, Scored\n")
        + f"    def loglikelihood(self, passages):\n        return {given}\n"
    )
    with pytest.raises(CheckpointError, match="must be a number, but is nan"):
        run(study, load_tasks(str(task)), [f"{file}:upper"])


# A package


@pytest.fixture
def package(monkeypatch, file):
    """Entry points of packages that bring backends."""
    monkeypatch.syspath_prepend(file.parent)
    file.rename(file.with_name("parrot_package.py"))
    with (file.parent / "parrot_package.py").open("a") as module:
        module.write("\nready = Parrot()\n")

    def entry_points(**wanted):
        points = [
            EntryPoint("parrot", "parrot_package:Parrot", "harness.backends"),
            EntryPoint("ready", "parrot_package:ready", "harness.backends"),
            EntryPoint("broken", "no_such_package:Backend", "harness.backends"),
            EntryPoint("number", "math:pi", "harness.backends"),
            EntryPoint("openai", "parrot_package:Parrot", "harness.backends"),
        ]
        return EntryPoints(points).select(**wanted)

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


@pytest.mark.parametrize("name", ["parrot", "ready"])
def test_an_installed_package_brings_a_class_or_an_instance(package, name):
    model = backend_named(name).load("title")
    item = Item("1", "task", "1", "good day")
    [[answer]] = model.generate([Request(item)], Generation())
    assert (answer.text, answer.finish, answer.new_tokens) == ("Good Day", "stop", None)


def test_a_checkpoint_names_it_like_any_backend(package):
    [found] = find_checkpoints(["mine=parrot:upper"])
    assert (found.backend, found.series, found.name) == ("parrot", "mine", "upper")


def test_a_package_cannot_take_the_name_of_a_backend_of_tandem(package):
    assert isinstance(backend_named("openai"), OpenAIBackend)


def test_a_package_is_loaded_only_if_it_is_named(package, tmp_path):
    folder = write_checkpoint(tmp_path / "run" / "last")
    assert find_checkpoints([f"transformers:{folder}", "openai:m"])


def test_a_broken_package_is_named(package):
    with pytest.raises(
        CheckpointError,
        match=r"'broken' \(no_such_package:Backend\) cannot be loaded: ModuleNotFound",
    ):
        find_checkpoints(["broken:upper"])
    with pytest.raises(CheckpointError, match=r"'number' .* is no subclass"):
        find_checkpoints(["number:upper"])


@pytest.mark.parametrize(("name", "near"), [("parot", "parrot"), ("opnai", "openai")])
def test_a_backend_misspelt_is_answered_with_the_nearest(package, name, near):
    with pytest.raises(NotFound, match=f"Did you mean '{near}'"):
        find_checkpoints([f"{name}:upper"])


def test_a_glob_of_folders_with_a_colon_is_no_backend(echo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "lr:3" / "checkpoint-5")
    [found] = find_checkpoints(["lr:3/checkpoint-*"])
    assert (found.backend, found.name) == ("transformers", "checkpoint-5")
