from django.utils.translation import gettext as _

from rewards.amounts import Amounts
from rewards.services.effects import in_words


def shown(amounts: Amounts) -> str:
    """Write amounts for people, e.g. `+3 stars, -15 coins`."""
    return in_words(amounts, sign="+") or _("nothing")
