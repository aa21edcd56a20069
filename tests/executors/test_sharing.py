"""Work is cut, shared and put together; here without a cluster."""

from collections import deque

import pytest

from harness.backends import Generated, Request, Usage
from harness.errors import CheckpointError, InputError, UsageError
from harness.executors.sharing import LEAST, MOST, TRIES, Crew, Died, SharedModel, cut
from harness.executors.worker import Part, Problem
from harness.types import Generation, Item

REQUESTS = [Request(Item(f"{n}", "t", f"q{n}", f"prompt {n}")) for n in range(100)]
SETTINGS = Generation()
KILLED = Died("The process was killed.")


class Staff(Crew):
    """Workers in this process; those told to die or fail do, call after call."""

    def __init__(self, size, fates=()):
        self.size = size
        self.fates = dict(fates)
        self.calls = 0
        self.under_way = deque()
        self.busy = set()
        self.loaded = set()
        self.replaced = []
        self.closed = False
        self.chunks = []

    def begin(self, worker, method, *given):
        assert worker not in self.busy
        self.busy.add(worker)
        self.under_way.append((worker, method, given))

    def finished(self):
        worker, method, given = self.under_way.popleft()
        self.busy.remove(worker)
        self.calls += 1
        fate = self.fates.get(self.calls)
        if fate is not None:
            return worker, fate
        if method == "load":
            self.loaded.add(worker)
            return worker, Part(description={"device": "cpu"})
        assert worker in self.loaded
        self.chunks.append(len(given[0]))
        answers = [Generated(one.item.id, one.sample, "yes") for one in given[0]]
        return worker, Part(answers, Usage(requests=self.chunks.count(len(given[0]))))

    def replace(self, worker):
        self.loaded.discard(worker)
        self.replaced.append(worker)

    def close(self):
        self.closed = True


def answered(model):
    return [one.item for batch in model.generate(REQUESTS, SETTINGS) for one in batch]


def wanted():
    return sorted(one.item.id for one in REQUESTS)


@pytest.mark.parametrize("number", [0, 1, LEAST, LEAST + 1, 100, 3000, 20000])
@pytest.mark.parametrize("workers", [1, 2, 7, 64])
def test_chunks_hold_everything_once_in_order(number, workers):
    chunks = cut(range(number), workers)
    assert [one for chunk in chunks for one in chunk] == list(range(number))
    assert all(0 < len(chunk) <= MOST for chunk in chunks)
    assert all(len(chunk) >= LEAST for chunk in chunks[:-1])


def test_chunks_grow_smaller_towards_the_end():
    # By hand: ceil of a quarter of what is left for two workers, at least 8.
    assert [len(one) for one in cut(range(100), 2)] == [25, 19, 14, 11, 8, 8, 8, 7]


def test_all_is_answered_once_by_all_workers():
    staff = Staff(3)
    assert sorted(answered(SharedModel("c", staff))) == wanted()
    assert staff.loaded == {0, 1, 2}


def test_the_first_worker_that_has_loaded_begins():
    staff = Staff(3)
    model = SharedModel("c", staff)
    assert staff.loaded == {0}
    assert model.description == {"device": "cpu", "workers": 3}


@pytest.mark.parametrize("call", range(1, 12))
def test_whoever_dies_at_whatever_loses_and_doubles_nothing(call):
    staff = Staff(2, {call: KILLED})
    model = SharedModel("c", staff)
    assert sorted(answered(model)) == wanted()
    if call <= staff.calls:
        assert len(staff.replaced) <= 1


def test_a_chunk_that_kills_worker_after_worker_is_given_up():
    staff = Staff(1, {2: KILLED, 4: KILLED, 6: KILLED})
    model = SharedModel("c", staff)
    with pytest.raises(CheckpointError, match="3 workers ended over 50 prompts") as it:
        answered(model)
    assert "The process was killed." in str(it.value)


