"""The expressions of workflows, as far as ours use them: contexts, literals, ``! && || == !=``, and a few functions.

Source: GitHub's documentation of expressions. What is not known here is an error, never taken for empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<op>&&|\|\||==|!=|[!(),])|(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*))")


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """The text with every expression in it replaced by what it comes to."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: shown(evaluate(found[1], contexts)), text, flags=re.DOTALL)


def shown(value: Any) -> str:
    if value is None:
        return ""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """What one expression comes to. Raises SyntaxError or KeyError for what is not known."""
    parser = _Parser(_tokens(text), contexts)
    value = parser.either()
    if parser.rest:
        raise SyntaxError(f"{parser.rest} left of {text!r}")
    return value


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise SyntaxError(f"cannot read {text[place:]!r}")
        found.append(match[0].strip())
        place = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], contexts: Mapping[str, Any]) -> None:
        self.rest = tokens
        self.contexts = contexts
        self.functions: Mapping[str, Callable[..., Any]] = {
            "fromJSON": json.loads,
            "toJSON": json.dumps,
            "contains": lambda where, what: what in where if isinstance(where, list) else what.lower() in where.lower(),
            "cancelled": lambda: False,
            "always": lambda: True,
        }

    def either(self) -> Any:
        value = self.both()
        while self._taken("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.equal()
        while self._taken("&&"):
            other = self.equal()
            value = value and other
        return value

    def equal(self) -> Any:
        value = self.single()
        if self._taken("=="):
            return value == self.single()
        return value != self.single() if self._taken("!=") else value

    def single(self) -> Any:
        if self._taken("!"):
            return not self.single()
        if self._taken("("):
            value = self.either()
            self._expect(")")
            return value
        token = self.rest.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._taken("("):
            arguments = []
            while not self._taken(")"):
                arguments.append(self.either())
                self._taken(",")
            return self.functions[token](*arguments)
        return self._looked_up(token)

    def _looked_up(self, name: str) -> Any:
        first, *rest = name.split(".")
        value: Any = self.contexts[first]
        for key in rest:
            # A property of an object that is not there is empty, of a context too.
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _taken(self, token: str) -> bool:
        if self.rest[:1] != [token]:
            return False
        del self.rest[0]
        return True

    def _expect(self, token: str) -> None:
        if not self._taken(token):
            raise SyntaxError(f"{token} expected before {self.rest}")
