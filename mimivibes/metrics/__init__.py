"""Prometheus metrics: what this process has counted, and what the database knows.

`processes` counts and times requests in each worker. `facts` counts what has been committed, by
whichever way, and `figures` says how things stand; both are read from the database when somebody
asks at `page`, so that every process of every machine tells the same.
"""
