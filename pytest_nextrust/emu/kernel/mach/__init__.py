"""Mach: the traps of ``trap #3``, ports, messages, and the kernel's answers to messages.

Boundary: one task with one thread; a message to the task, its thread or the host is served at once.
"""
