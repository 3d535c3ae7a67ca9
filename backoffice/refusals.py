"""How staff are told, in their language, that something cannot be done."""

from django.utils.translation import gettext


def refusal_told(error: Exception) -> str:
    """Return what a refusal says of this case, else what its kind says of every case.

    A kind says it in its attribute `sentence`, marked by `gettext_noop`; what is raised with words
    of its own has them translated already. Docstrings are for who reads the code.
    """
    return str(error) or gettext(getattr(error, "sentence", ""))
