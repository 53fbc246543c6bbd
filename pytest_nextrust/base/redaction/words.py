"""Finds secrets by their own look: words of the shapes in ``formats``, also broken over lines, cut off, or in Base64.

What is looked at is a run of at least 16 letters and digits, since no token has fewer. Work is linear in the text: a
shape is tried where a run begins, after an escape before it and after a hyphen in it, what was taken is not looked at
again, and what follows a line's end is looked at for at most ``_LONGEST`` characters.

Boundary: text in, places out. What stands where is replaced by ``redactor``.
"""

from __future__ import annotations

import binascii
import re
from functools import cache

from pytest_nextrust.base.redaction.formats import (
    CRYPT,
    FORMATS,
    PRIVATE_KEY_STARTS,
    SERVICES,
    USUAL,
    by_start,
    encoded_starts,
    is_own_word,
    rest,
    shape,
)
from pytest_nextrust.base.redaction.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int, str]

__all__ = ["BREAK", "around_signature", "is_random", "unwrapped", "words"]

_LONGEST = 8192
_LINES = 400
_JUDGED = 256
"""Characters by which a piece is judged."""
_CUT = 4
"""Characters after a prefix from which the beginning of a token is taken, where the text was cut off."""

BREAK = (
    r"\\{0,15}[\"']?[ \t]{0,8}(?:\\{0,2}\r{0,8}\n|\\{1,2}r\\{1,2}n|\\{1,2}n|=\r?\n)"
    r"[ \t]{0,80}(?:[>|#*+][ \t]{0,4}){0,2}\\{0,15}[\"']?"
)
"""The end of a line within a word: as it is, escaped, after a shell's backslash, between two strings, and with what
quoting puts before the next line."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=.~-"
_STRETCH = "[A-Za-z0-9_+/=.~-]{1,4096}"
_ELLIPSIS = r"(?:\.{3}|…)[A-Za-z0-9_+/=-]{0,512}"
_REST = r"[\"'…\])}\s]{0,8}(?:$|(?:and |[\[(])[0-9]{1,12} (?:more|bytes|characters|lines)|[\[<(](?:cut|truncated|snip))"
"""What says that a text ends here, or was cut."""
_RUN_LETTERS = _LETTERS.translate(str.maketrans("", "", "+/=.~"))
_PARTS = frozenset("\\%.~:/")
"""What may stand before a run and be part of the token, or end an escape."""
_LINE_START = frozenset(" \t\n\"'>|#*+\\")
_GIVES = frozenset("=:>\"'` ")
"""What stands before a value that a name is given."""
_PLAIN = frozenset(" /(,@{<:&!?")
"""What may stand before a run and says nothing of it."""
_NOT_PLAIN = frozenset(" \t\n\"'>|#*+=:")
"""What may stand before a blank and says something of the run after it: a line's beginning, a name that is given it."""
_LENGTHS = frozenset((35, 36, 37, 40, 84))
"""Lengths of the runs that ``_by_length`` knows."""
_TERRAFORM = ".atlasv1."
"""What stands after 14 characters of a token of Terraform's."""
_INSIDE = r"-(?=[a-z]{2,12}_|AKIA|ASIA|AIza|eyJ|sk-|xox[a-z]-[0-9]|gl[a-z]{2,5}-)"


@cache
def _prefixes() -> dict[str, tuple[str, ...]]:
    """By their first two characters, those of private keys too."""
    found: dict[str, list[str]] = {}
    for prefix in (*(row[1] for row in FORMATS), *(prefix for prefix, _ in PRIVATE_KEY_STARTS)):
        if len(prefix) > 1:
            found.setdefault(prefix[:2], []).append(prefix)
    return {start: tuple(prefixes) for start, prefixes in found.items()}


@cache
def _pieces_of_prefixes() -> frozenset[str]:
    """What of a prefix may stand at the end of a line."""
    return frozenset(prefix[:length] for _, prefix, _, _ in FORMATS for length in range(1, len(prefix) + 1))


def _may_begin(text: str, at: int) -> bool:
    prefixes = _prefixes().get(text[at : at + 2])
    return (prefixes is not None and text.startswith(prefixes, at)) or text[at : at + 4] in encoded_starts()


