"""Single instructions executed in plain Python, exactly: those that the emulator gets wrong or lacks."""
