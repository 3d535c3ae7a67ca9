from rewards.amounts import Amounts


def shown(amounts: Amounts) -> str:
    """Write amounts for people, e.g. `+3 stars, -15 coins`."""
    parts = [f"{amount:+,} {name.replace('_', ' ')}" for name, amount in amounts if amount]
    return ", ".join(parts) or "nothing"
