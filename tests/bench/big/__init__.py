"""The admin on large data: a million people, who invited them, and four million ledger entries."""
