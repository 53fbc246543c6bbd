"""What the past tells: which items are likely to fail for a change, and which commit broke what fails.

``past`` joins the journal's runs with what changed between their commits, ``likely`` learns from them, ``backtest``
measures how good that is. ``bisect`` finds the first bad commit in a scratch clone, ``proposal`` words its revert.

Boundary: reads the status log and git; pytest is not known. What is likely is used to order items, never to leave any
out.
"""