def words(text: str, *, decode: bool = True) -> Iterator[Span]:
    """Where in ``text`` tokens stand, and whose; also within what is Base64, unless told not to ``decode``."""
    prefixes, encoded, done = _prefixes(), encoded_starts(), 0
    has_dollars = "$" in text
    for run in compiled(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}").finditer(text):
        at, end = run.span()
        if end <= done:
            continue
        before = text[at - 1] if at else "\n"
        if (
            before in _PLAIN
            and text[at : at + 2] not in prefixes
            and text[at : at + 4] not in encoded
            and end - at not in _LENGTHS
            and not has_dollars
            and (before != " " or text[at - 2 : at - 1] not in _NOT_PLAIN)
            and (before != "/" or text[at - 2 : at - 1] not in ("1", "/"))
            and (text[end : end + 1] != "." or text[at] not in "MNO")
            and "-" not in run[0]
        ):
            continue  # of a run in an ordinary text this is all that is looked at
        starts = [at] if _may_begin(text, at) else []
        first = at
        if before in _PARTS or before in _LINE_START:
            first = _after_escape(text, at, before)
            starts += _other_starts(text, at, first, before)
        if starts or _is_likely(text, first, end, before):
            for span in _in_run(text, [*starts, at, first], end, decode):
                if span[0] >= done:
                    yield span
                    done = span[1]
        if done < end and before in _GIVES and (service := _service_of(text, at, run[0])):
            yield at, end, service
            done = end


def around_signature(text: str) -> Iterator[Span]:
    """Client secrets of Azure AD, which have ``Q~`` in them, and any other character beside it."""
    for match in compiled(r"(?<![A-Za-z0-9_~.])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}").finditer(text):
        yield match.start(), match.end(), "azure"  # gitleaks azure-ad-client-secret


def _is_likely(text: str, at: int, end: int, before: str) -> bool:
    """Whether something other than a prefix may give a run away: its length, what is inside it, or around it."""
    return (
        end - at in _LENGTHS
        or before in ("|", "~", "$")
        or (text[end : end + 1] == "." and text[at] in "MNO")
        or (before == "." and text.endswith(_TERRAFORM, 0, at))
        or (before in (".", "/") and "$" in text[max(0, at - 64) : at])
        or ("-" in text[at:end] and compiled(_INSIDE).search(text, at, end) is not None)
    )


def _in_run(text: str, starts: list[int], end: int, decode: bool) -> Iterator[Span]:
    """The tokens of a run that ends at ``end``; the last of ``starts`` is where it begins."""
    at = starts[-1]
    for start in dict.fromkeys(starts):
        span = (
            _token(text, start)
            or _private_key(text, start)
            or (_encoded(text, start) if decode else None)
            or (_by_length(text, start, end) if at <= start < end else None)
        )
        if span is not None:
            yield span
            if span[1] >= end:
                return
    is_jwt = text[end : end + 1] == "."
    for match in compiled(_INSIDE).finditer(text, at, end):
        start = match.end()
        if text.startswith("eyJ", start):
            # What comes after the run is the same for all of them: where one is none, the others are none.
            span = _token(text, start) if is_jwt else None
            is_jwt = False
        else:
            span = _token(text, start) if _may_begin(text, start) else None
        if span is not None:
            yield span
            if span[1] >= end:
                return


def _after_escape(text: str, at: int, before: str) -> int:
    """Where the run at ``at`` begins without the end of an escape: ``\\n``, ``\\u0041``, ``%20``."""
    if before == "\\":
        return at + {"x": 3, "u": 5}.get(text[at], 1)
    return at + 2 if before == "%" else at


def _other_starts(text: str, at: int, first: int, before: str) -> list[int]:
    """Where else a token of the run at ``at`` may begin: after an escape, before what parts it, a line before."""
    starts = [first] if first != at else _earlier(text, at) if before in _PARTS else []
    starts = [start for start in starts if _may_begin(text, start)]
    if before == "." and text.endswith(_TERRAFORM, 0, at):
        starts.append(max(0, at - len(_TERRAFORM) - 14))
    if before in _LINE_START and (start := _on_the_line_before(text, at)) is not None:
        starts.append(start)
    return starts


def _on_the_line_before(text: str, at: int) -> int | None:
    """Where a token begins that may have been broken here: in the word that the line before ends in."""
    end = text.rfind("\n", max(0, at - 90), at)
    after = end + 1
    if end < 0:
        end = text.rfind("\\n", max(0, at - 90), at + 1)
        after = end + 2
    if end < 0 or text[after:at].strip(" \t>|#*+\"'"):
        return None
    window = text[max(0, end - 200) : end].rstrip("\r\\\"' \t")
    first = len(window.rstrip(_RUN_LETTERS))
    word = window[first:]
    if word in _pieces_of_prefixes() or (len(word) > 1 and _may_begin(word, 0)):
        return max(0, end - 200) + first
    return None


def _earlier(text: str, at: int) -> list[int]:
    """Where what stands before a dot, a slash or the like begins: ``hvs.``, ``dp.pt.``, ``sha256~``, ``1//``."""
    window = text[max(0, at - 26) : at - 1]
    first = at - 1 - len(window) + len(window.rstrip(_RUN_LETTERS + "."))
    starts = [first, _after_escape(text, first, text[first - 1 : first]) if first < at - 1 else first]
    if text[at - 2 : at] == "1/":
        starts.append(at - 2)
    elif text[at - 3 : at] == "1//":
        starts.append(at - 3)
    return starts


