"""Which commands destroy what cannot be brought back, and why.

Judged is each step that ``walk`` finds: recursive removal, change of owner or mode of the system's folders, the home
folder or the project; writing to devices; making file systems; rewriting what others have pulled. Where a variable
is unknown and its being empty would be a disaster, the user is asked.

Boundary: judges commands by what they would do, never prompts by their words. Sources: the manual pages of the
commands.
"""

from __future__ import annotations

import itertools
import os
import re

from pytest_nextrust.base.light_dataclass import dataclass
from pytest_nextrust.shell.expand import UNKNOWN, literal
from pytest_nextrust.shell.wrappers import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_nextrust.shell.walk import CommandStep

__all__ = ["Danger", "Places", "dangers"]


@dataclass(frozen=True, slots=True)
class Danger:
    """``kind``: deny or ask."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that are not to be lost: the project's root and the user's home (empty: not known)."""

    root: str
    home: str


_TOP = frozenset((
    "/Applications", "/Library", "/System", "/Users", "/Volumes", "/bin", "/boot", "/dev", "/etc", "/home",
    "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt", "/private", "/proc", "/root", "/run", "/sbin", "/srv",
    "/sys", "/usr", "/var",
))  # fmt: skip
_WHOLE = ("/bin/", "/boot/", "/dev/", "/etc/", "/lib/", "/lib64/", "/proc/", "/sbin/", "/sys/", "/System/")
_CONFIGURATION = ("/bin/", "/boot/", "/etc/", "/lib/", "/lib64/", "/sbin/", "/System/", "/usr/bin/", "/usr/lib/")
_BELOW = frozenset((
    "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local", "/usr/local/bin",
    "/usr/local/lib", "/usr/sbin", "/usr/share", "/var/cache", "/var/lib", "/var/log", "/var/spool",
))  # fmt: skip
_KEYS = frozenset((".bashrc", ".gitconfig", ".gnupg", ".netrc", ".profile", ".ssh", ".zshrc"))
_HARMLESS_DEVICES = (
    r"/dev/(null|zero|full|random|urandom|tty\w*|stdin|stdout|stderr|fd(/.*)?|pts/.*|shm(/.*)?|mqueue(/.*)?"
    r"|(tcp|udp)/.*)"
)
_MAKERS = frozenset((
    "blkdiscard", "cfdisk", "fdisk", "gdisk", "mkdosfs", "mke2fs", "mkfs", "mkswap", "newfs", "parted", "sfdisk",
    "sgdisk", "wipefs",
))  # fmt: skip
"""What makes file systems and partitions, also as ``mkfs.ext4`` or ``newfs_msdos``."""

_NARROWING = frozenset((
    "-empty", "-iname", "-ipath", "-iregex", "-mmin", "-mtime", "-name", "-newer", "-path", "-regex", "-size",
))  # fmt: skip
_EXECUTING = frozenset(("-exec", "-execdir", "-ok", "-okdir"))
_GLOB = r"[*?\[]"
_ONLY_GLOB = r"[*?.!\[\]^]*[*?][*?.!\[\]^]*"


def dangers(steps: Iterable[CommandStep], places: Places) -> list[Danger]:
    """What is dangerous in a command's steps, without repeats."""
    found: dict[Danger, None] = {}
    for step in steps:
        found |= dict.fromkeys(_judged(step, places))
    return list(found)


def _judged(step: CommandStep, places: Places) -> Iterator[Danger]:
    for target in step.writes:
        yield from _device(target, step, "writes to the device")
    if step.name and step.name in step.functions and step.stages.count(step.name) > 1:
        yield Danger("deny", f"{step.name}: a function that pipes into itself starts processes without end")
    if step.fetched:
        yield Danger("ask", f"{step.name} would run what comes from the network, which cannot be read before")
    for target in _written(step):
        yield from _system_file(target, step)
    judge = _JUDGES.get(step.name)
    if judge is not None:
        yield from judge(step, places)
    elif step.name.replace("_", ".").partition(".")[0] in _MAKERS:
        yield from _maker(step)
    elif UNKNOWN in step.name and {"-rf", "-fr", "-Rf"} & set(step.literals):
        targets = [text for text in step.arguments[1:] if not text.startswith("-")]
        for target in targets:
            yield from _lost(target, step, places, "what it runs cannot be told, and it is given")


