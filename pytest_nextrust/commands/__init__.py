"""The commands of ``nextrust``, one module each.

A command module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(args) -> exit status``. ``cli`` imports
only the module that is asked for, so a module may import what it needs inside ``run`` but nothing heavy above it.
"""
