"""Guards: once per event, a limit of failures per commit, counts of failures per command, and recorded overrides.

``idempotency`` claims events (``holder`` says which process holds a claim, and whether it lives), ``backoff`` counts a
commit's failures and ``phase_run`` applies that to a run of phases, ``failures`` counts those of commands (``commands``
normalises command lines), ``override`` records who passed a guard and why. Their store is ``base.state_database``.

Boundary: the standard library, ``base`` and ``errors``; the journal is loaded only where a record is written. Importing
this package loads none of its modules.
"""