def _token(text: str, at: int) -> Span | None:
    """The token that begins at ``at``, with what of it stands on the lines after."""
    rows = by_start().get(text[at : at + 2], ())
    stretch = compiled(_STRETCH).match(text, at)
    if stretch is None:
        return None
    for kind, prefix, pattern, _ in (*rows, *by_start()[""]):
        if text.startswith(prefix, at):
            match = rest(prefix, pattern).match(text, at + len(prefix))
            if match is not None:
                missing = USUAL.get(prefix, 0) - (match.end() - match.start())
                return at, _continued(text, match.end(), missing), kind
            if prefix and (span := _cut_off(text, at, prefix, stretch.end(), kind)) is not None:
                return span
    return _broken(text, at, stretch.end())


def _cut_off(text: str, at: int, prefix: str, end: int, kind: str) -> Span | None:
    """The beginning of a token at the end of a text that was cut, or before dots that stand for the rest."""
    first = at + len(prefix)
    if not (is_own_word(prefix) or prefix in ("AKIA", "ASIA", "AIza", "SG.")) or _is_words(text[first:end]):
        return None
    dots = compiled(_ELLIPSIS).search(text, at + len(prefix), end + 520)
    if dots is not None and dots.start() <= end:
        length = dots.start() - at
        return (at, dots.end(), kind) if length >= len(prefix) + _CUT else None
    is_end = end == len(text) or compiled(_REST).match(text, end) is not None
    return (at, end, kind) if is_end and end - at >= len(prefix) + _CUT else None


def _continued(text: str, end: int, missing: int) -> int:
    """Where a token ends that is whole, or seems so, at the end of a line: lines of nothing but its like go with it.

    ``missing``: how many characters less it has than others of its kind.
    """
    dots = compiled(_ELLIPSIS).match(text, end)
    if dots is not None:
        return dots.end()
    follows = compiled(rf"(?:{BREAK})([A-Za-z0-9_+/=.-]{{4,512}})(?=[\"',;)}}\]\\]|\s|$)")
    for _ in range(_LINES):
        match = follows.match(text, end)
        if match is None or not is_random(match[1]):
            return end
        after = text[match.end() : match.end() + 1]
        if after in (" ", "\t") and missing <= 0:
            return end
        end, missing = match.end(), missing - len(match[1])
    return end


