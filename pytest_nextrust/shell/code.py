"""What a short program of another language would run or destroy, where it is in the command and plainly readable.

Python is parsed; of Perl, Ruby, Node and PHP the calls with a plain text as argument are found by their form. Each
becomes a command of the same effect (``shutil.rmtree("x")`` is ``rm -r x``), or a script (``os.system("...")``).

Boundary: follows no control flow; a value that is computed is UNKNOWN. Sources: the references of Python's os, pathlib,
shutil and subprocess, perlfunc, Ruby's FileUtils and Kernel, Node's fs and child_process.
"""

from __future__ import annotations

import re

from pytest_nextrust.shell.expand import UNKNOWN, hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator
    from typing import TypeAlias

    Acts: TypeAlias = "Iterator[str | tuple[str, ...]]"

__all__ = ["acts_of", "inline_code"]

_OPTIONS = {"python": "c", "pypy": "c", "perl": "eE", "ruby": "e", "node": "ep", "php": "r", "bun": "e"}
_REMOVE = {
    "os.remove": "rm", "os.unlink": "rm", "os.rmdir": "rmdir", "os.removedirs": "rm -r", "shutil.rmtree": "rm -r",
    "os.truncate": "truncate", "os.rename": "mv", "os.replace": "mv", "os.renames": "mv", "shutil.move": "mv",
    "shutil.copy": "cp", "shutil.copyfile": "cp", "shutil.copy2": "cp", "os.symlink": "ln", "os.link": "ln",
}  # fmt: skip
_METHODS = {
    "unlink": "rm", "rmdir": "rmdir", "write_text": "tee", "write_bytes": "tee", "rename": "mv", "replace": "mv",
    "chmod": "chmod", "symlink_to": "tee", "hardlink_to": "tee",
}  # fmt: skip
_RUN = ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
_RUN_LIST = (
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.Popen",
)
_TEXT = r"\s*\(?\s*(?:glob\s*\(?\s*)?([\"'])((?:\\.|(?!\{q}).)*?)\{q}"
_FORMS = (
    (r"\b(?:system|exec|execSync|spawnSync|popen|shell_exec|passthru)", "script"),
    (r"\b(?:rmSync|rmdirSync|rm_rf|rm_r|remove_dir|remove_entry|rmtree|remove_tree)", "rm -r"),
    (r"\b(?:unlink|unlinkSync|File\.delete|FileUtils\.rm|rm_f)", "rm"),
    (r"\b(?:writeFileSync|appendFileSync|File\.write|IO\.write|file_put_contents)", "tee"),
    (r"\bopen\s*\(?\s*\$?\w+\s*,\s*(?:[\"']>>?[\"']\s*,)?", "tee"),
)


def inline_code(language: str, arguments: tuple[str, ...], given: str | None) -> str | None:
    """The program that is given with ``-c`` or its like, or on stdin; None where it is in a file."""
    letters = _OPTIONS.get(language, "")
    at = 0
    while at < len(arguments):
        text = arguments[at]
        if text in ("--eval", "--print") and at + 1 < len(arguments):
            return arguments[at + 1]
        if text.startswith("-") and not text.startswith("--") and len(text) > 1:
            index = next((i for i, letter in enumerate(text[1:], 1) if letter in letters), None)
            if index is not None and (text[index + 1 :] or at + 1 < len(arguments)):
                return text[index + 1 :] or arguments[at + 1]
            at += 2 if text in ("-W", "-X", "-I", "-r", "-M") else 1
            continue
        return given if text in ("-", "/dev/stdin") else None
    return given


def acts_of(language: str, code: str, home: str) -> Acts:
    """Scripts (texts) and commands (words, signs hidden) that the program stands for."""
    if language == "python":
        yield from _python(code, home)
        return
    for form, what in _FORMS:
        for match in re.finditer(form + _TEXT.replace("{q}", "1"), code):
            text = re.sub(r"\\(.)", r"\1", match[2])
            if what == "script":
                yield text
            else:
                yield (*what.split(), text)
    if language in ("perl", "ruby", "php"):
        yield from re.findall(r"`([^`]+)`", code)


def _python(code: str, home: str) -> Acts:
    import ast

    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    reader = _Python(home)
    for node in ast.walk(tree):
        reader.learn(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from reader.call(node)


class _Python:
    """Names that were imported or given a plain value, and what calls mean by them."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.names: dict[str, str] = {}
        self.values: dict[str, str] = {}

    def learn(self, node: ast.AST) -> None:
        import ast

        if isinstance(node, ast.Import):
            self.names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            self.names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            value = self.value(node.value)
            # Assigned twice, differently: which holds at a call is not followed.
            self.values[name] = value if self.values.get(name, value) == value else UNKNOWN

    def dotted(self, node: ast.AST) -> str:
        import ast

        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Call) and self.dotted(node.func) == "__import__" and node.args:
            return self.value(node.args[0])
        return ""

    def value(self, node: ast.AST) -> str:
        """A text or path, its signs hidden; UNKNOWN where it is computed."""
        import ast

        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return hidden(node.value)
        if isinstance(node, ast.Name):
            return self.values.get(node.id, UNKNOWN)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.value(one) if isinstance(one, ast.Constant) else UNKNOWN for one in node.values)
        if isinstance(node, ast.BinOp):
            sign = {ast.Add: "", ast.Div: "/"}.get(type(node.op))
            return UNKNOWN if sign is None else f"{self.value(node.left)}{sign}{self.value(node.right)}"
        if isinstance(node, ast.Call):
            name = self.dotted(node.func)
            if name.endswith("Path.home") or (name == "os.path.expanduser" and node.args):
                given = self.value(node.args[0]) if node.args else hidden("~")
                return given.replace(hidden("~"), self.home or UNKNOWN, 1)
            if name.rpartition(".")[2] in ("Path", "PurePath") or name in ("glob.glob", "glob.iglob", "os.path.join"):
                found = "/".join(self.value(one) for one in node.args) or "."
                return self.unhidden(found) if name.startswith("glob.") else found
            if name in ("os.getcwd", "pathlib.Path.cwd"):
                return "."
        return UNKNOWN

    def unhidden(self, text: str) -> str:
        from pytest_nextrust.shell.expand import literal

        return literal(text)

    def call(self, node: ast.Call) -> Acts:
        import ast

        name = self.dotted(node.func)
        values = [self.value(one) for one in node.args]
        if name in _REMOVE and values:
            yield (*_REMOVE[name].split(), *values[: 2 if _REMOVE[name] in ("mv", "cp", "ln") else 1])
        elif name in _RUN and values:
            yield self.unhidden(values[0])
        elif name in _RUN_LIST and node.args:
            first = node.args[0]
            if isinstance(first, (ast.List, ast.Tuple)):
                yield tuple(self.value(one) for one in first.elts)
            else:
                yield self.unhidden(values[0])
        elif name in ("open", "io.open") and values:
            mode = next((self.value(word.value) for word in node.keywords if word.arg == "mode"), "")
            if set("wxa+") & set(values[1] if len(values) > 1 else mode):
                yield ("tee", values[0])
        elif name in ("exec", "eval") and values and UNKNOWN not in values[0]:
            yield from _python(self.unhidden(values[0]), self.home)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            owner = self.value(node.func.value)
            if owner != UNKNOWN:
                what = _METHODS[node.func.attr]
                yield (what, *["0"] * (what == "chmod"), owner, *values[: what == "mv"])
