"""Addresses of servers: `grpc://host:port`, or `grpcs://` for TLS, and nothing else; and never one that is no server's."""

from __future__ import annotations

import ipaddress
import re

SECURE = "grpcs://"
EXPECTED = "expected grpc://host:port or grpcs://host:port"
ADDRESS = re.compile(r"grpcs?://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@]+):(?P<port>[0-9]{1,5})")
HOST = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*")
NUMBER = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)")
LARGEST_PORT = 65535
OWN = (".internal", ".local", ".svc", ".localhost")
"""What names of one's own network end with."""


def target(address: str) -> str:
    """host:port of a checked address."""
    return address.removeprefix(SECURE).removeprefix("grpc://")


def is_private(address: str) -> bool:
    """Whether what goes to a checked address stays in a network of one's own, as far as the address tells."""
    return is_private_host(target(address).rpartition(":")[0].strip("[]"))


def is_private_host(host: str) -> bool:
    """The same for the host alone, without brackets."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(OWN)


def fault_of(address: str) -> str | None:
    """What is wrong with an address, or `None`. What may be a password in it is not repeated."""
    if "@" in address:
        return f"a user or password has no place in an address; {EXPECTED}"
    match = ADDRESS.fullmatch(address)
    if match is None:
        return f"{address[:80]!a} is no address; {EXPECTED}"
    port = int(match["port"])
    if not 1 <= port <= LARGEST_PORT:
        return f"port {port} does not exist; expected 1 to {LARGEST_PORT}"
    return _fault_of_host(match["host"])


def _fault_of_host(host: str) -> str | None:
    try:
        ip = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        ip = None
    if ip is None:
        if not host.isascii():
            return f"host {host[:80]!a} is not ASCII; write its xn-- form, so that no letter looks like another"
        if HOST.fullmatch(host) is None or NUMBER.fullmatch(host.rpartition(".")[2]):
            return f"host {host[:80]!a} is neither a name nor an address; {EXPECTED}"
        return None
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    if not mapped.is_loopback and (mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified or mapped.is_reserved):
        return f"{host} is no server's address (link-local, multicast, unspecified or reserved); {EXPECTED}"
    return None
