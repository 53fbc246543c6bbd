"""Auto-fixes: previewed first, tried in a scratch clone, kept only where the command that failed passes there.

``project`` says what git knows of a project's files and which of them may be run, ``scratch`` makes the clone,
``kinds`` does what an issue's ``auto_fix`` says, ``landing`` brings the changes over whole or not at all, ``run`` is
the order of these. Nothing is ever taken from a comment, a log or a prompt: a fix is an entry of the table of known
issues, and what it runs is a file that git tracks.

Boundary: which issue a failure is, ``failures.issues`` has judged before. Importing this package loads none of it.
"""
