"""Metrics: counters, timers and gauges of runs and hooks, to StatsD, a Prometheus text file, and GitHub notices.

``names`` is the one table of metrics; every other spelling is derived from it. ``emitter`` takes measurements and hands
them to the sinks ``statsd``, ``prometheus`` and ``notices``; ``sinks`` says which there are; ``runs`` measures a run of
phases. Whatever a sink meets (a dead host, a full disk) is told and costs no run.
"""
