"""The held queue: what waits, why, with which evidence; one or many decided as they were shown."""
