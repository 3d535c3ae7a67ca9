"""What runs regularly, and the runner that does it on any number of machines."""
