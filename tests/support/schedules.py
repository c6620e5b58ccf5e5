"""Random schedules of a dispatcher: a cluster made of lists, on which everything goes wrong."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from runner.dispatch.dispatcher import Complete, Dispatcher, Piece
from runner.dispatch.tasks.worker_failures import WorkerFailures
from runner.experiment.batches import Batch

ALLOWED_DEATHS = 3  # of workers that held a task, as Dask counts them
PER_WORKER = 3


def shard_of(piece: Piece) -> bytes:
    return bytes(range(piece.start, piece.stop))


@dataclass(eq=False)
class FakeTask:
    """A piece on the cluster."""

    piece: Piece
    deaths: int = 0
    tried: bool = False


@dataclass
class FakeWorker:
    """Works through a queue; the first of it is at work."""

    queue: deque[FakeTask] = field(default_factory=deque)
    broken: bool = False


class Schedule:
    """One run of a dispatcher through random events, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        size, n = rng.randint(1, 9), rng.randint(1, 40)
        self.batches = [Batch(0, a, min(a + size, n)) for a in range(0, n, size)]
        kinds = ("raises", "kills", "hangs")
        few = rng.choice([0.0, 0.03, 0.1])
        self.poison = {k: rng.choice(kinds) for k in range(n) if rng.random() < few}
        self.flaky = rng.choice([0.0, 0.0, 0.05, 0.2])
        self.kills = rng.choice([0.0, 0.0, 0.05])  # from outside, of whatever is at work
        self.comes_and_goes = rng.choice([0.0, 0.05])
        self.dispatcher = Dispatcher(self.batches, attempts=rng.randint(1, 3))
        self.failures = WorkerFailures()
        self.workers = {f"w{k}": FakeWorker() for k in range(rng.randint(1, 4))}
        self.names = len(self.workers)
        self.broken = len(self.workers) > 1 and rng.random() < 0.3
        if self.broken:
            self.workers["w0"].broken = True
        self.homeless: deque[FakeTask] = deque()
        self.cell: str | None = None
        self.forced = False  # whether a piece had to go where it had failed
        self.sent_away: list[str] = []
        self.answered: list[Piece] = []
        self.complete: list[Complete] = []

    def run(self) -> None:
        """Go on until the dispatcher has nothing left, then check what it promises."""
        for _ in range(20_000):
            self.fill()
            if not (self.dispatcher.in_flight or self.dispatcher.waiting):
                break
            self.event()
        self.check()

    def fill(self) -> None:
        for task in [self.homeless.popleft() for _ in range(len(self.homeless))]:
            self.assign(task)
        alone = any(t.piece.alone for w in self.workers.values() for t in w.queue)
        suspect = self.dispatcher.suspect
        if not alone and suspect is None:
            self.cell = None
        elif not alone and self.workers:
            fit = [w for w in self.workers if w not in suspect.avoid] or list(self.workers)
            if self.cell not in fit:
                self.cell = min(fit, key=lambda w: len(self.workers[w].queue))
            self.forced |= self.cell in suspect.avoid
            if not self.workers[self.cell].queue:
                self.workers[self.cell].queue.append(FakeTask(self.dispatcher.next_alone()))
        free = [w for w in self.workers if w != self.cell]
        out = sum(len(self.workers[w].queue) for w in free)
        for _ in range(len(free) * PER_WORKER - out):
            pieces = self.dispatcher.bundle(lambda _: 1)
            if not pieces:
                break
            self.assign(FakeTask(pieces[0]))

    def assign(self, task: FakeTask) -> None:
        free = [w for w in self.workers if w != self.cell]
        chosen = [w for w in free if w not in task.piece.avoid] or free
        if not chosen:
            self.homeless.append(task)
            return
        name = min(chosen, key=lambda w: (len(self.workers[w].queue), self.rng.random()))
        self.forced |= name in task.piece.avoid
        self.workers[name].queue.append(task)

    def event(self) -> None:
        rng = self.rng
        if self.answered and rng.random() < 0.05:
            # an answer that comes twice, or after it was given up
            late = rng.choice(self.answered)
            assert self.dispatcher.succeeded(late, b"late") is None
            assert self.dispatcher.failed(late, "late") is None
            assert self.dispatcher.killed(late, "late") is None
        if not self.workers or rng.random() < self.comes_and_goes:
            self.join_or_leave()
        busy = [name for name, w in self.workers.items() if w.queue]
        if not busy:
            return
        name = rng.choice(busy)
        if rng.random() < 0.02:
            self.call_off(name)
        elif rng.random() < self.kills:
            self.die(name)
        else:
            self.work(name)

    def work(self, name: str) -> None:
        """Have the first task of a worker come to an end, of whatever kind."""
        task = self.workers[name].queue[0]
        task.tried = True
        found = {self.poison.get(k) for k in range(task.piece.start, task.piece.stop)}
        if self.workers[name].broken:
            self.answer(name, "broken")
        elif "kills" in found:
            self.die(name)
        elif "hangs" in found:
            # past its deadline: its worker is restarted, what waited there moves
            self.workers[name].queue.popleft()
            self.take(task.piece, self.dispatcher.failed(task.piece, "hangs"))
            self.die(name)
        elif "raises" in found or self.rng.random() < self.flaky:
            self.answer(name, "raises")
        else:
            self.answer(name, "")

    def answer(self, name: str, reason: str) -> None:
        piece = self.workers[name].queue.popleft().piece
        if reason:
            self.failures.failed(name, piece.range, reason)
            self.take(piece, self.dispatcher.failed(piece, reason, "", name))
            return
        for bad in self.failures.succeeded(name, piece.range):
            if len(self.workers) > 1 and bad in self.workers:
                self.sent_away.append(bad)
                self.leave(bad)
        self.take(piece, self.dispatcher.succeeded(piece, shard_of(piece)))

    def die(self, name: str) -> None:
        """End a worker's process; Dask blames all that it held. Another one comes in its place."""
        held = self.workers.pop(name).queue
        self.workers[self.new_name()] = FakeWorker()
        for task in held:
            task.deaths += 1
            if task.piece.alone or task.deaths > ALLOWED_DEATHS:
                self.take(task.piece, self.dispatcher.killed(task.piece, "died"))
            else:
                self.homeless.append(task)

    def leave(self, name: str) -> None:
        for task in self.workers.pop(name).queue:
            if task.piece.alone:
                self.take(task.piece, self.dispatcher.killed(task.piece, "died"))
                self.forced = True  # nobody can tell that from a death
            else:
                self.homeless.append(task)

    def join_or_leave(self) -> None:
        if self.workers and self.rng.random() < 0.5:
            self.leave(self.rng.choice(list(self.workers)))
        else:
            self.workers[self.new_name()] = FakeWorker()

    def call_off(self, name: str) -> None:
        """Cancel a task, as where the scheduler or a kind of device is lost."""
        self.dispatcher.lost(self.workers[name].queue.pop().piece)

    def take(self, piece: Piece, done: Complete | None) -> None:
        self.answered.append(piece)
        if done is not None:
            self.complete.append(done)

    def new_name(self) -> str:
        self.names += 1
        return f"w{self.names}"

    def check(self) -> None:
        assert not self.dispatcher.waiting
        assert self.dispatcher.in_flight == 0
        assert sorted(c.batch for c in self.complete) == self.batches
        failed = [f.position for c in self.complete for f in c.failures]
        for c in self.complete:
            trained = [k for shard in c.shards for k in shard]
            own = [f.position for f in c.failures]
            assert sorted(trained + own) == list(range(c.batch.start, c.batch.stop))
            assert trained == sorted(trained)
        assert self.poison.keys() <= set(failed)
        assert self.dispatcher.n_failed == len(failed)
        if not (self.flaky or self.kills or self.forced or self.dispatcher._attempts == 1):
            assert set(failed) == self.poison.keys()
        if not (self.flaky or self.kills or self.forced):
            assert set(self.sent_away) <= ({"w0"} if self.broken else set())
