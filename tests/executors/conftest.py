"""A cluster for tests, and a task to run on it."""

import os

import pytest
from executors.studies import write_suite

from harness.executors import RayExecutor
from harness.executors.ray import QUIET


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two machines with one core each."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args=head)
    found.add_node(num_cpus=1)
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def executor(cluster):
    with RayExecutor(cluster.address) as found:
        yield found


@pytest.fixture
def suite(tmp_path):
    return str(write_suite(tmp_path / "task"))
