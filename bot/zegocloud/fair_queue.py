"""The order in which calls get their turn: people before background work, one question after the other."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Container, Hashable

BACKGROUND_SHARE = 20
"""While both lanes wait, every 20th turn goes to the background lane, so that it never starves."""

USUAL_TURNS = 6
"""As many calls as a screen of an answer takes at most, one after the other: 2 in most cases."""

FLOWS_KNOWN = 10_000


class Lane(IntEnum):
    """Who waits. A lower number goes first."""

    INTERACTIVE = 0
    BACKGROUND = 1


class Waiting(Protocol):
    """What stands in the queue: in a lane, as part of a flow."""

    lane: Lane
    flow: Hashable


_T = TypeVar("_T", bound=Waiting)


class FairQueue(Generic[_T]):
    """Who waits, in the order of their turns: lane by lane, and inside a lane one of each flow in turn.

    A flow that had its turn and comes back with its next call goes before those that have not begun: where
    more is asked than can be answered, some get a whole answer in time, instead of everybody half of one.
    """

    def __init__(self) -> None:
        self._turns_had: LRUCache[Hashable, int] = LRUCache(FLOWS_KNOWN)
        self._lanes: dict[Lane, OrderedDict[Hashable, OrderedDict[_T, None]]] = {
            lane: OrderedDict() for lane in Lane
        }
        self._waiting = dict.fromkeys(Lane, 0)
        self._passed_over = 0

    def __len__(self) -> int:
        return sum(self._waiting.values())

    def waiting(self, lane: Lane) -> int:
        """How many wait in a lane."""
        return self._waiting[lane]

    def push(self, turn: _T) -> None:
        """Put a turn at the end of its flow."""
        flows = self._lanes[turn.lane]
        goes_first = self._goes_first(turn.flow, flows)
        flows.setdefault(turn.flow, OrderedDict())[turn] = None
        if goes_first:
            flows.move_to_end(turn.flow, last=False)
        self._waiting[turn.lane] += 1

    def had_turn(self, flow: Hashable) -> None:
        """Note that a call of a flow has its turn."""
        if flow is not None:
            self._turns_had[flow] = self._turns_had.get(flow, 0) + 1

    def _goes_first(self, flow: Hashable, flows: Container[Hashable]) -> bool:
        """Whether a call that comes now belongs to a flow that has begun and is not a long one."""
        return flow not in flows and 0 < self._turns_had.get(flow, 0) < USUAL_TURNS

    def remove(self, turn: _T) -> bool:
        """Take a turn out, wherever it stands; False when it does not wait."""
        flows = self._lanes[turn.lane]
        members = flows.get(turn.flow)
        if members is None or turn not in members:
            return False
        del members[turn]
        if not members:
            del flows[turn.flow]
        self._waiting[turn.lane] -= 1
        return True

    def pop(self, lane: Lane | None = None) -> _T:
        """Take out the turn that comes next, of this lane if somebody waits there. The queue is not empty."""
        if lane is None or not self._waiting[lane]:
            lane = self._next_lane()
        flow, members = next(iter(self._lanes[lane].items()))
        turn = next(iter(members))
        self.remove(turn)
        if members:
            self._lanes[lane].move_to_end(flow)
        return turn

    def _next_lane(self) -> Lane:
        if not self._waiting[Lane.BACKGROUND]:
            return Lane.INTERACTIVE
        self._passed_over += 1
        if self._waiting[Lane.INTERACTIVE] and self._passed_over < BACKGROUND_SHARE:
            return Lane.INTERACTIVE
        self._passed_over = 0
        return Lane.BACKGROUND

    def ahead(self, lane: Lane, flow: Hashable, turn: _T | None = None) -> int:
        """How many go before `turn`, or before one that would join `flow` now, if nobody else comes."""
        flows = self._lanes[lane]
        members = flows.get(flow, ())
        place = len(members) if turn is None else list(members).index(turn)
        count, rotates_first = place, 0 if turn is None and self._goes_first(flow, flows) else 1
        if flow not in flows:  # the usual case, and there may be thousands in front
            count += len(flows) * rotates_first
        else:
            for name, others in flows.items():
                if name == flow:
                    rotates_first = 0
                else:
                    count += min(len(others), place + rotates_first)
        if lane is Lane.BACKGROUND:
            count += min(self._waiting[Lane.INTERACTIVE], (BACKGROUND_SHARE - 1) * (count + 1))
        return count
