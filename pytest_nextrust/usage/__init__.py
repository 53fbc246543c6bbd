"""What the assistant used: tokens and cost from its transcripts, the audit of prompts, budgets.

``transcripts`` finds and reads the files and keeps each message once, ``cost`` prices them, ``marks`` says in
which phase and at which commit they were sent, ``ccusage`` asks that program instead; ``audit`` describes a prompt,
``ledger`` remembers what has been read, ``budgets`` compares it with limits. Importing this package loads none of them.
"""
