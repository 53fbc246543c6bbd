"""Known issues: what a failure looks like, when it is taken for one that is known, and what is done about it.

``schema`` and ``table`` read the entries, ``patterns`` searches for regular expressions that nobody can be trusted with
(``worker`` is its child), ``match`` scores and orders, ``failure`` decides what a failed command leads to, ``output``
shortens what it printed, ``explain`` names the issue in a failing scenario's report.

Boundary: decides and describes; what changes files is ``failures.fixes``. Importing this package loads none of it.
"""
