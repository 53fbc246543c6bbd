"""Whether a run's sources may be a stranger's: a pull request from a fork, by the event that GitHub hands to its jobs;
and the paths that such a project must not lead a run to.

Boundary: reads the event's file and looks at links; what else is refused is decided by who builds and runs. Source:
GitHub's documentation of the webhook event ``pull_request`` (``head.repo`` is null where the fork is gone).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pytest_nextrust.errors import UsageFault

__all__ = ["comes_from_fork", "refuse_ways_out"]

_OWN = ("artifacts/phase", "artifacts/nextrust/programs", ".nextrust/state.sqlite", ".nextrust/cache")
"""What a run writes in a project beside its status log."""


def comes_from_fork(environ: Mapping[str, str]) -> bool:
    """Whether this job is about a pull request whose commits are another repository's. False outside GitHub's jobs.

    An event that cannot be read is taken for a stranger's: a job that is trusted has a readable one.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or not environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return False
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
        pull = event["pull_request"]
        head, base = pull["head"]["repo"], pull["base"]["repo"]
        return head is None or head["id"] != base["id"]
    except (KeyError, OSError, TypeError, ValueError):
        return True


def refuse_ways_out(root: Path, named: Mapping[str, Path]) -> None:
    """Raise UsageFault where a project that is not trusted would have a run read or write around it.

    ``named``: the project's own setting to the path that it gives. Looked at besides is what every run writes.
    """
    for setting, path in {**named, **{name: root / name for name in _OWN}}.items():
        plain = Path(os.path.normpath(path))
        top = next((one for one in (root, root.resolve()) if plain.is_relative_to(one)), None)
        if top is None:
            raise _leads_out(setting, path)
        places = [plain, *plain.parents]
        for place in places[: places.index(top)]:
            if place.is_symlink():
                raise _leads_out(setting, place)
    for setting, path in named.items():
        if setting.startswith("nextrust_scenarios") and path.is_dir():
            for inside in (each for each in path.iterdir() if each.is_symlink()):
                raise _leads_out(setting, inside)


def _leads_out(setting: str, path: Path) -> UsageFault:
    return UsageFault(
        setting,
        "a link, or a path out of the project, in a run that does not trust it",
        place=str(path),
        remedy="name a path inside the project, reached over no link",
    )
