"""What is held about one person: to give it to them, and to take it away (docs/personal-data.md).

`sections` says what that is, table by table; an export and the report of an erasure both read it.
"""
