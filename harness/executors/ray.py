"""Ray: workers on the machines of a cluster, one to a GPU where it has any.

Ray decides where they run, finds out that they died and lets the cluster grow. It does
not repeat their calls itself: that would tie a chunk to the machine that was lost,
while `harness.executors.sharing` hands it to a worker that is there.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import socket
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointError, MissingPackage, UsageError
from harness.executors.base import Executor
from harness.executors.places import Places
from harness.executors.sharing import Crew, Died, SharedModel
from harness.executors.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.backends import Backend, Loading, Model
    from harness.executors.base import Order
    from harness.executors.worker import Part

PATIENCE = 900.0
"""Seconds that a cluster may take to find room for the first worker, say to boot a
machine."""
SECONDS = 20.0
"""Within which a cluster must answer."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray would print the deaths of workers among the results, on stdout.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
"""What Ray reads when it is imported: it reports to nobody and prints nothing."""
OPEN = (
    "Ray was imported before a token could be asked of it. A cluster started now would "
    "run whatever anyone sends who reaches this machine. Import ray later, set "
    "RAY_AUTH_MODE=token before, or call ray.init() yourself."
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class RayExecutor(Executor):
    """Runs checkpoints on a Ray cluster; models behind servers are asked from here."""

    has_lanes = True

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        """Starts nothing yet.

        Args:
            address: `HOST:PORT` of a cluster, or `auto` for one that this machine
                belongs to; None: that of RAY_ADDRESS, else one is started here.
            workers: how many; None: one a GPU, in clusters without any one a machine.

        Raises:
            MissingPackage: ray is not installed.
            UsageError: address or number cannot be used.
        """
        if workers is not None and workers < 1:
            raise UsageError(f"--workers {workers}: write 1 or more.")
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        if "://" in self._address:
            raise UsageError(
                f"--ray-address {self._address}: write HOST:PORT, and run the command "
                "on a machine of the cluster."
            )
        if find_spec("ray") is None:
            raise MissingPackage("--executor ray", "ray")
        self._workers = workers
        self._started = False

    def load(self, backend: Backend, order: Order) -> Model:
        """The model in the memory of workers, the first of which has loaded it.

        Raises:
            CheckpointError: a worker cannot load it, or the cluster not be reached.
            UsageError: the device is a GPU by its number, or a cluster started here
                would be open to others.
        """
        if backend.is_remote:
            return backend.load(order.location)
        number, options = self._seats(order.loading)
        crew = RayCrew(order, number, options, Places())
        return SharedModel(order.location, crew, lambda: order.holds(backend))

    def lanes(self, checkpoints: int, loading: Loading) -> Sequence[Executor]:
        """Workers divided evenly, at least one to each lane.

        Raises:
            CheckpointError: the cluster cannot be reached.
            UsageError: as `load`.
        """
        if checkpoints <= 1:
            return [self]
        number, options = self._seats(loading)
        lanes = min(number, checkpoints)
        each, more = divmod(number, lanes)
        places = Places()
        return [RayLane(each + (n < more), options, places) for n in range(lanes)]

    def close(self) -> None:
        """End the cluster if it was started here, else only leave it."""
        if self._started:
            import ray

            ray.shutdown()
            self._started = False

    def _seats(self, loading: Loading) -> tuple[int, dict[str, float | int]]:
        if ":" in loading.device:
            raise UsageError(
                f"--device {loading.device}: Ray decides which GPU a worker gets. "
                "Write --device cuda."
            )
        self._connect()
        return seats(_nodes(), loading, self._workers)

    def _connect(self) -> None:
        """Enter the cluster, unless this process is in one."""
        is_own = self._address == "local"
        was_imported = "ray" in sys.modules
        if not was_imported:
            _prepare_environment(is_own=is_own)
        import ray

        if ray.is_initialized():
            return
        if is_own and was_imported and "RAY_AUTH_MODE" not in os.environ:
            raise UsageError(OPEN)
        if not is_own and self._address != "auto":
            _check_answers(self._address)
        options: dict[str, Any] = {"include_dashboard": False} if is_own else {}
        try:
            with _kept_signals():
                ray.init(
                    address=self._address,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                    **options,
                )
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise CheckpointError(
                f"The Ray cluster at '{self._address}' cannot be used: "
                f"{_last_line(error)} Is it running, with the same versions of Ray and "
                "Python as here?"
            ) from error
        self._started = True


class RayLane(Executor):
    """A part of a cluster's workers, for one checkpoint after another."""

    def __init__(
        self, size: int, options: Mapping[str, float | int], places: Places
    ) -> None:
        """Starts nothing yet.

        Args:
            size: how many workers.
            options: what each takes of a machine, as `ray.remote` has it.
            places: those that no lane needs any more.
        """
        self._size = size
        self._options = options
        self._places = places
        self._crew: RayCrew | None = None
        self._is_closed = False

    def load(self, backend: Backend, order: Order) -> Model:
        """As a `RayExecutor`, on this part.

        Raises:
            CheckpointError: as there; or the lane was closed.
        """
        if backend.is_remote:
            return backend.load(order.location)
        crew = self._crew = RayCrew(order, self._size, self._options, self._places)
        # Whoever closed it before that line did not know of the crew.
        if self._is_closed:
            crew.close()
        return SharedModel(order.location, crew, lambda: order.holds(backend))

    def close(self) -> None:
        """End its workers and leave their places to the other lanes."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._crew is not None:
            self._crew.close()
            self._size = self._crew.size
        self._places.leave(self._size)


class RayCrew(Crew):
    """Actors that hold one checkpoint each."""

    def __init__(
        self,
        order: Order,
        size: int,
        options: Mapping[str, float | int],
        places: Places,
    ) -> None:
        """Ask the cluster for actors.

        Args:
            order: the checkpoint.
            size: how many.
            options: what each takes of a machine, as `ray.remote` has it.
            places: those for more, and who else is at work.
        """
        import ray

        self.size = size
        self._name = order.location
        self._places = places
        self._is_closed = False
        self._wanted = dict(options)
        # One copy for all: the hashes of a study's files may be many.
        self._order = ray.put(order)
        self._kind = ray.remote(Worker).options(
            max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD", **options
        )
        self._actors = [self._kind.remote(self._order) for _ in range(size)]
        self._calls: dict[Any, int] = {}
        self._is_placed = False

    def begin(self, worker: int, method: str, *given: Any) -> None:
        """Have an actor do something; returns at once."""
        call = getattr(self._actors[worker], method).remote(*given)
        self._calls[call] = worker

    def finished(self) -> tuple[int, Part[Any] | Died]:
        """The next actor that is done; waits for it.

        Raises:
            CheckpointError: the cluster has had no room for any in `PATIENCE` seconds.
        """
        import ray

        if not self._is_placed:
            self._await_room()
        [call], _ = ray.wait(list(self._calls))
        worker = self._calls.pop(call)
        try:
            return worker, ray.get(call)
        except ray.exceptions.RayTaskError as error:
            said = f"{self._name}: a worker failed: {_last_line(error)}"
            raise CheckpointError(said) from error
        except ray.exceptions.RayError as error:
            return worker, Died(_last_line(error))

    def replace(self, worker: int) -> None:
        """Another actor, wherever the cluster has room."""
        import ray

        # It may live on, cut off from here, and would hold its machine's memory.
        ray.kill(self._actors[worker])
        self._actors[worker] = self._kind.remote(self._order)
        # Whoever closed it before that line did not know of the newcomer.
        if self._is_closed:
            ray.kill(self._actors[worker])
            raise CheckpointError("The workers were ended.")

    def grow(self) -> bool:
        """One actor more, where other lanes have left a place."""
        if self._is_closed or not self._places.take():
            return False
        self._actors.append(self._kind.remote(self._order))
        self.size += 1
        return True

    def close(self) -> None:
        """Kill all actors."""
        import ray

        self._is_closed = True
        if ray.is_initialized():
            for actor in self._actors:
                ray.kill(actor)
        self._places.end(self)

    def _await_room(self) -> None:
        import ray

        starting = [actor.__ray_ready__.remote() for actor in self._actors]
        started, _ = ray.wait(starting, timeout=PATIENCE)
        # Other lanes may have the room: there may be less of it than workers.
        while not started and self._places.are_used(PATIENCE):
            started, _ = ray.wait(starting, timeout=PATIENCE)
        if not started:
            raise CheckpointError(
                f"In {PATIENCE / 60:.0f} minutes the Ray cluster found no room for a "
                f"worker, which takes {_shown(self._wanted)}. 'ray status' there says "
                "what it has and who uses it."
            )
        self._is_placed = True
        self._places.begin(self)


def seats(
    nodes: Sequence[Mapping[str, float]], loading: Loading, workers: int | None
) -> tuple[int, dict[str, float | int]]:
    """How many workers, and what each takes.

    Args:
        nodes: each machine's resources as Ray calls them, `CPU` and `GPU`.
        loading: says whether GPUs are wanted.
        workers: how many a user asks for; None: what suits.

    Returns:
        One worker a GPU, where there are any and they are not declined; else workers
        that divide the machines' cores, as a rule one a machine.
    """
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if loading.device == "cuda" or (loading.device == "auto" and gpus):
        return workers or gpus or 1, {"num_gpus": 1, "num_cpus": 1}
    cores = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    number = workers or len(cores) or 1
    each = max(cores, default=1)
    while each > 1 and sum(one // each for one in cores) < number:
        each -= 1
    return number, {"num_gpus": 0, "num_cpus": each}


def _nodes() -> list[Mapping[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _check_answers(address: str) -> None:
    """Ray itself would try for minutes, and write a line every second."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"The Ray cluster at '{address}' cannot be reached: {error}. Name the "
            "address that 'ray start' printed there, as HOST:PORT."
        ) from None


def _prepare_environment(*, is_own: bool) -> None:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if is_own:
        # A cluster listens at every address of the machine, and runs what it is sent.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def _kept_signals() -> Iterator[None]:
    """Ray answers SIGTERM in its own way, also where the program has another."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _last_line(error: Exception) -> str:
    """What went wrong, without the traceback before it."""
    lines = [line for line in COLOUR.sub("", str(error)).splitlines() if line.strip()]
    causes = [line for line in lines if not line.startswith((" ", "\t"))]
    said = (causes or lines or [type(error).__name__])[-1].strip()
    return said if said.endswith(".") else f"{said}."


def _shown(wanted: Mapping[str, float | int]) -> str:
    names = {"num_gpus": "GPU", "num_cpus": "CPU"}
    return " and ".join(f"{wanted[k]} {name}" for k, name in names.items() if wanted[k])
