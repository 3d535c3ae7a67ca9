"""How maintenance runs: one at a time, in small batches, on the record."""
