"""How this process reaches other machines: through which proxy, and whose certificates it trusts.

The only place that reads proxies and certificates, for ZEGOCLOUD and for Slack alike. HTTP libraries are told
what it says and never look at the environment themselves.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed leaves it out

import certifi
from yarl import URL

from bot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from ipaddress import IPv4Network, IPv6Network

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Also read in lower case, which wins, as in curl and in Python's standard library."""

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_OWN_VARIABLE = {"http": "HTTP_PROXY", "ws": "HTTP_PROXY", "https": "HTTPS_PROXY", "wss": "HTTPS_PROXY"}

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""What OpenSSL looks for in a folder of certificates (man openssl-rehash)."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one address.

    Attributes:
        proxy: the proxy's address, which may hold a password; empty where the way is direct.
        variable: the variable that says so; empty where none does.
    """

    proxy: str = ""
    variable: str = ""

    def __repr__(self) -> str:
        return f"Route({self.describe()!r})"

    def describe(self) -> str:
        """For people: never with the proxy's password."""
        if not self.proxy:
            return f"directly ({self.variable})" if self.variable else "directly"
        parts = urlsplit(self.proxy)
        return f"through {parts.scheme}://{parts.netloc.rpartition('@')[2]} ({self.variable})"


class Network:
    """Proxies and certificates, as the environment names them.

    Args:
        proxies: values of `PROXY_VARIABLES`, by name; a missing one counts as empty.
        ca_file: SSL_CERT_FILE, a file of certificates in PEM.
        ca_dir: SSL_CERT_DIR, folders as OpenSSL reads them. With neither, the machine's certificates and
            Mozilla's (certifi) are trusted.
    """

    def __init__(
        self, proxies: Mapping[str, str] | None = None, *, ca_file: str = "", ca_dir: str = ""
    ) -> None:
        self._proxies = proxies or {}
        self._direct = [entry for entry in re.split(r"[,\s]+", self._proxies.get("NO_PROXY", "")) if entry]
        self._ca_file, self._ca_dir = ca_file, ca_dir
        self._tls: ssl.SSLContext | None = None
        self._loading = asyncio.Lock()

    @property
    def names_proxies(self) -> bool:
        """Whether the environment names a proxy at all."""
        return any(self._proxies.get(name) for name in PROXY_VARIABLES if name != "NO_PROXY")

    def route(self, url: str) -> Route:
        """The way to `url` (http, https, ws or wss). This machine itself is never reached through a proxy.

        Raises:
            ConfigError: the proxy cannot be used. `problems` finds this out early.
        """
        parts = urlsplit(url)
        host, own = parts.hostname or "", _OWN_VARIABLE.get(parts.scheme, "")
        variable = own if self._proxies.get(own) else "ALL_PROXY"
        given = self._proxies.get(variable)
        if not given or not own or _is_this_machine(host):
            return Route()
        if self._is_direct(host, parts.port or _PORTS[parts.scheme]):
            return Route(variable="NO_PROXY")
        try:
            return Route(_parse_proxy(given), variable)
        except ValueError as error:
            raise ConfigError([f"{variable} {error}."]) from None

    def problems(self, urls: Iterable[str]) -> list[str]:
        """What keeps these addresses from being reached, a sentence each."""
        found = []
        for url in urls:
            try:
                self.route(url)
            except ConfigError as error:
                found += error.problems
        return list(dict.fromkeys(found))

    async def tls(self) -> ssl.SSLContext:
        """What TLS connections trust. Loaded once, off the event loop: it takes tens of milliseconds.

        Raises:
            ConfigError: the certificates are gone, or cannot be read any more.
        """
        async with self._loading:
            if self._tls is None:
                self._tls = await asyncio.to_thread(self._load)
            return self._tls

    def _load(self) -> ssl.SSLContext:
        try:
            if self._ca_file or self._ca_dir:
                context = ssl.create_default_context(
                    cafile=self._ca_file or None, capath=self._ca_dir or None
                )
            else:
                context = ssl.create_default_context()  # what a company installed on its machines
                context.load_verify_locations(certifi.where())  # and what slim machines lack
        except OSError:  # an SSLError is one
            given = [name for name, path in self._given_certificates if path]
            name = " and ".join(given) or "The certificates of the Python package certifi"
            raise ConfigError([f"{name} cannot be loaded: check the path, and who may read it."]) from None
        context.set_alpn_protocols(["http/1.1"])  # as aiohttp and httpx do with contexts of their own
        return context

    @property
    def _given_certificates(self) -> tuple[tuple[str, str], ...]:
        return (("SSL_CERT_FILE", self._ca_file), ("SSL_CERT_DIR", self._ca_dir))

    def _is_direct(self, host: str, port: int) -> bool:
        """Whether NO_PROXY names a host: itself, a domain it is in, with its port or without, or its network.

        Names are matched by the standard library, networks (10.0.0.0/8) as curl does (man curl, NO_PROXY).
        """
        if "*" in self._direct:
            return True
        if proxy_bypass_environment(f"{host}:{port}", {"no": ",".join(self._direct)}):
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in map(_network, self._direct) if network)


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_host(text: str) -> bool:
    """An IP address, or a name that is none by mistake and can be written in ASCII, as networks need it."""
    try:
        ip_address(text)
    except ValueError:
        *_, last = labels = text.removesuffix(".").split(".")
        if last.isdecimal() or not all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels):
            return False
        with suppress(ValueError):
            return bool(URL.build(scheme="http", host=text).host)
        return False
    return True


