"""What the doctor finds out about everything but Slack: ZEGOCLOUD, clocks, database, Redis, time zones."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.clock import clock_from
from bot.digests.errors import StoreError
from bot.digests.store import open_store
from bot.doctor.check import PATIENCE_SECONDS, Check
from bot.errors import ConfigError, RecordingsError
from bot.recordings import build_recordings
from bot.redis_link import RedisAwayError, RedisLink
from bot.zegocloud.calls import Asking
from bot.zegocloud.headers import parse_skew
from bot.zegocloud.protocol import DescribeTasks, TaskFilter
from bot.zones import zone_data, zone_info

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.digests.store import Store
    from bot.zones import ZoneData

CLOCK_WRONG_SECONDS = 60
"""The vendor refuses from 10 minutes on, Slack's deliveries from 5; a minute already makes windows wrong."""

CLOCK_OFF_SECONDS = 5
"""A clock that is kept by NTP is never so far off."""

LEAST_FREE_BYTES = 100 * 1024**2
CLOSE_SECONDS = 1.0


def check_zones(settings: Settings) -> Check:
    """Whether there is time-zone data, and which is used."""
    name = "time zones"
    try:
        zone_info("Europe/Berlin")
    except LookupError:
        return Check(name, "failed", "there is no time-zone data: install the package tzdata")
    default = f"where a person's is not known: {settings.default_tz}"
    return Check(name, "ok", f"{_whose_rules(zone_data())}; {default}")


def _whose_rules(data: ZoneData) -> str:
    unknown = "of an unknown version"
    system = "not there" if data.system is None else data.system or unknown
    package = f"the package tzdata is {data.package or 'not installed'}"
    if data.source == "PYTHONTZPATH":
        return f"the data in PYTHONTZPATH is used ({system}); {package}"
    if data.source == "system":
        return f"the system's data is used ({system}); {package}"
    return f"the package tzdata is used ({data.package}); the system's data is {system}"


def check_proxies(settings: Settings) -> Check:
    """Through which proxy each service is reached, and which variable says so."""
    network = settings.network()
    services = {"ZEGOCLOUD": settings.zego_api_url}
    if settings.slack_bot_token:
        services["Slack"] = settings.slack_api_url
    ways = [f"{name} is reached {network.route(url).describe()}" for name, url in services.items()]
    return Check("proxies", "ok", ", ".join(ways))


async def check_zego(settings: Settings) -> tuple[Check, float | None]:
    """A real, signed question. Returns too how many seconds the vendor's clock is ahead, where it tells."""
    clock = clock_from(settings.bot_clock)
    recordings = build_recordings(settings, clock)
    now_ms = int(clock.now() * 1000)
    asking = Asking(deadline=asyncio.get_running_loop().time() + PATIENCE_SECONDS - 1)
    name, began = "ZEGOCLOUD", time.perf_counter()
    try:
        question = DescribeTasks(TaskFilter.ONGOING, now_ms - 3_600_000, now_ms)
        page = await recordings.zego.list_tasks(question, asking)
        took_ms = (time.perf_counter() - began) * 1000
        host = urlsplit(settings.zego_api_url).hostname
        running = f"{page.total} recordings of the last hour are running"
        found = Check(name, "ok", f"{host} takes the credentials, in {took_ms:.0f} ms; {running}")
    except RecordingsError as error:
        found = Check(name, "failed", str(error))
    finally:
        await recordings.aclose()
    return found, recordings.zego.skew_seconds


def check_clock(skew_seconds: float | None, slack_date: str, now: float) -> Check:
    """This machine's clock against ZEGOCLOUD's, or Slack's where that does not tell.

    Args:
        skew_seconds: ZEGOCLOUD's clock minus this one.
        slack_date: the `Date` header of an answer of Slack's.
        now: when that answer had come, Unix seconds.
    """
    whose = "ZEGOCLOUD's"
    if skew_seconds is None:
        whose, skew_seconds = "Slack's", parse_skew(slack_date, now, now)
    if skew_seconds is None:
        return Check("clock", "warning", "is not checked: neither ZEGOCLOUD nor Slack told the time")
    seconds = abs(skew_seconds)
    if seconds < CLOCK_OFF_SECONDS:
        return Check("clock", "ok", f"differs from {whose} by {seconds:.0f} s")
    side = "behind" if skew_seconds > 0 else "ahead of"
    finding = f"is {seconds:.0f} s {side} {whose}: set it (NTP)"
    return Check("clock", "failed" if seconds > CLOCK_WRONG_SECONDS else "warning", finding)


async def check_database(settings: Settings) -> list[Check]:
    """That it opens, has a layout that this version knows, can be written, and has room."""
    name, store = "database", None
    try:
        store = open_store(settings.database_url.reveal(), clock_from(settings.bot_clock))
        async with asyncio.timeout(PATIENCE_SECONDS - CLOSE_SECONDS):
            await store.check()
            version, applied = await store.about()
    except StoreError as error:
        return [Check(name, "failed", error.for_operator())]
    except TimeoutError:
        advice = "check DATABASE_URL, and whether the database is overloaded or behind a firewall"
        return [Check(name, "failed", f"does not answer: {advice}")]
    finally:
        if store is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await store.close()
    use = "" if store.is_shared else "; right for one process, if this disk outlasts it"
    layout = f"its layout is up to date ({applied[-1]})"
    return [Check(name, "ok", f"opens and can be written; {version}{use}; {layout}"), *_check_disk(store)]


def _check_disk(store: Store) -> list[Check]:
    if store.folder is None:
        return []
    free = shutil.disk_usage(store.folder).free
    if free >= LEAST_FREE_BYTES:
        return []
    advice = "free some, or digests will stop"
    return [Check("disk", "warning", f"has {free // 1024**2} MB left beside the database: {advice}")]


async def check_redis(settings: Settings) -> Check:
    """That it answers and can be written, which version it is, and how long a command takes."""
    name = "Redis"
    if not settings.redis_url:
        return Check(name, "ok", "is not configured: this process alone paces its calls")
    try:
        redis = RedisLink(settings.redis_url.reveal())
    except ConfigError as error:
        return Check(name, "failed", error.problems[0])
    try:
        await redis.check()
        await redis.start()
        version = _version_of(await redis.call("INFO", "server"))
        began = time.perf_counter()
        await redis.call("PING")
        took_ms = (time.perf_counter() - began) * 1000
    except RedisAwayError as error:
        return Check(name, "failed", f"does not answer as it should ({error}): check REDIS_URL")
    finally:
        await redis.close()
    shared = "replicas share the request budget by it"
    return Check(name, "ok", f"{version} answers in {took_ms:.1f} ms and can be written: {shared}")


def _version_of(info: object) -> str:
    """Redis's version in the answer to INFO, which may be bytes, text or read already."""
    if isinstance(info, dict):
        return str(info.get("redis_version", "Redis"))
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    found = [line.partition(":")[2] for line in text.splitlines() if line.startswith("redis_version:")]
    return found[0].strip() if found else "Redis"
