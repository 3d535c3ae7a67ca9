"""PostgreSQL from the outside: its tools, scratch databases, and what a table's content is."""
