"""Metrics: counters, timers and gauges of runs and hooks, to StatsD, a Prometheus text file, and GitHub notices.

``names`` is the one table of metrics; every other spelling is derived from it. ``emitter`` takes measurements and hands
them to the sinks ``statsd``, ``prometheus`` and ``notices``; ``sinks`` opens those that are set up; ``runs`` measures a
run of phases, ``calls`` a call of an outside service. A sink that fails (a dead host, a full disk) is reported and
fails no run.
"""
