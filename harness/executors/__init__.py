"""Where models run: in this process, or on the machines of a cluster."""

from __future__ import annotations

from harness.errors import NotFound, UsageError
from harness.executors.base import LOCAL, Executor, Local, Order, identity_of
from harness.executors.ray import RayExecutor

__all__ = [
    "LOCAL",
    "Executor",
    "Local",
    "Order",
    "RayExecutor",
    "executor_named",
    "identity_of",
]


def executor_named(
    name: str, address: str | None = None, workers: int | None = None
) -> Executor:
    """The executor that the options of a command mean; starts nothing.

    Args:
        name: `local` or `ray`.
        address: of a Ray cluster.
        workers: processes on it.

    Raises:
        MissingPackage: ray is not installed.
        NotFound: there is no such executor.
        UsageError: an option does not suit it.
    """
    if name == "ray":
        return RayExecutor(address, workers)
    if name != "local":
        raise NotFound("executor", name, ("local", "ray"))
    if address is not None or workers is not None:
        option = "--workers" if address is None else "--ray-address"
        raise UsageError(f"{option} is for Ray: write --executor ray, too.")
    return Local(lean=True)