def is_random(word: str) -> bool:
    """Whether a piece looks like one of a token: letters among digits in it, or letters of both cases without order."""
    word = word[:_JUDGED]
    digits = sum(map(str.isdigit, word))
    if 0 < digits < len(word) and any(map(str.isalpha, word)):
        return True
    return len(compiled("[a-z][A-Z]").findall(word)) > max(1, len(word) // 8)


def _is_words(piece: str) -> bool:
    """Whether a piece is a word of a language, or several as a name has them."""
    return compiled("[A-Z]?[a-z]*(?:[_.-]{1,3}[A-Z]?[a-z]*)*+").fullmatch(piece) is not None


def unwrapped(text: str, at: int) -> tuple[str, list[tuple[int, int]]]:
    """What stands at ``at`` without the ends of lines in it, and for each piece its place in that and in ``text``."""
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length, stretch, ends = 0, compiled(_STRETCH), compiled(BREAK)
    while length < _LONGEST and len(places) < _LINES:
        piece = stretch.match(text, at)
        if piece is None:
            break
        places.append((length, at))
        pieces.append(piece[0])
        length += len(piece[0])
        end = ends.match(text, piece.end())
        if end is None:
            break
        at = end.end()
    return "".join(pieces), places


def _place(places: list[tuple[int, int]], offset: int) -> int:
    """Where in the text the piece ends that holds the character before ``offset``."""
    at, place = next((at, place) for at, place in reversed(places) if at < offset or at == 0)
    return place + offset - at


def _broken(text: str, at: int, end: int) -> Span | None:
    """The token that begins at ``at`` and goes on after the end of a line."""
    piece = text[at:end]
    rows = by_start().get(piece[:2], ())
    if len(piece) > 1 and not any(piece.startswith(prefix[: len(piece)]) for _, prefix, _, _ in rows):
        return None
    if compiled(BREAK).match(text, end) is None:
        return None
    whole, places = unwrapped(text, at)
    if len(places) < 2:
        return None
    for kind, prefix, pattern, _ in by_start().get(whole[:2], ()):
        if not whole.startswith(prefix):
            continue
        match = rest(prefix, pattern).match(whole, len(prefix))
        if match is None or match.end() <= places[1][0]:
            continue
        length = match.end()
        ends = [start for start, _ in places[1:] if start < length] + [length]
        pieces = [whole[first:end] for first, end in zip([len(prefix), *ends], ends, strict=False)]
        if any(len(piece) >= 8 and _is_words(piece) for piece in pieces):
            continue
        for start, _ in places[1:]:
            # A token that is whole where a line ends does not go on in the next.
            if start >= length or (
                start > len(prefix)
                and shape(f"(?:{pattern})(?![A-Za-z0-9])").fullmatch(whole, len(prefix), start)
                and not is_random(whole[start:length])
            ):
                length = min(start, length)
                break
        return at, _place(places, length), kind
    return None


def _private_key(text: str, at: int) -> Span | None:
    """A private key without its first line: every line of Base64 goes, to one that is shorter or something else."""
    for prefix, pattern in PRIVATE_KEY_STARTS:
        if text.startswith(prefix, at) and rest(prefix, pattern + "{B}{8,}").match(text, at + len(prefix)):
            return at, base64_end(text, at), "private-key"
    return None


def base64_end(text: str, at: int) -> int:
    """Where the Base64 at ``at`` ends, which may go on over lines of one length and one that is shorter."""
    piece, ends = compiled("[A-Za-z0-9+/_-]+={0,3}"), compiled(BREAK)
    match = piece.match(text, at)
    if match is None:
        return at
    end, length = match.end(), len(match[0])
    if match[0].endswith("="):
        return end
    while 20 <= length <= 100 and (line := ends.match(text, end)) is not None:
        match = piece.match(text, line.end())
        if match is None or len(match[0]) > max(length, 80) or text[match.end() : match.end() + 1] in (" ", ":", "-"):
            break
        end = match.end()
        # A plus before it is a difference's mark, or a line's own first character.
        if len(match[0]) + (text[line.end() - 1] == "+") < length or match[0].endswith("="):
            break
    return end


def _encoded(text: str, at: int) -> Span | None:
    """Base64 that begins as a token's or a PEM file's would, if there is one in it."""
    if text[at : at + 4] not in encoded_starts():
        return None
    end = base64_end(text, at)
    data = re.sub(BREAK, "", text[at:end]).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        inside = binascii.a2b_base64(data[: len(data) // 4 * 4] + _padded(data[len(data) // 4 * 4 :]))
    except binascii.Error:
        return None
    decoded = inside.decode("latin-1")
    is_secret = "PRIVATE KEY-----" in decoded or next(words(decoded, decode=False), None) is not None
    return (at, end, "base64") if is_secret else None


def _padded(tail: str) -> str:
    return tail + "=" * (4 - len(tail)) if len(tail) > 1 else ""


def _by_length(text: str, at: int, end: int) -> Span | None:
    """Tokens that something in their middle or before them gives away."""
    run, before = text[at:end], text[at - 1] if at else ""
    if len(run) == 35 and before == ":":
        number = compiled(r"(?<![0-9])[0-9]{8,10}:$").search(text[max(0, at - 12) : at])
        if number is not None:  # Telegram: bot tokens; gitleaks telegram-bot-api-token
            return at - len(number[0]), end, "telegram"
    if 27 <= len(run) <= 40 and before == "|":
        number = compiled(r"(?<![0-9])[0-9]{15,16}\|$").search(text[max(0, at - 18) : at])
        if number is not None:  # gitleaks facebook-access-token
            return at - len(number[0]), end, "facebook"
    if len(run) == 84 and (run[76:80] == "AZDO" or run[52:58] == "JQQJ99"):
        return at, end, "azure"  # Microsoft Purview: Azure DevOps personal access token; Azure's annotated keys
    if run.endswith("_mmk") and len(run) == 40:
        return at, end, "maxmind"  # gitleaks maxmind-license-key
    if shape("{X}{32}-us[0-9]{1,2}").fullmatch(run):
        return at, end, "mailchimp"  # gitleaks mailchimp-api-key; detect-secrets mailchimp
    if before == "$" or "$" in text[max(0, at - 64) : at]:
        for match in compiled(CRYPT).finditer(text, max(0, at - 80), end + 128):
            if match.end() > at:
                return match.start(), match.end(), "password-hash"
    return None


def _service_of(text: str, at: int, value: str) -> str:
    """The service whose name is given the value at ``at``, where that has the shape of its tokens; else nothing."""
    given = text[max(0, at - 6) : at]
    if "=" not in given and ":" not in given:
        return ""
    match = compiled(
        r"([A-Za-z][A-Za-z0-9_.-]{2,60})[\"'`\]]{0,2}[ \t]{0,4}(?::{0,3}=>?|\?=|:)[ \t]{0,4}[\"'`]?$"
    ).search(text[max(0, at - 80) : at])
    if match is None or not any(map(str.isdigit, value)):
        return ""
    for word in compiled("[a-z]+").findall(match[1].lower()):
        if any(shape(pattern).fullmatch(value) for pattern in SERVICES.get(word, ())):
            return str(word)
    return ""
