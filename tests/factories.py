"""Rows for tests that begin in the middle of the story; what people do goes over the API."""

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import User
from mimivibes.legacy.models import LegacyTransaction, Matter
from mimivibes.models import UnusedTableBackup
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Program,
    ProgramTerms,
    ReferralCode,
    Status,
    TimelineEntry,
)


def default_program() -> Program:
    return Program.objects.get(is_default=True)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    class Params:
        deleted = factory.Trait(
            deleted_at=factory.LazyFunction(timezone.now), first_name="", account_created_at=None
        )
        banned = factory.Trait(banned_at=factory.LazyFunction(timezone.now))

    clerk_id = factory.Sequence(lambda n: f"user_extra{n}")
    first_name = "Extra"
    created_at = factory.LazyFunction(timezone.now)
    account_created_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=2))


class LegacyTransactionFactory(DjangoModelFactory[LegacyTransaction]):
    class Meta:
        model = LegacyTransaction

    origin = "PointTransaction"
    legacy_id = factory.Sequence(lambda n: f"tx{n}")
    user = factory.SubFactory(UserFactory)
    legacy_user_id = factory.LazyAttribute(lambda row: row.user.clerk_id)
    event_type = "READING"
    at = factory.LazyFunction(timezone.now)
    stars = -1
    free_points = 0
    coins = 0
    exp = 5
    details = factory.LazyFunction(lambda: {"metadata": {"question": "Will I?"}})


class MatterFactory(DjangoModelFactory[Matter]):
    class Meta:
        model = Matter

    kind = "payment_unproven"
    subject = factory.Sequence(lambda n: f"code{n}")
    user = factory.SubFactory(UserFactory)
    found_at = factory.LazyFunction(timezone.now)


class ReferralCodeFactory(DjangoModelFactory[ReferralCode]):
    class Meta:
        model = ReferralCode

    program = factory.LazyFunction(default_program)
    owner = factory.SubFactory(UserFactory)
    code = factory.Sequence(lambda n: f"EXTRA{n}")


class TermsFactory(DjangoModelFactory[ProgramTerms]):
    """The next version of the default program's terms; what is not named is as in the first."""

    class Meta:
        model = ProgramTerms

    program = factory.LazyFunction(default_program)
    version = factory.LazyAttribute(
        lambda terms: terms.program.terms.order_by("-version").first().version + 1
    )
    effective_from = factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1))
    referee_stars = 1
    referrer_coins = 50


class BrowserSessionFactory(DjangoModelFactory[BrowserSession]):
    class Meta:
        model = BrowserSession

    id = factory.Faker("uuid4", cast_to=None)
    device_id = factory.Faker("uuid4", cast_to=None)


class CaptureFactory(DjangoModelFactory[Capture]):
    class Meta:
        model = Capture

    code = factory.SubFactory(ReferralCodeFactory)
    user = factory.SubFactory(UserFactory)
    first_opened_at = factory.LazyFunction(timezone.now)
    opened_at = factory.SelfAttribute("first_opened_at")
    expires_at = factory.LazyAttribute(lambda capture: capture.opened_at + timedelta(days=30))


class AttributionFactory(DjangoModelFactory[Attribution]):
    """A held attribution by the terms in force: live, and nobody is to be paid for it yet."""

    class Meta:
        model = Attribution
        skip_postgeneration_save = True

    code = factory.SubFactory(ReferralCodeFactory)
    referrer = factory.SelfAttribute("code.owner")
    referee = factory.SubFactory(UserFactory)
    terms = factory.LazyFunction(lambda: default_program().terms.latest("version"))
    status = Status.HELD
    awaits_review = True
    claimed_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def timeline(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        TimelineEntry.objects.create(
            attribution=self,
            at=self.claimed_at,
            to_status=self.status,
            actor="test",
            reason="Made for a test.",
        )


class UnusedTableBackupFactory(DjangoModelFactory[UnusedTableBackup]):
    """A backup that is on record, but not on the disk."""

    class Meta:
        model = UnusedTableBackup

    schema = "public"
    name = "referral_codes"
    oid = factory.Sequence(lambda n: 20_000 + n)
    folder = "/srv/backups/public-referral_codes"
    checksum = "0" * 64
    size = 2_048
    rows = 2
    content_hash = "0" * 32
    server_version = "18.1"
    runner = "x"
    verified_at = factory.LazyFunction(timezone.now)
