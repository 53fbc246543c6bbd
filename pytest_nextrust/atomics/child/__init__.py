"""What checks routines in the sandbox's child process: conformance, and histories explored."""
