"""``nextrust status append``: add one entry; success is said only when it is on the device."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from pytest_nextrust.commands.status.common import answer, project_redactor
from pytest_nextrust.errors import UsageFault

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "add one entry; exit status 0 only when it is durable"
DESCRIPTION = "Add one entry. Exit status 0: it is on the device. Any other: it was not acknowledged."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``TYPE`` and ``JSON``."""
    parser.add_argument("type", metavar="TYPE", help="what kind of entry: letters, digits, _ . and -")
    parser.add_argument("details", metavar="JSON", help="its details, a JSON object; - reads it from stdin")


def run(args: argparse.Namespace) -> int:
    """Append; 0. Raises StatusError, ConfigError for faulty details or settings, UsageFault for no JSON."""
    from pytest_nextrust.status import Journal, check_details

    details = _details(args.details)
    check_details(args.type, details)
    record = Journal(args.dir, redactor=project_redactor()).append(args.type, details)
    if args.json != "-":
        print(f"{record.seq} {record.time} {record.type}")
    answer(args, record={"seq": record.seq, "timestamp": record.time, "type": record.type, "run": record.run})
    return 0


def _details(text: str) -> dict[str, Any]:
    try:
        plain = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise UsageFault(
            "JSON", f"not JSON: {error}", remedy='give an object, for instance \'{"message": "LLVM built"}\''
        ) from error
    if not isinstance(plain, dict):
        raise UsageFault("JSON", "not an object", remedy='give an object, for instance \'{"message": "LLVM built"}\'')
    return plain
