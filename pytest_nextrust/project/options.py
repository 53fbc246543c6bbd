"""The plugin's options: their names, how they are written, what they are for.

Every option has an ini twin (``--nextrust-status-dir``, ``nextrust_status_dir``) where a project would fix it; the
command line wins. What the values mean is in ``settings``.

Boundary: loaded by every pytest run in an environment that has the plugin, so it imports nothing and makes no dataclass
(each costs half a millisecond).
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_ITEM_TIMEOUT",
    "DEFAULT_SCENARIOS",
    "DEFAULT_STATUS_DIR",
    "DEFAULT_WORKER_TIMEOUT",
    "DEPS",
    "OPTIONS",
    "ORDERS",
    "STANDINS",
    "Option",
]

DEPS = ("run", "check", "ignore")
ORDERS = ("collected", "likely")
STANDINS = ("accept", "reject")
DEFAULT_STATUS_DIR = "docs/ci-status"
DEFAULT_WORKER_TIMEOUT = "60s"
DEFAULT_ITEM_TIMEOUT = "30m"
DEFAULT_SCENARIOS = ("scenarios",)


class Option:
    """One option.

    ``ini`` is the type of its ini twin (``string``, ``linelist``, ``args``), empty where there is none;
    ``command_line`` is false for what only the ini file has.
    """

    __slots__ = ("command_line", "flag", "help", "ini", "metavar", "name", "repeatable")

    def __init__(
        self,
        name: str,
        metavar: str,
        help: str,
        *,
        repeatable: bool = False,
        flag: bool = False,
        ini: str = "",
        command_line: bool = True,
    ) -> None:
        self.name = name
        self.metavar = metavar
        self.help = help
        self.repeatable = repeatable
        self.flag = flag
        self.ini = ini
        self.command_line = command_line

    @property
    def option(self) -> str:
        return f"--{self.name}"

    @property
    def dest(self) -> str:
        return self.name.replace("-", "_")


OPTIONS: tuple[Option, ...] = (
    Option("nextrust-phase", "ID|current|all", "run the scenarios and marked tests of a phase, and write the status"),
    Option(
        "nextrust-matrix",
        "KEY=V1,V2",
        "keep only these values of an axis (os, profile, cpu); repeatable",
        repeatable=True,
        ini="linelist",
    ),
    Option("nextrust-cell", "ID", "run one cell of the matrix only, as ubuntu-latest-release-m68040"),
    Option(
        "nextrust-shard",
        "I/N",
        "run the I-th of N parts of a phase's run, balanced by recorded durations; merge their logs afterwards",
    ),
    Option(
        "nextrust-order",
        "collected|likely",
        "order of a phase's items: as they are collected (default), or first those that are likely to fail for what "
        "changed; none is left out",
        ini="string",
    ),
    Option("nextrust-scenario", "NAME", "run this scenario only; alone, it checks no dependency and writes no status"),
    Option(
        "nextrust-deps",
        "run|check|ignore",
        "phases depended on that have no record for this commit: run them first (default), refuse, or do not look",
        ini="string",
    ),
    Option(
        "nextrust-toolchain", "NAME", "build with this toolchain where it can, instead of the default", ini="string"
    ),
    Option("nextrust-status-dir", "DIR", f"folder of the status log (default: {DEFAULT_STATUS_DIR})", ini="string"),
    Option("nextrust-budget", "N|TIME", "limit of a run: instructions (5_000_000) or time (30s, 500ms)", ini="string"),
    Option(
        "nextrust-worker-timeout",
        "TIME",
        f"with -n: end a worker that shows no sign of life for so long (30s, 5m; default: {DEFAULT_WORKER_TIMEOUT})",
        ini="string",
    ),
    Option(
        "nextrust-item-timeout",
        "TIME",
        "with -n: end a worker that is longer with one item (30s, 5m; default: "
        f"{DEFAULT_ITEM_TIMEOUT}, for a scenario more where its own limits say so)",
        ini="string",
    ),
    Option(
        "nextrust-replay",
        "TOKEN",
        "run a failing exploration again, from the token that was printed; nothing else is run",
    ),
    Option("nextrust-dry-run", "", "show what would run; change nothing on disk", flag=True),
    Option(
        "nextrust-force",
        "",
        "run although a phase depended on failed, or the commit failed too often; recorded",
        flag=True,
    ),
    Option(
        "nextrust-untrusted",
        "",
        "the sources may be a stranger's: no toolchains of the project, no scenarios of events, compilers confined; "
        "on by itself for pull requests from forks",
        flag=True,
        ini="string",
    ),
    Option("nextrust-report", "FILE", "write a report; .json is CTRF (JUnit XML is pytest's own --junitxml)"),
    Option(
        "nextrust-metrics",
        "FILE",
        "add what a run of phases measures to FILE, in the Prometheus text format; it is replaced atomically",
        ini="string",
    ),
    Option(
        "nextrust-standins",
        "accept|reject",
        "whether a cell of another host, passed here, counts for a phase's .done (default: accept)",
        ini="string",
        command_line=False,
    ),
    Option(
        "nextrust-scenarios",
        "DIR...",
        f"folders of the project's scenarios (default: {' '.join(DEFAULT_SCENARIOS)})",
        ini="args",
        command_line=False,
    ),
)
