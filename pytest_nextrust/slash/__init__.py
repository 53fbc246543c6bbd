"""Slash commands: what may be asked of the pipeline in a line such as ``/ci-retry-job build``, by whom, and once.

``grammar`` reads text, ``table`` lists the commands, ``actions`` carries them out; none of these knows where the text
came from. ``event`` is the one that reads GitHub's comments, ``ledger`` remembers in the status log what was handled,
``service`` puts it together.
"""