def test_workers_that_die_while_they_load_are_given_up():
    staff = Staff(2, dict.fromkeys(range(1, TRIES + 1), KILLED))
    with pytest.raises(CheckpointError, match="ended while loading it"):
        SharedModel("c", staff)
    assert staff.closed


def test_what_came_before_a_problem_is_given_before_it_is_raised():
    rows = [Generated(REQUESTS[0].item.id, 0, "yes")]
    failing = Part(rows, problem=Problem("InputError", "the template fails"))
    model = SharedModel("c", Staff(1, {2: failing}))
    batches = model.generate(REQUESTS, SETTINGS)
    assert next(batches) == rows
    with pytest.raises(InputError, match="the template fails"):
        next(batches)


def test_a_worker_that_cannot_load_ends_all():
    refusing = Part(problem=Problem("UsageError", "no such device"))
    staff = Staff(2, {1: refusing})
    with pytest.raises(UsageError, match="no such device"):
        SharedModel("c", staff)
    assert staff.closed


GONE = Part(problem=Problem("CheckpointError", "there is no such folder"))


@pytest.mark.parametrize("call", [2, 3])
def test_a_worker_that_comes_after_the_checkpoint_was_deleted_is_done_without(call):
    staff = Staff(3, {call: GONE})
    model = SharedModel("c", staff, lambda: False)
    assert sorted(answered(model)) == wanted()
    assert len(staff.loaded) == 2


def test_a_checkpoint_that_is_gone_before_any_has_loaded_it_is_a_problem():
    with pytest.raises(CheckpointError, match="there is no such folder"):
        SharedModel("c", Staff(3, {1: GONE}), lambda: False)


def test_a_worker_that_cannot_load_what_is_still_there_is_a_problem():
    model = SharedModel("c", Staff(3, {2: GONE}))
    with pytest.raises(CheckpointError, match="there is no such folder"):
        answered(model)


class Asking(Staff):
    """Each worker says that it has asked a server as often as it was called."""

    def __init__(self, size, fates=()):
        super().__init__(size, fates)
        self.asked = {}

    def finished(self):
        worker, part = super().finished()
        if isinstance(part, Part) and part.rows:
            self.asked[worker] = self.asked.get(worker, 0) + 1
            part = Part(part.rows, Usage(requests=self.asked[worker]))
        return worker, part

    def replace(self, worker):
        self.asked.pop(worker, None)
        super().replace(worker)


@pytest.mark.parametrize("fates", [{}, {5: KILLED}, {6: KILLED, 9: KILLED}])
def test_usage_is_that_of_all_workers_also_of_the_dead(fates):
    staff = Asking(2, fates)
    model = SharedModel("c", staff)
    answered(model)
    assert model.usage.requests == len(staff.chunks) == len(cut(REQUESTS, 2))


class Growing(Staff):
    """Places become free as told: the number of calls before each."""

    def __init__(self, size, free):
        super().__init__(size)
        self.free = list(free)

    def grow(self):
        if not self.free or self.calls < self.free[0]:
            return False
        self.free.pop(0)
        self.size += 1
        return True


@pytest.mark.parametrize(("free", "loaded"), [([0], 2), ([2, 3], 3), ([99], 1)])
def test_workers_that_come_later_share_what_is_left(free, loaded):
    staff = Growing(1, free)
    model = SharedModel("c", staff)
    assert sorted(answered(model)) == wanted()
    assert len(staff.loaded) == loaded


def test_no_more_workers_are_taken_than_chunks_wait():
    staff = Growing(1, [0] * 50)
    model = SharedModel("c", staff)
    assert sorted(answered(model)) == wanted()
    # By hand: chunks of 50, 25, 13, 8 and 4, the first of which waits for nobody.
    assert staff.size == 1 + 4


def test_closing_ends_the_workers():
    staff = Staff(1)
    SharedModel("c", staff).close()
    assert staff.closed
