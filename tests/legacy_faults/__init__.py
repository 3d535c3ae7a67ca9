"""The faults of the system that this one replaces, by their numbers, each shown to be impossible.

Most have closer tests beside the code; these tell the story of the fault itself.
"""
