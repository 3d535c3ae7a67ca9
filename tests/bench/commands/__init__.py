"""Commands on a million attributions: killed in the middle, twice at once, and to the end."""