def _options(step: CommandStep) -> tuple[set[str], list[str]]:
    """Letters of short options and names of long ones (up to ``=``); and the other arguments, signs hidden."""
    options: set[str] = set()
    plain: list[str] = []
    ended = False
    for text in step.arguments[1:]:
        argument = literal(text)
        if ended or not argument.startswith("-") or argument == "-":
            plain.append(text)
        elif argument == "--":
            ended = True
        elif argument.startswith("--"):
            options.add(argument.partition("=")[0])
        else:
            options |= set(argument[1:])
    return options, plain


def _removal(step: CommandStep, places: Places) -> Iterator[Danger]:
    options, plain = _options(step)
    if "--no-preserve-root" in options:
        yield Danger("deny", "rm --no-preserve-root is only of use to remove the whole system")
    if step.rest_unknown and not plain and "git" in step.stages:
        yield Danger("ask", f"{step.line}: what git lists, its own files for one, would be removed")
        return
    if not options & {"r", "R", "--recursive"}:
        return
    for target in plain:
        yield from _lost(target, step, places, "rm would remove")
    if step.rest_unknown and not plain:
        yield Danger("ask", f"{step.line}: what is removed comes from a pipe and cannot be told")


def _mode(step: CommandStep, places: Places) -> Iterator[Danger]:
    options, plain = _options(step)
    if options & {"R", "--recursive"}:
        # The first is the mode or owner; a mode such as -x is among the options, and then nothing is lost by this.
        # Taking the rights away, or giving everything to another, is not what a build does to a whole project.
        severe = step.name in ("chown", "chgrp") or bool(plain[:1] and re.fullmatch("0*0?00|a?[-=]", plain[0]))
        for number, target in enumerate(plain):
            yield from _lost(target, step, places, f"{step.name} -R would change", project=severe and number > 0)


def _moved(step: CommandStep, places: Places) -> Iterator[Danger]:
    _, plain = _options(step)
    for target in plain[:-1]:
        yield from _lost(target, step, places, f"{step.name} would move away")
    for target in plain[-1:]:
        yield from _device(target, step, "writes to the device")


def _copied(step: CommandStep, _: Places) -> Iterator[Danger]:
    for target in _options(step)[1][-1:]:
        yield from _device(target, step, "writes to the device")


def _tee(step: CommandStep, _: Places) -> Iterator[Danger]:
    for target in _options(step)[1]:
        yield from _device(target, step, "writes to the device")


def _dd(step: CommandStep, _: Places) -> Iterator[Danger]:
    for text in step.arguments[1:]:
        if literal(text).startswith("of="):
            yield from _device(text[3:], step, "writes to the device")


def _maker(step: CommandStep) -> Iterator[Danger]:
    options, plain = _options(step)
    if (
        not plain
        or options & {"l", "--list", "--help", "V", "--version"}
        or (step.name == "parted" and "print" in plain)
    ):
        return
    # A file system in a file of the project is a disk image, which is what an emulator boots from.
    devices = [text for text in plain if literal(text).startswith("/dev/") or UNKNOWN in text]
    if devices:
        yield Danger("deny", f"{step.name} destroys what is on {_quoted(devices[0])}")


def _find(step: CommandStep, places: Places) -> Iterator[Danger]:
    starts = []
    for text in step.arguments[1:]:
        if text.startswith(("-", "(", "!")):
            break
        starts.append(text)
    what = "-delete" if "-delete" in step.literals else "-exec rm" if _removes_found(step.literals) else ""
    if what:
        narrowed = any(text in _NARROWING for text in step.literals)
        for start in starts or ["."]:
            # What has certain names may go from the project and the home folder; from the system's, the user says.
            kept = Places("", "") if narrowed else places
            for danger in _lost(start, step, kept, f"find {what} would empty"):
                yield Danger("ask" if narrowed else danger.kind, danger.reason)


def _removes_found(words: tuple[str, ...]) -> bool:
    """Whether ``find`` hands what it finds to ``rm``."""
    pairs = itertools.pairwise(words)
    run = any(word in _EXECUTING and base_name(program) in ("rm", "grm", "unlink", "shred") for word, program in pairs)
    return run and any("{}" in word for word in words)


