"""Services that a phase counts on: asking each once whether it answers.

Boundary: asks only what the project's ``[[hooks.service]]`` tables name. Loopback or not is the project's choice.
"""

from __future__ import annotations

import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence

from pytest_nextrust.hookapi.settings import Service

__all__ = ["silent"]

CommandRunner = Callable[..., "subprocess.CompletedProcess[str]"]


def silent(services: Iterable[Service], run: CommandRunner) -> list[str]:
    """For each service that does not answer: what was tried, and the result. ``run`` is ``Context.run``."""
    return [f"{service.name}: {why}" for service in services if (why := _why(service, run))]


def _why(service: Service, run: CommandRunner) -> str:
    if service.url:
        return _http(service.url, service.timeout)
    if service.address:
        return _connected(service.address, service.timeout)
    return _ended(service.command, service.timeout, run)


def _http(url: str, timeout: float) -> str:
    try:
        # Only http and https: the settings take no other scheme.
        with urllib.request.urlopen(url, timeout=timeout):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        # An MCP endpoint refuses a GET with 405 or 406: it answers.
        return "" if error.code < 500 else f"{url} answers {error.code}"
    except (OSError, ValueError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', None) or error}"


def _connected(address: str, timeout: float) -> str:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout).close()
    except (OSError, ValueError, OverflowError) as error:
        return f"{address} takes no connection: {error}"
    return ""


def _ended(command: Sequence[str], timeout: float, run: CommandRunner) -> str:
    try:
        done = run(command, limit=timeout)
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not end within {timeout:g} s"
    except OSError as error:
        return f"{command[0]} cannot be run: {error.strerror or error}"
    return "" if done.returncode == 0 else f"{command[0]} ended with status {done.returncode}"
