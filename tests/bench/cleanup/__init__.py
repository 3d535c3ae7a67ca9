"""Clean-up of millions of rows: how fast, with how long locks, and what others feel of it."""
