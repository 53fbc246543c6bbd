"""``python -m pytest_nextrust.verify.prebuilt SCENARIO...``: make the programs that these scenarios ship.

For the developers of scenarios; ``toolchain.prebuilt`` does it, and what is checked as atomics is linked for that.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_nextrust.errors import NextrustError
from pytest_nextrust.toolchain.prebuilt import make
from pytest_nextrust.toolchain.registry import ToolchainConfig, toolchains
from pytest_nextrust.verify.atomics import maker

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Make the programs of the scenarios named (their folders). Exit status 2 where one is no scenario."""
    known = toolchains(ToolchainConfig())
    status = 0
    for name in sys.argv[1:] if argv is None else argv:
        folder = Path(name)
        try:
            print(f"{folder.name}: {make(folder, known, maker)}", flush=True)
        except NextrustError as error:
            print(f"{folder.name}: {error}", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
