"""The search over whole states, and what runs with it in the sandbox's child process."""
