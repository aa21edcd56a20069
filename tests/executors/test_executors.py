"""Which executor options mean, what is refused, and how a cluster is divided."""

import pickle

import pytest
from executors.studies import write_suite, write_told
from typer.testing import CliRunner

from harness.backends import AUTOMATIC, Backend, Loading, backend_named, backends
from harness.cli import app
from harness.errors import (
    CheckpointError,
    InputError,
    MetricError,
    MissingPackage,
    NotFound,
    ServerError,
    UsageError,
)
from harness.executors import LOCAL, Order, RayExecutor, executor_named, identity_of
from harness.executors.ray import seats
from harness.executors.worker import Problem, Worker
from harness.types import Generation, Item


class Loads(Backend):
    """Gives, in place of a model, how it was loaded."""

    name = "loads"
    how = "whole"

    def lean(self):
        found = Loads()
        found.how = "lean"
        return found

    def load(self, location):
        return self.how, location


def test_commands_import_no_more_than_models_take_and_programs_all():
    order = Order("loads", "here", "print", {}, AUTOMATIC, {})
    with executor_named("local") as local:
        assert local.load(Loads(), order) == ("lean", "here")
    assert LOCAL.load(Loads(), order) == ("whole", "here")


def test_ray_starts_nothing_before_it_is_needed():
    with executor_named("ray") as found:
        assert isinstance(found, RayExecutor)


def test_the_nearest_executor_is_suggested():
    with pytest.raises(NotFound, match="Did you mean 'ray'"):
        executor_named("rays")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("local", "10.0.0.1:6379", None), "--ray-address is for Ray"),
        (("local", None, 2), "--workers is for Ray"),
        (("ray", None, 0), "--workers 0: write 1 or more"),
        (("ray", "ray://head:10001", None), "write HOST:PORT"),
    ],
)
def test_options_that_do_not_suit_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        executor_named(*options)


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setattr("harness.executors.ray.find_spec", lambda _: None)
    with pytest.raises(MissingPackage, match=r"pip install '.\[ray\]'"):
        executor_named("ray")


@pytest.mark.parametrize("verb", ["run", "watch"])
def test_what_is_refused_leaves_no_study(tmp_path, monkeypatch, verb):
    monkeypatch.setattr("harness.executors.ray.find_spec", lambda _: None)
    suite, named = str(write_suite(tmp_path / "t")), write_told(tmp_path / "c")
    what = ["-c", named] if verb == "run" else [str(tmp_path)]
    study = tmp_path / "s.db"
    done = CliRunner().invoke(
        app, [verb, suite, *what, "--db", str(study), "--executor", "ray"]
    )
    assert isinstance(done.exception, MissingPackage)
    assert not study.exists()


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer_is_one_line(tmp_path, address):
    order = order_for(write_told(tmp_path / "c"))
    backend = backend_named(order.backend)
    with (
        RayExecutor(address) as executor,
        pytest.raises(CheckpointError, match="cannot be reached") as it,
    ):
        executor.load(backend, order)
    assert len(str(it.value).splitlines()) == 1


def test_a_cluster_that_anybody_could_enter_is_not_started(tmp_path, monkeypatch):
    import ray

    assert not ray.is_initialized()
    for name in ("RAY_AUTH_MODE", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    order = order_for(write_told(tmp_path / "c"))
    with RayExecutor() as executor, pytest.raises(UsageError, match="RAY_AUTH_MODE"):
        executor.load(backend_named(order.backend), order)


# How a cluster is divided


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "expected"),
    [
        ([(1, 0), (1, 0)], "auto", None, (2, 1)),
        ([(8, 0), (8, 0), (8, 0)], "auto", None, (3, 8)),
        ([(8, 0), (8, 0)], "auto", 4, (4, 4)),
        ([(3, 0), (3, 0)], "auto", 3, (3, 1)),
        ([(4, 0), (64, 0)], "auto", None, (2, 32)),
        ([(2, 0)], "auto", 9, (9, 1)),
        ([(0, 0), (4, 0)], "auto", None, (1, 4)),
        ([(8, 2), (8, 0)], "cpu", None, (2, 8)),
        ([], "auto", None, (1, 1)),
    ],
)
def test_workers_without_gpus_divide_the_cores(nodes, device, workers, expected):
    found = divided(nodes, device, workers)
    assert found == (expected[0], {"num_gpus": 0, "num_cpus": expected[1]})


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "expected"),
    [
        ([(8, 0), (64, 8), (64, 8)], "auto", None, 16),
        ([(8, 0), (64, 8)], "auto", 3, 3),
        ([(8, 0)], "cuda", None, 1),
        ([(8, 0)], "cuda", 5, 5),
    ],
)
def test_workers_take_a_gpu_each(nodes, device, workers, expected):
    found = divided(nodes, device, workers)
    assert found == (expected, {"num_gpus": 1, "num_cpus": 1})


