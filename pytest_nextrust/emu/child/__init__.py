"""The machine's inside: what runs only in the sandbox's child process, with the emulator."""
