"""What redactors find: formats tried, leaked, and false alarms, over the samples that the tests use.

``python -m tests.bench.secrets [--against PYTHON] [--earlier FILE]`` prints the table of docs/security.md. PYTHON is an
interpreter that has detect-secrets, in a folder of its own; FILE an earlier module with a ``Redactor``. Both are read
through the same samples: one secret in one text, found where none of its pieces is left, or where detect-secrets names
its line. Nothing is installed and nothing is fetched.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_nextrust.base.redaction import Redactor
from tests.unit.base.harmless import HARMLESS
from tests.unit.base.secret_samples import ASSIGNED, BROKEN, ENVIRONMENT, PLACES, TOKENS, VALUE, made, sample

__all__ = ["counted", "kinds"]

Case = tuple[str, list[str]]
"""A text, and the pieces of which none may be left."""

SCANNER = """
import json, os, sys, tempfile
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings
found = []
with tempfile.TemporaryDirectory() as folder, default_settings():
    for number, text in enumerate(json.load(sys.stdin)):
        name = os.path.join(folder, f"{number}.txt")
        with open(name, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        found.append(any(list(scan_file(name))))
json.dump(found, sys.stdout)
"""


def kinds() -> dict[str, list[Case]]:
    """The samples by kind."""
    tokens, named = [], []
    for name, form in TOKENS.items():
        token = sample(name)
        token = base64.b64encode(token.encode()).decode() if form.startswith("base64:") else token
        tokens.append((f"the build printed {token} and went on", [token[:16], token[-16:]]))
    for name, form in ASSIGNED.items():
        value = made(VALUE, name)
        text = made(form.replace("{{", "{").replace("}}", "}").replace("{}", value), name)
        named.append((text, [value] if value in text else re.findall(r"[0-9a-z-]{30,}", text)))
    known = [PLACES.get(name, value) for name, value in ENVIRONMENT.items()]
    return {
        "tokens of services": tokens,
        "values of telling names and places": named,
        "values of variables": [(f"the build printed {value}", [value]) for value in known],
        "broken over lines": list(BROKEN.values()),
    }


def harmless() -> list[str]:
    return [text for texts in HARMLESS.values() for text in texts]


def counted(redacted: Callable[[str], str]) -> tuple[dict[str, int], int]:
    """How many of each kind leak, and how many harmless texts are changed."""
    leaked = {
        kind: sum(any(piece in redacted(text) for piece in pieces) for text, pieces in cases)
        for kind, cases in kinds().items()
    }
    return leaked, sum(redacted(text) != text for text in harmless())


def scanned(python: str) -> tuple[dict[str, int], int]:
    """The same of detect-secrets: a text in which no line is reported leaks."""

    def reported(texts: list[str]) -> list[bool]:
        done = subprocess.run(
            [python, "-c", SCANNER], input=json.dumps(texts), check=True, capture_output=True, text=True
        )
        found: list[bool] = json.loads(done.stdout)
        return found

    leaked = {kind: reported([text for text, _ in cases]).count(False) for kind, cases in kinds().items()}
    return leaked, reported(harmless()).count(True)


def _earlier(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("earlier_redaction", file)
    assert spec is not None, f"{file}: not a module"
    assert spec.loader is not None, f"{file}: not a module"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Redactor


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.secrets", description=__doc__)
    parser.add_argument("--against", metavar="PYTHON", help="an interpreter that has detect-secrets")
    parser.add_argument("--earlier", metavar="FILE", type=Path, help="an earlier redaction.py")
    args = parser.parse_args(argv)
    columns: Mapping[str, tuple[dict[str, int], int]] = {
        **({"before": counted(_earlier(args.earlier)(ENVIRONMENT).text)} if args.earlier else {}),
        "now": counted(Redactor(ENVIRONMENT).text),
        **({"detect-secrets": scanned(args.against)} if args.against else {}),
    }
    print(f"| kind | tried | {' | '.join(f'leaked, {name}' for name in columns)} |")
    print(f"|---|---|{'---|' * len(columns)}")
    for kind, cases in kinds().items():
        print(f"| {kind} | {len(cases)} | {' | '.join(str(leaked[kind]) for leaked, _ in columns.values())} |")
    total = sum(map(len, kinds().values()))
    print(f"| **all** | **{total}** | {' | '.join(f'**{sum(leaked.values())}**' for leaked, _ in columns.values())} |")
    print(f"| false alarms | {len(harmless())} texts | {' | '.join(str(alarms) for _, alarms in columns.values())} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
