"""Shrinking: what is left is indented, and says the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_nextrust.compilers.shrink import tidied

LEFT = """static int f(int n) {
   \treturn n + 1;
   }

     int main(void) {
    \tfor (;
  n;
  n--) {
 \t\tf(n);
   }
   }
"""


def test_lines_are_indented_by_their_braces() -> None:
    """Four spaces for each brace that is open, a closing one with its line."""
    assert tidied(LEFT) == (
        "static int f(int n) {\n    return n + 1;\n}\nint main(void) {\n    for (;\n    n;\n    n--) {\n"
        "        f(n);\n    }\n}\n"
    )


@given(st.text(alphabet="{} \n\tab;"))
def test_only_space_changes(text: str) -> None:
    """Whatever the text, its words are the same, and tidying again changes nothing."""
    once = tidied(text)
    assert once.split() == text.split()
    assert tidied(once) == once
