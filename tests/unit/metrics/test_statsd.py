"""The StatsD sink: its lines, its datagrams, and hosts that are slow, closed or not there."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.errors import ConfigError
from pytest_nextrust.metrics import statsd
from pytest_nextrust.metrics.emitter import LONGEST_LABEL, Measurement
from pytest_nextrust.metrics.names import METRICS
from pytest_nextrust.metrics.statsd import StatsdSink, datagrams, line, parse_address
from tests.unit.metrics.metrics_support import sample


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (sample("nextrust.run.outcomes", 1, "phase-1", "passed"), b"nextrust.run.outcomes.phase-1.passed:1|c"),
        (sample("nextrust.hook.duration", 0.0123456, "pre"), b"nextrust.hook.duration.pre:12.346|ms"),
        (sample("nextrust.hook.duration", 0, "pre"), b"nextrust.hook.duration.pre:0|ms"),
        (sample("nextrust.hook.duration", 100.0, "pre"), b"nextrust.hook.duration.pre:100000|ms"),
        (
            sample("nextrust.exploration.state.rate", 1e7, "p", "c"),
            b"nextrust.exploration.state.rate.p.c:10000000|g",
        ),
        (
            sample("nextrust.run.outcomes", 1, "a.b:c|d@e\nf", "\u20ac"),
            b"nextrust.run.outcomes.a_b_c_d_e_f._:1|c",
        ),
    ],
)
def test_lines(measured: Measurement, expected: bytes) -> None:
    """The protocol's three types; labels keep no character that means something in it."""
    assert line(measured) == expected


LABEL = st.text(min_size=0, max_size=LONGEST_LABEL)
PROTOCOL = re.compile(rb"[A-Za-z0-9_.-]+:\d+(\.\d{1,3})?\|(c|ms|g)")


@given(st.lists(st.tuples(st.sampled_from(sorted(METRICS)), st.floats(0, 1e12), LABEL), max_size=60))
def test_datagrams_obey_the_protocol(drawn: list[tuple[str, float, str]]) -> None:
    """Whatever is measured: every line is one, in order, none lost, no datagram above 1432 bytes."""
    samples = [sample(name, value, *[label] * len(METRICS[name].labels)) for name, value, label in drawn]
    packets = list(datagrams(samples))
    assert all(0 < len(packet) <= statsd.DATAGRAM for packet in packets)
    lines = [text for packet in packets for text in packet.split(b"\n")]
    assert lines == [line(one) for one in samples]
    assert all(PROTOCOL.fullmatch(text) for text in lines)
    assert len(packets) <= 1 + sum(len(text) + 1 for text in lines) // (statsd.DATAGRAM // 2)


@pytest.mark.parametrize(
    ("text", "port", "expected"),
    [
        ("host", "", ("host", 8125)),
        ("host:9", "", ("host", 9)),
        ("host", "77", ("host", 77)),
        ("host:9", "77", ("host", 9)),
        ("[::1]:9", "", ("::1", 9)),
        ("::1", "", ("::1", 8125)),
        ("127.0.0.1", "", ("127.0.0.1", 8125)),
    ],
)
def test_addresses(text: str, port: str, expected: tuple[str, int]) -> None:
    """Host, host and port, either kind of IPv6."""
    assert parse_address(text, port) == expected


@pytest.mark.parametrize("text", ["", "a b", "host:0", "host:65536", "host:x", "a:b:c", "host:", "host:99999999999"])
def test_what_is_no_address(text: str) -> None:
    """Refused with the accepted form."""
    with pytest.raises(ConfigError, match="is no host and port"):
        parse_address(text)


SAMPLE = [sample("nextrust.run.outcomes", 1, "p", "passed")]


def test_a_datagram_arrives() -> None:
    """On both kinds of loopback."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as receiver:
            try:
                receiver.bind((host, 0))
            except OSError:
                continue  # a machine without IPv6
            receiver.settimeout(5)
            assert StatsdSink(host, receiver.getsockname()[1]).send(SAMPLE) == ""
            assert receiver.recv(2000) == b"nextrust.run.outcomes.p.passed:1|c"


def test_a_closed_port_is_nothing() -> None:
    """Sent twice to where nobody listens (the second would hear of the first): no fault, no exception."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sink = StatsdSink("127.0.0.1", port)
    assert [sink.send(SAMPLE), sink.send(SAMPLE)] == ["", ""]


def test_a_name_is_asked_for_once(tmp_path: Path) -> None:
    """The first process asks, those that follow take its answer, also that there is none; until it is old."""
    asked: list[str] = []
    now = 1000.0

    def lookup(found: Any) -> Callable[[str, int], Any]:
        def look(host: str, port: int) -> Any:
            asked.append(host)
            return found

        return look

    def sink(host: str, found: Any) -> str:
        cache = tmp_path / f"{host}.json"
        return StatsdSink(host, 9, cache=cache, limit=5, clock=lambda: now, lookup=lookup(found)).send(SAMPLE)

    address = (int(socket.AF_INET), ("127.0.0.1", 9))
    for _ in range(3):
        assert sink("there", address) == ""
        assert sink("gone", None) == "StatsD: no address for gone: metrics were not sent"
    assert asked == ["there", "gone"]
    now += statsd.KEEP_NOTHING_SECONDS + 1
    sink("there", address)
    sink("gone", None)
    assert asked == ["there", "gone", "gone"]
    now += statsd.KEEP_SECONDS + 1
    sink("there", address)
    assert asked[-1] == "there"
    now -= 86400
    sink("there", address)
    assert asked[-2:] == ["there", "there"]


def test_a_name_service_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The flush gives up in its time; the next process does not wait at all."""
    release = threading.Event()

    def hang(host: str, port: int) -> None:
        release.wait(30)

    cache = tmp_path / "statsd.json"
    sink = StatsdSink("slow.example", 9, cache=cache, limit=0.01, lookup=hang)
    assert "no address" in sink.send(SAMPLE)
    second = StatsdSink("slow.example", 9, cache=cache, lookup=lambda host, port: pytest.fail("asked"))
    assert second._thread is None
    assert "no address" in second.send(SAMPLE)
    release.set()


@pytest.mark.parametrize("kept", ["", "[", "{}", "[]", '{"for": 1}', '{"for": ["h", 9], "until": 1001, "address": 5}'])
def test_a_cache_that_cannot_be_read_is_asked_again(tmp_path: Path, kept: str) -> None:
    """Half a file, or somebody else's."""
    cache = tmp_path / "statsd.json"
    cache.write_text(kept)
    found = (int(socket.AF_INET), ("127.0.0.1", 9))
    sink = StatsdSink("h", 9, cache=cache, limit=5, clock=lambda: 1000.0, lookup=lambda host, port: found)
    assert sink.send(SAMPLE) == ""
