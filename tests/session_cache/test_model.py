"""The cache against its model, under any interleaving that Hypothesis finds."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from session_cache.harness import Clock, CloseFailed, How, OpenFailed, Sessions, Turn
from session_cache.model import Ending, Model, ModelSession, ModelTurn
from session_cache.subject import inside

IDLE_SECONDS = 60.0

keys = st.sampled_from(["a", "b", "", 0, None])
hows: st.SearchStrategy[How] = st.sampled_from(["now", "now", "slow", "fail"])
endings: st.SearchStrategy[Ending] = st.sampled_from(["done", "failed", "cancelled"])
picks = st.integers(0, 9)
steps = st.integers(0, 4)


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop that runs when it is told to, as far as it is told to."""

    def step(self) -> None:
        self.call_soon(self.stop)
        self.run_forever()

    def settle(self) -> None:
        while self._ready:  # type: ignore[attr-defined]
            self.step()


@dataclass
class Both:
    """One turn, in the cache and in the model."""

    real: Turn
    model: ModelTurn


@dataclass
class Shutdown:
    task: asyncio.Task[None]
    waits_for: list[ModelSession]


class CacheAndModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[dict[str, Any]] = []
        self.loop = SteppedLoop()
        self.loop.set_exception_handler(lambda _, said: self.complaints.append(said))
        self.clock = Clock()
        self.sessions = Sessions()
        self.live: list[Both] = []
        self.shutdowns: list[Shutdown] = []
        self.count = 0

    @initialize(maxsize=st.integers(0, 3))
    def begin(self, maxsize: int) -> None:
        self.cache = self.sessions.cache(
            maxsize=maxsize, idle_seconds=IDLE_SECONDS, clock=self.clock
        )
        self.model = Model(
            self.clock, maxsize, IDLE_SECONDS, self.sessions.opens, self.sessions.closes
        )

    # What a test can do. Each rule does it to both, then lets the loop run dry.

    @rule(key=keys, times=st.integers(1, 3), ends_at_once=st.booleans(), opening=hows, closing=hows)
    def start(self, key: Any, times: int, ends_at_once: bool, opening: How, closing: How) -> None:
        self.sessions.opens[key] = opening  # from now on, for other turns of this key as well
        self.sessions.closes[key] = closing
        for number in range(times):
            # The first holds up the others, or how long a closing takes would decide what they see.
            held = times > 1 and number == 0
            self._start(key, ends_at_once=ends_at_once and not held)
        self.loop.settle()

    @precondition(lambda self: self.running())
    @rule(pick=picks, how=endings)
    def end(self, pick: int, how: Ending) -> None:
        self._end(self.pick_running(pick), how)
        self.loop.settle()

    @precondition(lambda self: self.running())
    @rule(pick=picks, how=endings, steps=steps, key=keys)
    def end_while_another_comes(self, pick: int, how: Ending, steps: int, key: Any) -> None:
        turn = self.pick_running(pick)
        in_steps = not any(other.ends_at_once for other in turn.model.line.turns)
        self._end(turn, how)
        if in_steps:
            for _ in range(steps):
                self.loop.step()
        else:  # whether those had ended before the other came would decide what it sees
            self.loop.settle()
        self._start(key, ends_at_once=False)
        self.loop.settle()

    @precondition(lambda self: self.running())
    @rule(pick=picks, how=endings, steps=steps)
    def end_while_the_next_is_cancelled(self, pick: int, how: Ending, steps: int) -> None:
        turn = self.pick_running(pick)
        line = turn.model.line.turns
        following = next((both for both in self.live if both.model in list(line)[1:2]), None)
        self._end(turn, how)
        if following and not following.model.ends_at_once:
            for _ in range(steps):
                self.loop.step()
            self._end(following, "cancelled")
        self.loop.settle()

    @precondition(lambda self: self.waiting())
    @rule(pick=picks)
    def cancel_a_waiting_turn(self, pick: int) -> None:
        waiting = self.waiting()
        self._end(waiting[pick % len(waiting)], "cancelled")
        self.loop.settle()

    @precondition(lambda self: self.model.opening)
    @rule(pick=picks, failing=st.booleans())
    def finish_an_opening(self, pick: int, failing: bool) -> None:
        line = self.model.opening[pick % len(self.model.opening)]
        if line.key is None:  # they look the same from outside: take the first one
            line = next(line for line in self.model.opening if line.key is None)
        self.sessions.finish_open(line.key, OpenFailed(line.key) if failing else None)
        self.model.finish_open(line, failing=failing)
        self.loop.settle()

    @precondition(lambda self: self.model.closing)
    @rule(pick=picks, failing=st.booleans())
    def finish_a_closing(self, pick: int, failing: bool) -> None:
        session = self.model.closing[pick % len(self.model.closing)]
        if session.key is None:
            session = next(session for session in self.model.closing if session.key is None)
        self.sessions.finish_close(session.key, CloseFailed(session.key) if failing else None)
        self.model.finish_close(session)
        self.loop.settle()

    @rule(seconds=st.sampled_from([1.0, 30.0, 59.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def shut_down(self) -> None:
        task = self.loop.create_task(self.cache.aclose())
        self.model.close_idle()
        self.shutdowns.append(Shutdown(task, list(self.model.closing)))
        self.loop.settle()

    @precondition(lambda self: self.shutdowns)
    @rule()
    def cancel_a_shutdown(self) -> None:
        shutdown = self.shutdowns.pop()
        was_done = shutdown.task.done()
        shutdown.task.cancel()
        self.loop.settle()
        assert shutdown.task.cancelled() is not was_done

    # What must hold after each.

    @invariant()
    def the_same_turns_run(self) -> None:
        for both in self.live:
            assert both.real.status == both.model.status, both.real.name
        self.live = [both for both in self.live if both.model.status in ("running", "waiting")]

    @invariant()
    def the_same_sessions_are_held_in_the_same_order(self) -> None:
        if not hasattr(self, "model"):
            return
        found = inside(self.cache)
        assert sorted(map(repr, found.in_use)) == sorted(map(repr, self.model.in_use))
        assert found.idle == [line.key for line in self.model.idle]
        assert found.closing == len(self.model.closing)
        assert len(self.cache) == self.model.held()

    @invariant()
    def the_same_was_opened_and_closed(self) -> None:
        if not hasattr(self, "model"):
            return
        real, model = self.sessions, self.model
        assert [(s.key, s.log) for s in real.opened] == [(s.key, s.log) for s in model.opened]
        assert [(s.key, s.log) for s in real.closed] == [(s.key, s.log) for s in model.closed]
        assert sorted(repr(key) for key, _ in real.opening) == sorted(
            repr(line.key) for line in model.opening
        )

    @invariant()
    def the_cap_is_kept(self) -> None:
        if not hasattr(self, "model"):
            return
        found = inside(self.cache)
        # A session being opened is counted, but evicts another only when that has worked.
        unopened = sum(line.session is None for line in self.model.in_use.values())
        most = max(self.model.maxsize, len(found.in_use))
        assert len(self.cache) - unopened <= most
        assert len(found.idle) <= self.model.maxsize
        if not unopened:
            assert len(self.cache) <= most

    @invariant()
    def what_is_open_is_held_or_in_a_turn_without_key(self) -> None:
        if not hasattr(self, "model"):
            return
        unnamed = sum(both.real.running and both.model.line.key is None for both in self.live)
        unopened = sum(line.session is None for line in self.model.in_use.values())
        still_open = len(self.sessions.opened) - len(self.sessions.closed)
        assert still_open == len(self.cache) - unopened + unnamed

    @invariant()
    def a_shutdown_returns_when_all_is_closed(self) -> None:
        for shutdown in self.shutdowns:
            still = [s for s in shutdown.waits_for if s in self.model.closing]
            assert shutdown.task.done() is not bool(still)

    @invariant()
    def nobody_complained(self) -> None:
        assert not self.complaints
        assert not self.sessions.faults

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                self._come_to_rest()
        finally:
            self.loop.close()

    def _come_to_rest(self) -> None:
        for plans in (self.sessions.opens, self.sessions.closes):
            plans.clear()
        while self.live or self.model.opening or self.model.closing:
            if self.model.opening:
                self.finish_an_opening(0, failing=False)
            elif self.model.closing:
                self.finish_a_closing(0, failing=False)
            else:
                self.end(0, "done")
            self.the_same_turns_run()
        assert len(self.cache) <= self.model.maxsize
        assert len(self.sessions.opened) - len(self.sessions.closed) == len(self.cache)
        self.shut_down()
        assert all(shutdown.task.done() for shutdown in self.shutdowns)
        assert len(self.sessions.opened) == len(self.sessions.closed)
        found = inside(self.cache)
        assert (found.in_use, found.idle, found.closing) == ([], [], 0)
        assert not asyncio.all_tasks(self.loop)
        gc.collect(0)  # what was dropped without being heard says so now
        assert not self.complaints

    def running(self) -> list[Both]:
        return [both for both in self.live if both.model.status == "running"]

    def waiting(self) -> list[Both]:
        return [both for both in self.live if both.model.status == "waiting"]

    def pick_running(self, pick: int) -> Both:
        running = self.running()
        return running[pick % len(running)]

    def _start(self, key: Any, *, ends_at_once: bool) -> None:
        self.count += 1
        name = f"turn {self.count}"
        real = Turn(self.cache, key, name, loop=self.loop)
        if ends_at_once:
            real.finish()
        self.live.append(Both(real, self.model.start(key, name, ends_at_once=ends_at_once)))

    def _end(self, turn: Both, how: Ending) -> None:
        act: dict[Ending, Literal["finish", "fail", "cancel"]]
        act = {"done": "finish", "failed": "fail", "cancelled": "cancel"}
        getattr(turn.real, act[how])()
        self.model.end(turn.model, how)


CacheAndModel.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
TestCacheAndModel = CacheAndModel.TestCase
