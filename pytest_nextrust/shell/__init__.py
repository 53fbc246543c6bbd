"""What a shell command would do, without running it: ``parse`` reads it, ``expand`` and ``walk`` follow it."""