def divided(nodes, device, workers):
    known = [{"CPU": float(cpus), "GPU": float(gpus)} for cpus, gpus in nodes]
    return seats(known, Loading(device=device), workers)


# What a worker does, in this process


def order_for(named, **changes):
    name, location = named.rsplit(":", 1)
    backend = backend_named(name)
    order = Order(
        backend=name,
        location=location,
        fingerprint=backend.fingerprint(location, {}),
        identity=identity_of(backend, location),
        loading=AUTOMATIC,
        known={},
    )
    return Order(**{**{k: getattr(order, k) for k in Order.__slots__}, **changes})


def requests():
    from harness.backends import Request

    return [Request(Item(str(n), "t", f"q{n}", f"prompt {n}")) for n in range(9)]


def test_a_worker_answers_all_it_is_asked(tmp_path):
    worker = Worker(order_for(write_told(tmp_path / "c", word="so")))
    assert worker.load().problem is None
    part = worker.generate(requests(), Generation())
    assert [one.text for one in part.rows][:2] == ["so prompt 0 0-0", "so prompt 1 0-0"]
    assert len(part.rows) == 9


def test_what_came_before_an_error_comes_with_it(tmp_path):
    worker = Worker(order_for(write_told(tmp_path / "c", fails_at="q4")))
    worker.load()
    part = worker.generate(requests(), Generation())
    assert [one.item for one in part.rows] == ["0", "1", "2"]
    said = rf"{tmp_path / 'c'}: the model failed: RuntimeError: CUDA"
    with pytest.raises(CheckpointError, match=said):
        raise part.problem.error()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fingerprint": "other"}, "holds other weights"),
        ({"location": "/no/such/folder"}, "No such file"),
        ({"identity": {}}, "with backend 'told'"),
        ({"backend": "/no/such/file.py"}, "no such Python file"),
    ],
)
def test_a_worker_refuses_what_is_not_what_is_meant(tmp_path, changes, said):
    problem = Worker(order_for(write_told(tmp_path / "c"), **changes)).load().problem
    assert said in problem.message
    assert len(problem.message.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UsageError("a"), UsageError),
        (InputError("a", file="b"), InputError),
        (CheckpointError("a"), CheckpointError),
        (ServerError("a", status=500), CheckpointError),
        (MissingPackage("a", "local"), CheckpointError),
        (NotFound("a", "b", ["c"]), CheckpointError),
        (MetricError("a", "b"), CheckpointError),
        (MemoryError("no\nmemory"), CheckpointError),
    ],
)
def test_any_error_survives_the_journey(error, kind):
    problem = pickle.loads(pickle.dumps(Problem.of(error, "c")))  # noqa: S301 - made here
    assert type(problem.error()) is kind
    assert "Worker on " in str(problem.error())
    assert "\n" not in str(problem.error())


def test_models_behind_servers_are_asked_from_here(monkeypatch):
    monkeypatch.setattr(type(backends["openai"]), "load", lambda _, place: place)
    order = Order("openai", "gpt@http://127.0.0.1:9/v1", "", {}, AUTOMATIC, {})
    with RayExecutor() as executor:
        assert executor.load(backends["openai"], order) == order.location