def _git(step: CommandStep, _: Places) -> Iterator[Danger]:
    rest = list(step.literals)
    while rest and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in ("-C", "-c", "--git-dir", "--work-tree", "--namespace") else 1 :]
    if not rest or rest[0] != "push":
        return
    for text in rest[1:]:
        short = not text.startswith("--") and text.startswith("-")
        if text == "--force" or (short and "f" in text[1:]):
            yield Danger("deny", "git push --force overwrites commits that others may have; git revert keeps them")
        elif text in ("--mirror", "--prune"):
            yield Danger("deny", f"git push {text} removes branches on the other side")
        elif text.startswith("+") and len(text) > 1:
            yield Danger("deny", f"git push {text}: the + overwrites that branch, as --force does")
        elif text.startswith(("--force-with-lease", "--force-if-includes")):
            yield Danger("ask", "git push --force-with-lease overwrites a branch where nobody pushed meanwhile")
        elif text == "--delete" or (short and "d" in text[1:]) or (text.startswith(":") and len(text) > 1):
            yield Danger("ask", "git push would delete a branch or tag on the other side")


def _written(step: CommandStep) -> Iterator[str]:
    """The files that a step writes by redirection or as its purpose."""
    yield from step.writes
    if step.name in ("tee", "truncate", "shred"):
        yield from _options(step)[1]
    elif step.name in ("cp", "mv", "install", "ln"):
        yield from _options(step)[1][-1:]


def _system_file(target: str, step: CommandStep) -> Iterator[Danger]:
    path = _absolute(literal(target), step.cwd)
    if path is not None and path.startswith(_CONFIGURATION):
        yield Danger("ask", f"{step.name or 'the command'} writes a file of the system, {_quoted(path)}")


def _kill(step: CommandStep, _: Places) -> Iterator[Danger]:
    words = step.literals
    if step.name == "pkill":
        every = any(re.fullmatch(_ONLY_GLOB, text) or text in (".", "") for text in words)
    else:
        every = step.name == "killall5" or (words[-1:] == ("-1",) and len(words) > 1)
    if every:
        yield Danger("ask", f"{step.line}: this signals every process that it may")


def _machine(step: CommandStep, _: Places) -> Iterator[Danger]:
    """The machine itself: its power, its services, its firewall, the user's timers."""
    words = set(step.literals)
    acts = {
        "systemctl": {"stop", "disable", "mask", "kill", "poweroff", "reboot", "halt", "isolate"},
        "service": {"stop"},
        "crontab": {"-r"},
        "iptables": {"-F", "--flush", "-X"},
        "ip6tables": {"-F", "--flush", "-X"},
        "nft": {"flush"},
        "init": {"0", "6"},
    }
    if step.name in acts and not acts[step.name] & words:
        return
    if not {"--help", "--version", "-c"} & words:
        yield Danger("ask", f"{step.line[:120]}: this changes the machine, not the project")


def _containers(step: CommandStep, _: Places) -> Iterator[Danger]:
    words = step.literals
    plain = [text for text in words if not text.startswith("-")]
    mounted = any(text.startswith(("/:", "type=bind,source=/,", "type=bind,src=/,")) for text in words)
    if mounted or any(text.startswith(("-v/:", "--volume=/:")) for text in words):
        yield Danger("ask", f"{step.name} would give a container the whole system")
    elif "prune" in plain[:2] or plain[:2] in (["volume", "rm"], ["volume", "remove"]):
        yield Danger("ask", f"{step.line[:120]}: this removes what no image brings back")


def _tar(step: CommandStep, places: Places) -> Iterator[Danger]:
    words = step.literals
    if "--remove-files" in words:
        for target in _options(step)[1]:
            yield from _lost(target, step, places, "tar --remove-files would remove")
    extracts = any(
        re.match(r"-?\w*x|--extract|--get", text) for text in words[:1] + tuple(t for t in words if t[:1] == "-")
    )
    for option, value in itertools.pairwise(words):
        if option in ("-C", "--directory") and extracts and _absolute(value, step.cwd) == "/":
            yield Danger("ask", "tar would unpack over the whole system")


