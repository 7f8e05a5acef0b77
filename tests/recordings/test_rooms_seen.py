"""Rooms seen lately: which come first, and which may have been meant."""

from __future__ import annotations

import pytest

from bot.recordings.service import ROOMS_KEPT, RoomsSeen


def seen(*rooms: str) -> RoomsSeen:
    kept = RoomsSeen()
    kept.remember(rooms)
    return kept


def test_the_latest_come_first_also_those_seen_again() -> None:
    kept = seen("a", "b", "c", "a")
    assert kept.lately(3) == ["a", "c", "b"]
    assert kept.lately(1) == ["a"]


def test_the_longest_unseen_are_forgotten() -> None:
    kept = seen("first", *map(str, range(ROOMS_KEPT - 1)), "first", "new")
    assert len(kept) == ROOMS_KEPT
    assert kept.lately(2) == ["new", "first"]
    assert "0" not in kept.lately(ROOMS_KEPT)


@pytest.mark.parametrize(
    ("room", "other", "similar"),
    [
        ("1230", "1203", True),
        ("1230", "12300", True),
        ("1230", "123", True),
        ("1230", "1231", True),
        ("team5", "team-5", True),
        ("Standup", "standup", True),
        ("teem-5", "team-5", True),
        ("1230", "1230", False),
        ("1230", "9999", False),
        ("1230", "123000", True),
        ("1230", "1230000", False),
        ("12", "98", False),
        ("a", "b", False),
        ("aaaa", "aaaaa", True),
    ],
)
def test_which_ids_may_have_been_meant(room: str, other: str, similar: bool) -> None:
    assert seen(other).similar([room], 3) == ((other,) if similar else ())


def test_the_most_similar_come_first_and_few() -> None:
    assert seen("123000", "1203", "12305", "1230-").similar(["1230"], 3) == ("1230-", "12305", "1203")


def test_ten_long_ids_are_compared_with_all_that_are_kept() -> None:
    long = "a-long-room-name-" * 7
    kept = seen(*(f"{long}{n:06d}" for n in range(ROOMS_KEPT)))
    found = kept.similar([f"{long}{600 + n:05d}" for n in range(10)], 3)
    assert len(found) == 3
