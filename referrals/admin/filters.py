"""Filters of the lists of referrals."""

from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from referrals.models import Attribution, Program, ProgramTerms


class ProgramFilter(admin.SimpleListFilter):
    """Attributions made under any terms of a program.

    The terms are looked up first, with the times of their first and last attribution: a program
    that ended long ago is looked for in its own time, and not in all that came after it.
    """

    title = gettext_lazy("program")
    parameter_name = "program"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Program.objects.values_list("pk", "name")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Attribution]
    ) -> QuerySet[Attribution]:
        if not self.value():
            return queryset
        chosen = [int(pk) for pk, _ in self.lookup_choices if pk == self.value()]
        made = Attribution.objects.filter(terms=OuterRef("pk")).values("claimed_at")
        eras = (
            ProgramTerms.objects.filter(program__in=chosen)
            .annotate(first=Subquery(made.order_by("claimed_at", "id")[:1]))
            .annotate(last=Subquery(made.order_by("-claimed_at", "-id")[:1]))
            .exclude(first=None)
            .values_list("pk", F("first"), F("last"))
        )
        terms, firsts, lasts = zip(*eras, strict=True) if eras else ((), (), ())
        if not terms:
            return queryset.none()
        return queryset.filter(terms__in=terms, claimed_at__range=(min(firsts), max(lasts)))
