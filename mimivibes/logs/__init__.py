"""What is logged, and how: one line for each record, which tells what went wrong, not whose data.

`discretion` says what no line may tell, `formatters` how a line looks, `requests` what request it
belongs to.
"""
