"""The status log: a journal that never loses an acknowledged entry, and what is drawn from it.

``journal`` writes and reads lines, ``records`` says what is in them, ``environment`` finds commit, run and host,
``archive`` reads the journal and what was moved away from it as one log, ``runs`` answers questions (what is missing,
what is the newest verdict), ``trend`` compares runs, ``projections`` draws ``pipeline-log.json`` and
``pipeline-log.md``. Everything drawn is a function of the log: it can be rebuilt at will.

Nothing is imported here: who appends one entry, as every hook does, pays for the journal and not for what reads it.
"""