_NEEDS_ENCODING = "#?/[]@"
"""What ends the password of an address, or what stands before it (RFC 3986, section 3.2)."""


def unencoded_advice(text: str) -> str:
    """What to write in the password of an address, as a ValueError says it; empty if nothing is wrong.

    A password with one of these characters is ambiguous: `#`, `?` and `/` end the part that may hold a
    password, and some programs end the password at the first `@`, others at the last.
    """
    before, at, _ = text.partition("://")[2].rpartition("@")
    password = before.partition(":")[2] if at else ""
    wrong = [character for character in _NEEDS_ENCODING if character in password]
    how = " and ".join(f"`{character}` as %{ord(character):02X}" for character in wrong)
    return f"holds a password with special characters: write {how}" if wrong else ""


def _parse_proxy(text: str) -> str:
    """A proxy's address; `proxy.example:3128` means `http://`, as in curl."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        fits = is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # its words may quote a password
        fits = False
    if fits and parts.scheme.startswith("socks"):
        raise ValueError(
            "is a SOCKS proxy, which would need httpx[socks] and aiohttp-socks, and this bot uses neither: "
            "set it to an HTTP proxy such as http://proxy.example:3128, or unset it"
        )
    if not fits or parts.scheme not in {"http", "https"}:
        address = "has to be the address of an HTTP proxy, such as http://proxy.example:3128"
        raise ValueError(unencoded_advice(url) or address)
    return url


def parse_ca_file(text: str) -> str:
    """SSL_CERT_FILE: a file that holds at least one certificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM format: export it again, or unset it") from None
    except FileNotFoundError:
        raise ValueError("names a file that is not there: correct the path, or unset it") from None
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise ValueError(f"cannot be read ({reason}): check who may read it") from None
    return text


def parse_ca_dir(text: str) -> str:
    """SSL_CERT_DIR: folders, as in PATH, with certificates that OpenSSL finds."""
    try:
        names = [one.name for folder in text.split(os.pathsep) if folder for one in Path(folder).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError("names a folder that is not there: correct the path, or unset it") from None
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise ValueError(f"cannot be read ({reason}): check who may read it") from None
    if not any(map(_HASHED_NAME.fullmatch, names)):
        raise ValueError(
            "holds no certificate that OpenSSL can find: run `openssl rehash` on the folder, or unset it"
        )
    return text