def _mirror(step: CommandStep, places: Places) -> Iterator[Danger]:
    if any(text.startswith(("--delete", "--del")) for text in step.literals):
        for target in _options(step)[1][-1:]:
            yield from _lost(target, step, places, f"{step.name} --delete would empty")


_JUDGES = {
    "rm": _removal,
    "grm": _removal,
    "chmod": _mode,
    "chown": _mode,
    "chgrp": _mode,
    "mv": _moved,
    "cp": _copied,
    "install": _copied,
    "tee": _tee,
    "dd": _dd,
    "find": _find,
    "git": _git,
    "shred": _tee,
    "truncate": _tee,
    "kill": _kill,
    "pkill": _kill,
    "killall5": _kill,
    **dict.fromkeys(("reboot", "shutdown", "halt", "poweroff", "init", "systemctl", "service"), _machine),
    **dict.fromkeys(("crontab", "iptables", "ip6tables", "nft"), _machine),
    **dict.fromkeys(("docker", "podman"), _containers),
    "tar": _tar,
    "rsync": _mirror,
}


def _device(target: str, step: CommandStep, what: str) -> Iterator[Danger]:
    path = _absolute(literal(target), step.cwd)
    if path is None or not path.startswith("/dev/") or re.fullmatch(_HARMLESS_DEVICES, path):
        return
    yield Danger("deny", f"{step.name or 'the command'} {what} {_quoted(path)}")


def _absolute(path: str, cwd: str | None) -> str | None:
    if UNKNOWN in path or (cwd is None and not path.startswith("/")):
        return None
    # Two slashes at the start are one here: normpath keeps them.
    return "/" + os.path.normpath(os.path.join(cwd or "/", path)).lstrip("/")  # noqa: PTH118


def _lost(
    target: str, step: CommandStep, places: Places, what: str, *, project: bool = True, glob: bool = True
) -> Iterator[Danger]:
    """Whether losing ``target`` (signs hidden) with all that is in it is a disaster."""
    folder, _, last = target.rstrip("/").rpartition("/")
    contents = bool(re.fullmatch(_ONLY_GLOB, last)) if glob else False
    if re.search(_GLOB, target) and not contents:
        # A pattern with letters in it: what it finds lies in its folder.
        if glob and _absolute(literal(folder) or ("/" if target.startswith("/") else "."), step.cwd) == "/":
            yield Danger("deny", f"{what} {_quoted(target)}, folders of the system")
        return
    if contents:
        target = folder or ("/" if target.startswith("/") else ".")
    argument = literal(target)
    if UNKNOWN in argument:
        empty = _absolute(argument.replace(UNKNOWN, ""), "/") or ""
        if (argument.startswith(UNKNOWN + "/") or contents) and _why(empty, places, project):
            yield Danger("ask", f"{what} {_quoted(argument)}: where the variable is empty, that is {empty}")
        return
    path = _absolute(argument, step.cwd)
    if path is None:
        if contents or argument in (".", "..", "./", "../"):
            yield Danger("ask", f"{what} {_quoted(argument)} in a folder that cannot be told")
        return
    why = _why(path, places, project)
    if why:
        yield Danger("deny", f"{what} {'all of ' if contents else ''}{_quoted(path)}, {why}")


def _why(path: str, places: Places, project: bool) -> str:
    """Why a folder is not to be lost; empty where it may be."""
    if path == "/":
        return "the whole system"
    if path.startswith("/dev/shm/"):
        return ""
    if path in _TOP or path in _BELOW or path.startswith(_WHOLE):
        return "a folder of the system"
    inside = project and places.root not in ("", "/")
    for place, name in ((places.home, "the home folder"), (places.root if inside else "", "the project")):
        if place and path == place.rstrip("/"):
            return name
        if place and place.startswith(path + "/"):
            return f"which holds {name}"
    keys = path.startswith(places.home + "/") and path[len(places.home) + 1 :].partition("/")[0] in _KEYS
    if places.home not in ("", "/") and keys:
        return "keys and settings of the user"
    git = places.root + "/.git"
    if inside and (path == git or path.startswith((git + "/objects", git + "/refs"))):
        return "the history of the project"
    return ""


def _quoted(path: str) -> str:
    return literal(path).replace(UNKNOWN, "$...")[:120]
