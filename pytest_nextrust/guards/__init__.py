"""Guards: once per event, a limit of failures per commit, counts of failures per command, and recorded overrides.

``database`` is the store they share, ``idempotency`` claims events (``process`` tells whether a claimant lives),
``backoff`` counts a commit's failures, ``failures`` counts those of commands (``commands`` normalises command lines),
``override`` records who passed a guard and why.

Boundary: the standard library and ``errors``; the journal is loaded only where a record is written. Importing this
package loads none of its modules.
"""
