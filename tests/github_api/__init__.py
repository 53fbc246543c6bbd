"""A stand-in of GitHub's REST API on loopback: GitHub's own description says what it takes and what it answers.

``description`` fetches and reads the description, ``server`` serves it, ``resources`` holds the records, ``faults`` are
what goes wrong on request. ``with standing_in() as github`` is the way in.
"""

from tests.github_api.faults import Fault
from tests.github_api.server import StandIn, standing_in

__all__ = ["Fault", "StandIn", "standing_in"]
