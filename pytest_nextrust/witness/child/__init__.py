"""The comparison itself, beside the emulator in the sandbox's child process."""
