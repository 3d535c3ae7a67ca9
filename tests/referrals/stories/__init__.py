"""The story of an invitation: from every source, in order, in words that staff understand."""
