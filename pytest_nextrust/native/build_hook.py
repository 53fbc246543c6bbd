"""Builds the compiled part where the package is built or installed, if a C compiler is there; if not, all goes on.

Boundary: run by hatchling (``tool.hatch.build.hooks.custom``), never imported by the package.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "pytest_nextrust/native"


class CompiledPart(BuildHookInterface[Any]):
    """Compiles the C files beside itself; a wheel that holds the result is one of this platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before anything is put into a build."""
        del version
        folder = Path(self.root) / FOLDER
        library = folder / "core.so"
        if self.target_name != "wheel" or not compile_core(sorted(folder.glob("*.[ch]")), library):
            return
        build_data["artifacts"].append(f"/{FOLDER}/core.so")
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"


def compile_core(sources: Sequence[Path], library: Path) -> bool:
    """Whether ``library`` is there now, built from ``sources`` (headers too). What the compiler says goes to standard
    error.

    One that is built from them already stays: processes may be using it.
    """
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if library.exists() and digest.encode() in library.read_bytes():
        return True
    library.unlink(missing_ok=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not compiler or shutil.which(compiler[0]) is None:
        return False
    made = library.with_suffix(f".{os.getpid()}")
    compiled = [str(source) for source in sources if source.suffix == ".c"]
    command = [*compiler, "-O2", "-shared", "-fPIC", f'-DSOURCE="{digest}"', "-o", str(made), *compiled]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        print(f"no compiled part: {shlex.join(command)}\n{done.stderr}", file=sys.stderr)
        made.unlink(missing_ok=True)
        return False
    made.replace(library)
    return True
