"""The control plane of the pipeline: what decides whether something runs, and what is measured of it.

``guards`` keep an event from being handled twice and a failing commit from being run for ever; ``metrics`` count and
time. Importing this package loads nothing: a hook's decision pays only for the module it asks for.
"""
