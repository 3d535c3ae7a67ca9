from rewards.wording import signed as shown

__all__ = ["shown"]
