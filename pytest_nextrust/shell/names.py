"""The names of commands that change or lose files: which steps of a command have to be looked at more closely.

Boundary: names only; ``changes`` and ``losses`` read the arguments, and say no more than these names allow. It stands
apart from them so that a decision about a command without such a step loads neither.
"""

from __future__ import annotations

__all__ = ["CHANGING", "COPYING", "IN_PLACE", "LOSING", "PRINTING", "REMOVING", "WITH_FILES", "WITH_OWNERS"]

WITH_FILES = frozenset((
    "chattr", "ed", "emacs", "ex", "nano", "rm", "grm", "rmdir", "setfacl", "shred", "sponge", "tee", "truncate",
    "unlink", "vi", "vim",
))  # fmt: skip
"""Those whose arguments are all files that they change."""

WITH_OWNERS = frozenset(("chmod", "chown", "chgrp"))
COPYING = frozenset(("cp", "gcp", "install", "ln", "mv", "gmv", "rsync", "scp"))
IN_PLACE = frozenset(("sed", "gsed", "perl", "ruby"))
REMOVING = frozenset(("dd", "grm", "rm", "rsync", "shred", "truncate", "unlink"))
"""Those that leave nothing of a file that was there."""

PRINTING = frozenset((":", "cat", "true", "echo", "printf", "(group)"))
"""Those after which a file that they are redirected to holds something else."""

CHANGING = WITH_FILES | WITH_OWNERS | COPYING | IN_PLACE | {
    "apply_patch", "curl", "dd", "find", "git", "patch", "tar", "wget",
}  # fmt: skip
LOSING = REMOVING | {"cp", "find", "git", "mv"}
