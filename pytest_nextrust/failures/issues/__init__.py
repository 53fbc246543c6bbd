"""Known issues: how a failure is recognised as one of them, and what a failed command leads to.

``table`` reads the entries, ``patterns`` searches for regular expressions within a time limit (by ``re2_engine``, else
in the child process ``worker``), ``match`` scores and orders, ``failure`` decides what a failed command leads to,
``answering`` answers the hook, ``counting`` counts failures in a row, ``output`` summarises what the command printed.

Boundary: decides and describes; what changes files is ``failures.fixes``. Importing this package loads none of it.
"""
