"""The ledger of replicas: who may send how much, decided on paper, played through, and in PostgreSQL."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.zego_gate import longest_burst
from bot.storage.replicas import (
    ANSWER_SECONDS,
    BEAT_SECONDS,
    KEPT_SECONDS,
    LEASE_SECONDS,
    LEAVING_SECONDS,
    QUICK_BEAT_SECONDS,
    Replica,
    Settled,
    Share,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_000_000.0
PATIENCE_SECONDS = 30.0


def row(name: str, share: int = 0, **more: float) -> Replica:
    """A living replica's row; the later its name in the alphabet, the later it joined."""
    usual = Replica(name, "b", ord(name), 8, 1, share, share - share // 4, NOW + 5, NOW + 900, 0)
    return replace(usual, **more)


def claim(name: str, share: int = 0, **more: float) -> Replica:
    return row(name, share, beat=2, **more)


DECISIONS = [
    pytest.param(claim("a"), "a4", Settled(8, 4, 8, 4), id="the only one takes all"),
    pytest.param(claim("b"), "a8", Settled(0, 0, 4, 3), id="a newcomer waits for room"),
    pytest.param(claim("a", 8), "a8 b0", Settled(8, 6, 4, 3), id="it's asked for room"),
    pytest.param(claim("a", 6, floor=3), "a8 b0", Settled(6, 3, 4, 3), id="it makes some room"),
    pytest.param(claim("a", 4, floor=3), "a8 b0", Settled(4, 3, 4, 3), id="it makes room"),
    pytest.param(claim("b"), "a4 b0", Settled(4, 3, 4, 3), id="and the newcomer begins"),
    pytest.param(claim("b"), "a6 b0", Settled(2, 1, 4, 3), id="with what there is"),
    pytest.param(claim("a", 4, floor=2), "a4 b4 c0", Settled(4, 2, 3, 2), id="3 of 8, the first"),
    pytest.param(claim("b", 4, floor=2), "a4 b4 c0", Settled(4, 2, 3, 2), id="3 of 8, the second"),
    pytest.param(claim("c"), "a3 b3 c0", Settled(2, 0, 2, 2), id="and 2"),
]


def rows_of(words: str) -> list[Replica]:
    return [row(word[0], int(word[1:])) for word in words.split()]


@pytest.mark.parametrize(("asks", "rows", "settled"), DECISIONS)
def test_shares_are_whole_and_taken_only_when_they_are_free(
    asks: Replica, rows: str, settled: Settled
) -> None:
    assert settle(asks, rows_of(rows), NOW) == settled


def test_a_dead_replica_keeps_its_share_until_its_lease_ends_and_then_its_floor() -> None:
    dead = row("a", 4, leased_until=NOW - 0.1)
    assert settle(claim("b", 4), [dead, row("b", 4)], NOW) == Settled(5, 3, 5, 1)
    long_dead = replace(dead, kept_until=NOW - 0.1)
    assert settle(claim("b", 4), [long_dead, row("b", 4)], NOW) == Settled(8, 4, 8, 4)


def test_a_replica_that_comes_back_late_has_only_what_was_left_to_it() -> None:
    late = row("a", 4, leased_until=NOW - 0.1)
    assert settle(claim("a", 4, floor=2), [late, row("b", 5)], NOW) == Settled(3, 2, 4, 3)
    assert settle(claim("a", 4, floor=2), [row("b", 8)], NOW) == Settled(0, 0, 4, 3)


def test_what_was_held_up_on_its_way_has_no_effect() -> None:
    assert settle(claim("a", 8), [row("a", 2, beat=2), row("b", 6)], NOW) is None


def test_the_smallest_budget_of_those_that_live_counts() -> None:
    assert settle(claim("b"), [row("a", 4)], NOW) == Settled(4, 3, 4, 3)
    assert settle(claim("b", max_rps=4), [row("a", 2)], NOW) == Settled(2, 1, 2, 1)


@given(count=st.integers(1, 12), budget=st.integers(1, 10))
def test_targets_add_up_to_the_budget_and_nobody_goes_without_where_there_is_enough(
    count: int, budget: int
) -> None:
    rows = [row(chr(97 + n), max_rps=budget) for n in range(count)]
    settled = [settle(replace(one, beat=2), rows, NOW) for one in rows]
    targets = [one.target for one in settled if one]
    assert sum(targets) == budget
    assert targets == sorted(targets, reverse=True)
    assert targets[0] - targets[-1] <= 1


# The whole of it, played through in time that is only counted: replicas that send as much as they may, start,
# stop, die and are paused; PostgreSQL that goes, comes back, is slow, and loses answers.

STEP_SECONDS = 0.05
PLAYED_SECONDS = 90.0


@dataclass
class Player:
    """A replica with a clock of its own."""

    name: str
    born: float
    dice: random.Random
    share: Share = field(default_factory=Share)
    beat: int = 0
    beats_at: float = 0.0
    asked: float | None = None
    """When it asked, by its own clock; None when it doesn't wait for an answer."""
    taken: bool = False
    """It has a permit, and is just about to send."""
    returns: list[float] = field(default_factory=list)
    """When each request's permit is back, as seen from outside."""
    paused_until: float = 0.0
    cut_until: float = 0.0
    has_joined: bool = False

    def __post_init__(self) -> None:
        self.offset, self.rate = self.dice.uniform(0, 1e6), 1 + self.dice.uniform(-1e-4, 1e-4)

    def clock(self, time: float) -> float:
        return self.offset + time * self.rate


class Play:
    """What happens, step by step."""

    def __init__(self, seed: int, budget: int, *, calm: bool = False) -> None:
        self.calm = calm
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.budget = budget
        self.time = 0.0
        self.rows: dict[str, Replica] = {}
        self.players: list[Player] = []
        self.sent: list[float] = []
        self.mail: list[tuple[float, Callable[[], None]]] = []
        self.away_until = 0.0
        self.born = 0

    def run(self) -> None:
        self.start()
        while self.time < PLAYED_SECONDS:
            self.time += STEP_SECONDS
            self.happen()
            due = [entry for entry in self.mail if entry[0] <= self.time]
            self.mail = [entry for entry in self.mail if entry[0] > self.time]
            for _, act in sorted(due, key=lambda entry: entry[0]):
                act()
            for player in self.players:
                if player.paused_until <= self.time:
                    self.live(player)

    def start(self) -> None:
        self.born += 1
        self.players.append(Player(f"{self.born:03d}", self.time, self.dice))

    def happen(self) -> None:
        """Now and then, something."""
        if self.calm or self.dice.random() > STEP_SECONDS / 4:
            return
        what = self.dice.choice(["start", "kill", "leave", "pause", "cut", "away", "away"])
        player = self.dice.choice(self.players) if self.players else None
        seconds = self.dice.choice([0.5, 3.0, 8.0, 20.0])
        if what == "away":
            self.away_until = self.time + seconds
        elif what == "start" or player is None:
            alone = sum(not one.has_joined for one in self.players)
            if alone < max(1, self.budget // 4) and len(self.players) < 5:  # what is left free for them
                self.start()
        elif what == "pause":
            player.paused_until = self.time + seconds
        elif what == "cut":
            player.cut_until = self.time + seconds if player.has_joined else 0.0
        else:
            self.players.remove(player)
            if what == "leave" and player.paused_until <= self.time:
                self.ask(player, leaving=True)

    def live(self, player: Player) -> None:
        now = player.clock(self.time)
        if player.taken:  # and maybe paused since then
            player.taken = False
            if len(self.out(player)) <= player.share.at(now):
                self.send(player)
        if player.asked is not None and now - player.asked >= ANSWER_SECONDS:
            self.fail(player)
        if player.asked is None and self.time >= player.beats_at:
            self.ask(player)
        while len(self.out(player)) < player.share.limit(now) and self.dice.random() < 0.7:
            player.returns.append(self.time + 30.0)
            if self.dice.random() < 0.1:
                player.taken = True
                return
            self.send(player)

    def out(self, player: Player) -> list[float]:
        player.returns = [returns for returns in player.returns if returns > self.time]
        return player.returns

    def send(self, player: Player) -> None:
        arrives = self.time + self.dice.uniform(0, 0.2)
        self.sent.append(arrives)
        seen = max(arrives + self.dice.uniform(0, 0.6), player.paused_until)
        player.returns[-1] = seen + 1.0

    def ask(self, player: Player, *, leaving: bool = False) -> None:
        now = player.clock(self.time)
        out = len(self.out(player))
        share, floor = (out, 0) if leaving else player.share.claim(out, now)
        player.beat += 1
        after_outage = player.share.is_after_outage(now)
        claimed = Replica(player.name, "b", player.born, self.budget, player.beat, share, floor, 0, 0, 0)
        player.asked = now
        if max(self.away_until, player.cut_until) > self.time:
            if self.dice.random() < 0.5:  # refused; else nothing is heard
                self.fail(player)
            return
        slow = not self.calm and player.has_joined and self.dice.random() < 0.1
        delay = self.dice.uniform(0, 6.0) if slow else self.dice.uniform(0, 0.1)

        def take() -> None:
            settled = self.write(claimed, after_outage, leaving)
            back = self.time + self.dice.uniform(0, 3.0 if slow else 0.1)
            self.mail.append((back, lambda: self.answer(player, claimed.beat, now, settled)))

        self.mail.append((self.time + delay, take))

    def write(self, claimed: Replica, after_outage: bool, leaving: bool) -> Settled | None:
        now = NOW + self.time
        settled = settle(claimed, list(self.rows.values()), now, after_outage=after_outage, leaving=leaving)
        if settled is not None:
            until = now + (LEAVING_SECONDS if leaving else LEASE_SECONDS)
            self.rows[claimed.id] = replace(
                claimed,
                share=settled.share,
                floor=settled.floor,
                leased_until=until,
                kept_until=until + (0 if leaving else KEPT_SECONDS),
                settles_until=settled.settles_until,
            )
            self.rows = {name: one for name, one in self.rows.items() if one.kept_until >= now}
        return settled

    def answer(self, player: Player, beat: int, asked: float, settled: Settled | None) -> None:
        if player.paused_until > self.time:
            self.mail.append((player.paused_until, lambda: self.answer(player, beat, asked, settled)))
            return
        now = player.clock(self.time)
        if player.beat != beat or player.asked is None or now - asked >= ANSWER_SECONDS or settled is None:
            return
        player.asked, player.has_joined = None, True
        player.share.settled(settled, asked)
        is_settled = player.share.at(now) == settled.target
        player.beats_at = self.time + (BEAT_SECONDS if is_settled else QUICK_BEAT_SECONDS)

    def fail(self, player: Player) -> None:
        if player.asked is not None:
            player.share.failed(player.asked, player.clock(self.time))
        player.asked = None
        player.beats_at = self.time + BEAT_SECONDS


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**9), budget=st.integers(1, 10))
def test_whatever_happens_no_second_sees_more_than_the_budget(seed: int, budget: int) -> None:
    play = Play(seed, budget)
    play.run()
    assert longest_burst(sorted(play.sent)) <= budget


def test_left_alone_replicas_use_nearly_all_of_the_budget() -> None:
    play = Play(1, 8, calm=True)
    for _ in range(3):
        play.start()
    play.run()
    assert sum(player.share.at(player.clock(play.time)) for player in play.players) == 8
