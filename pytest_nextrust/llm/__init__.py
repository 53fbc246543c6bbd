"""Asking models outside: escalation of an error to a design model, review of a finished phase.

A request is written to disk before anything is sent, and leaves the disk only when its answer is on record: queue,
answer file, decision, status log, in this order. See docs/escalation.md and docs/review.md.

Boundary: the face of ``asking``; a handler that sends no request must not import it.
"""

from pytest_nextrust.llm.asking import request_design

__all__ = ["request_design"]
