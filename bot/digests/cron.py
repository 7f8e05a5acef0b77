"""Five cron fields: read, checked, written in one way. Syntax and rules are cronsim's, Debian's (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from cronsim import CronSim, CronSimError

FAR_DAYS = 50 * 366
"""What does not come round in so many days never does: 29 February is a Sunday once in 28 or 40 years."""

FIRST_DAY = dt.date(2026, 1, 1)
_ONE_DAY = dt.timedelta(days=1)
_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_DAY_FIELD, _MONTH_FIELD, _WEEKDAY_FIELD = 2, 3, 4
_DAY_FIELDS = (_DAY_FIELD, _WEEKDAY_FIELD)


@dataclass(frozen=True, slots=True)
class CronFields:
    """Five cron fields, read.

    Args:
        text: as typed, in capitals.
        times: minutes since midnight, in order, on each day that fits.
        follows_elapsed_time: minute or hour begins with `*`: runs whenever the clock shows a fitting time,
            twice where it shows it twice. Otherwise each time is a fixed one that runs once (Debian's cron).
    """

    text: tuple[str, ...]
    times: tuple[int, ...]
    follows_elapsed_time: bool
    _days: CronSim

    def fits(self, day: dt.date) -> bool:
        """Whether it runs on this day at all."""
        return day.month in self._days.months and self._days.match_day(day)

    def values(self, field: int) -> set[int | tuple[int, int]]:
        """What a field allows; `CronSim.LAST` and pairs of weekday and position as cronsim has them."""
        sim = self._days
        return set((sim.minutes, sim.hours, sim.days, sim.months, sim.weekdays)[field])


@lru_cache(maxsize=1024)
def read_cron(text: str) -> CronFields:
    """Read five cron fields.

    Raises:
        CronSimError: they are none; its text names the field.
    """
    sim = CronSim(text, dt.datetime.combine(FIRST_DAY, dt.time()))
    times = tuple(sorted(hour * 60 + minute for hour in sim.hours for minute in sim.minutes))
    fields = CronFields(tuple(sim.parts[1:]), times, sim.parts[1][0] == "*" or sim.parts[2][0] == "*", sim)
    if not any(fields.fits(FIRST_DAY + days * _ONE_DAY) for days in range(FAR_DAYS)):
        raise CronSimError("Bad day-of-month")
    return fields


def canonical_cron(text: str) -> str:
    """The same schedule with each field written in one way.

    Raises:
        CronSimError: these are no five cron fields.
    """
    fields = read_cron(text.upper())
    written, whole = [], []
    for index, typed in enumerate(fields.text):
        values = fields.values(index)
        numbers = {value for value in values if isinstance(value, int) and value >= 0}
        if index == _WEEKDAY_FIELD:
            numbers = {number % 7 for number in numbers}
        whole.append(numbers == set(_RANGES[index]))
        special = sorted(_special(value) for value in values if not isinstance(value, int) or value < 0)
        if typed[0] != "*":
            written.append(",".join([*_runs(sorted(numbers)), *special]))
        else:  # it means more to cron than the same values in figures
            written.append("*" if whole[index] else typed)
    if whole[_MONTH_FIELD]:
        written[_MONTH_FIELD] = "*"
    if all(written[index][0] != "*" for index in _DAY_FIELDS):  # alternatives: one that is whole decides
        if any(whole[index] for index in _DAY_FIELDS):
            written[_DAY_FIELD] = written[_WEEKDAY_FIELD] = "*"
    else:
        for index in _DAY_FIELDS:
            written[index] = "*" if whole[index] else written[index]
    return " ".join(written)


def _special(value: int | tuple[int, int]) -> str:
    if isinstance(value, tuple):
        return f"{value[0] % 7}L" if value[1] == CronSim.LAST else f"{value[0] % 7}#{value[1]}"
    return "L" if value == CronSim.LAST else "LW"


def _runs(numbers: list[int]) -> list[str]:
    """`1-5` for three and more in a row."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        text
        for run in runs
        for text in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run))  # noqa: PLR2004 - two are a list
    ]
