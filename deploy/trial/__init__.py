"""A trial of scaling out: the whole arrangement of several machines, on this one, on loopback.

`python -m deploy.trial` starts a PostgreSQL cluster of three nodes, proxies, poolers and three
groups of app processes, uses them as people and back ends do, kills the primary and an app group
under load, heals, and proves that nothing was lost and nothing done twice. `docs/scaling.md` says
what it shows and what it needs.
"""
