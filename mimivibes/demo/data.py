"""A believable program to look at: people, attributions in every state, a ledger, an inbox.

All of it goes through the services, at times of the past weeks, so that it is what real use would
have left. Nobody in it exists: ids begin with `user_demo_`, addresses end in example.com.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from accounts.clerk.profiles import ClerkProfile
from accounts.clerk.tokens import TokenProfile
from accounts.development import clerk_id_of
from accounts.models import User
from accounts.services import apply_clerk_profile, provision_user, receive_webhook
from accounts.services.webhooks import WebhookWorkFailed
from accounts.signals import user_provisioned
from referrals.browser_session import BrowserToken
from referrals.models import Attribution
from referrals.services import corrections
from referrals.services.attributions import reverse_attribution
from referrals.services.captures import capture_code, meet_browser
from referrals.services.claims import NotNewAccount, claim_referral
from referrals.services.codes import choose_referral_code
from referrals.services.events import NewEvent, record_event
from rewards import services as rewards
from rewards.amounts import Amounts

STAFF = "aree"
STAFF_ACTOR = f"staff:{STAFF}"


class Guest(NamedTuple):
    """Somebody who was invited: by whom, how many days ago, and how much they have read since."""

    slug: str
    first_name: str
    inviter: str
    days_ago: float
    readings: int = 0
    last_name: str = "Demo"
    source: str = ""


INVITERS = {"nok": ("Nok", 45), "aroon": ("Aroon", 41), "beam": ("Beam", 38)}
VANITY_CODES = {"nok": "NOKMIMI", "aroon": "AROON"}
GUESTS = (
    Guest("malai", "มาลัย", "nok", 30, readings=3, last_name="ตัวอย่าง", source="line"),
    Guest("grace", "Grace", "nok", 26, readings=12, source="instagram"),
    Guest("thana", "ธนา", "nok", 20, readings=1, last_name="ตัวอย่าง", source="line"),
    Guest("oliver", "Oliver", "aroon", 18, readings=2, source="facebook"),
    Guest("suda", "สุดา", "malai", 16, readings=1, last_name="ตัวอย่าง", source="line"),
    Guest("hana", "Hana", "nok", 6),
    Guest("lek", "เล็ก", "aroon", 3, last_name="ตัวอย่าง", source="line"),
    Guest("emma", "Emma", "grace", 1),
)


NAMES = ("Anong", "Boon", "Chai", "Dao", "Fah", "Gift", "Mint", "Pim", "Ton", "Yui")
CROWD = tuple(
    Guest(
        f"guest{number}",
        NAMES[number % len(NAMES)],
        ("nok", "aroon", "nok", "grace", "malai", "nok", "oliver")[number % 7],
        # More of them as time goes by, and at all hours.
        days_ago=14.7 - number * 0.47 + (number % 3) * 0.9,
        readings=(1, 0, 2, 1, 0)[number % 5],
        source=("line", "instagram", "facebook")[number % 3],
    )
    for number in range(28)
)
"""Those whose story is like others': enough of them that the dashboard's plot tells something."""


def load(now: datetime) -> bool:
    """Load the demo data, all or nothing; return False if it was there already."""
    if User.objects.filter(clerk_id=_clerk_id("aroon")).exists():
        return False
    with transaction.atomic():
        Loader(now).run()
    return True


def _clerk_id(slug: str) -> str:
    # Nok is the Nok of the demo page, who signs in by the development issuer.
    return clerk_id_of("Nok") if slug == "nok" else f"user_demo_{slug}"


class Loader:
    """The story, told once, from 45 days ago until now."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.people: dict[str, User] = {}
        self.codes: dict[str, str] = {}

    def run(self) -> None:
        for slug, (name, days) in INVITERS.items():
            self._arrive(slug, name, at=self._ago(days))
        for guest in (*GUESTS, *CROWD):
            self._invited(guest)
        self._an_inviter_is_banned_before_the_reading()
        self._somebody_uses_the_inviters_phone()
        self._clerk_has_not_told_the_age_yet()
        self._somebody_invites_a_second_mailbox()
        self._staff_undo_a_reward()
        self._an_old_account_is_refused()
        self._somebody_erases_their_account()
        self._visitors_have_opened_links()
        self._balances_are_used()
        self._clerk_sends_webhooks()

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def _arrive(self, slug: str, first_name: str, *, at: datetime, **known: Any) -> User:
        profile = ClerkProfile(
            **{
                "clerk_id": _clerk_id(slug),
                "updated_at": at,
                "account_created_at": at,
                "email": f"{slug}@example.com",
                "email_verified": True,
                "first_name": first_name,
                "last_name": "Demo",
                "image_url": "",
                "banned": False,
                **known,
            }
        )
        apply_clerk_profile(profile=profile, now=at)
        user = self.people[slug] = User.objects.get(clerk_id=profile.clerk_id)
        if slug in VANITY_CODES:
            choose_referral_code(owner=user, code=VANITY_CODES[slug])
        self.codes[slug] = user.referral_codes.get(is_primary=True).code
        return user

    def _invited(self, guest: Guest) -> Attribution:
        at = self._ago(guest.days_ago)
        utm = {"source": guest.source, "campaign": "songkran"} if guest.source else {}
        opened = self._open(guest.inviter, at=at - timedelta(minutes=9), utm=utm)
        user = self._arrive(
            guest.slug,
            guest.first_name,
            at=at - timedelta(minutes=6),
            last_name=guest.last_name,
        )
        return self._sign_in_claim_and_read(guest, user, opened, at)

    def _sign_in_claim_and_read(
        self, guest: Guest, user: User, browser: BrowserToken | None, at: datetime
    ) -> Attribution:
        meet_browser(user=user, browser=browser, now=at - timedelta(minutes=5))
        _claim(user, address=f"demo:{guest.slug}", now=at)
        for number in range(guest.readings):
            self._read(guest.slug, at=at + timedelta(hours=7 + 17 * number))
        return Attribution.objects.get(referee=user)

    def _open(
        self, inviter: str, *, at: datetime, utm: dict[str, str] | None = None
    ) -> BrowserToken | None:
        return capture_code(
            code=self.codes[inviter],
            user=None,
            browser=None,
            landing_url=f"{settings.APP_URL}/",
            utm=utm,
            now=at,
        ).browser

    def _read(self, slug: str, *, at: datetime) -> None:
        event = NewEvent(
            event_id=f"demo-{slug}-{at.timestamp():.0f}",
            type="reading.completed",
            clerk_id=_clerk_id(slug),
            occurred_at=at,
            data={"spread": "three cards"},
        )
        record_event(event=event, source="demo", now=at)

    def _an_inviter_is_banned_before_the_reading(self) -> None:
        """Qualified, and not paid: nobody rewards a banned inviter."""
        self._invited(Guest("sunny", "Sunny", "beam", 12))
        self._arrive(
            "beam", "Beam", at=self._ago(10), account_created_at=self._ago(38), banned=True
        )
        self._read("sunny", at=self._ago(9))

    def _somebody_uses_the_inviters_phone(self) -> None:
        """Held until staff decide: referrer and referee have used one device."""
        at = self._ago(2)
        phone = meet_browser(user=self.people["aroon"], browser=None, now=at)
        opened = capture_code(code=self.codes["aroon"], user=None, browser=phone, now=at)
        guest = Guest("ken", "Ken", "aroon", 2)
        user = self._arrive(guest.slug, guest.first_name, at=at)
        self._sign_in_claim_and_read(guest, user, opened.browser, at + timedelta(minutes=8))

    def _clerk_has_not_told_the_age_yet(self) -> None:
        """Held until the webhook comes; the first request was served at once."""
        at = self._ago(0.2)
        guest = Guest("nid", "นิด", "malai", 0.2)
        user = provision_user(
            clerk_id=_clerk_id("nid"), now=at, profile=TokenProfile(first_name="นิด")
        )
        opened = self._open(guest.inviter, at=at - timedelta(minutes=9))
        self._sign_in_claim_and_read(guest, user, opened, at)

    def _somebody_invites_a_second_mailbox(self) -> None:
        """Held for one mailbox, and rejected."""
        at = self._ago(15)
        opened = self._open("aroon", at=at)
        user = self._arrive("max", "Max", at=at, email="aroon+max@example.com")
        guest = Guest("max", "Max", "aroon", 15)
        attribution = self._sign_in_claim_and_read(guest, user, opened, at + timedelta(minutes=8))
        corrections.reject(
            attribution=attribution,
            actor=STAFF_ACTOR,
            reason="Both addresses lead to one mailbox.",
            now=self._ago(14),
        )

    def _staff_undo_a_reward(self) -> None:
        attribution = self._invited(Guest("rose", "Rose", "nok", 11, readings=1))
        reverse_attribution(
            attribution=attribution,
            actor=STAFF_ACTOR,
            reason="A second account of somebody known; settled with her by e-mail.",
            now=self._ago(8),
        )

    def _an_old_account_is_refused(self) -> None:
        tom = self._arrive("tom", "Tom", at=self._ago(33))
        try:
            _claim(tom, code=self.codes["nok"], address="demo:tom", now=self._ago(5))
        except NotNewAccount:
            return  # which leaves the decision that staff can read

    def _somebody_erases_their_account(self) -> None:
        self._invited(Guest("leaver", "Leaver", "aroon", 22, readings=1))

    def _visitors_have_opened_links(self) -> None:
        utm = {"source": "line", "medium": "chat", "campaign": "songkran"}
        for hours in (3, 9, 30, 50):
            self._open("nok", at=self.now - timedelta(hours=hours), utm=utm)
        for number in range(60):
            at = self._ago(28.5 - 0.47 * number)
            self._open(("nok", "aroon", "grace")[number % 3], at=at, utm=utm)
        self._open("grace", at=self._ago(33))  # expired by now
        capture_code(
            code=self.codes["oliver"],
            user=self.people["tom"],
            browser=None,
            landing_url=f"{settings.APP_URL}/",
            now=self._ago(1),
        )

    def _balances_are_used(self) -> None:
        rewards.grant(
            user_id=self.people["grace"].pk,
            amounts=Amounts(free_points=5),
            kind="grant",
            key="demo:grant:grace",
            memo="Thank you for your patience during the outage",
            actor=STAFF_ACTOR,
            now=self._ago(13),
        )
        rewards.spend(
            user_id=self.people["grace"].pk,
            amount=4,
            order=["free_points", "stars"],
            reason="A reading with three cards",
            key="demo:spend:grace",
            actor="demo",
            now=self._ago(12),
        )
        rewards.exchange(
            user_id=self.people["nok"].pk,
            from_="coins",
            to="stars",
            units=2,
            key="demo:exchange:nok",
            actor=f"user:{self.people['nok'].pk}",
            now=self._ago(4),
        )

    def _clerk_sends_webhooks(self) -> None:
        for slug in ("hana", "emma"):
            person = self.people[slug]
            self._webhook("user.updated", self._user_object(person))
        self._webhook("session.created", {"id": "sess_demo", "user_id": _clerk_id("emma")})
        self._webhook("user.deleted", {"id": _clerk_id("leaver"), "deleted": True})
        with _an_outage():
            latecomer = User(
                clerk_id=_clerk_id("latecomer"),
                first_name="Latecomer",
                email="latecomer@example.com",
                account_created_at=self.now,
            )
            self._webhook("user.created", self._user_object(latecomer))

    def _user_object(self, person: User) -> dict[str, Any]:
        created_at = person.account_created_at or self.now
        verified = {"status": "verified"}
        return {
            "id": person.clerk_id,
            "first_name": person.first_name,
            "last_name": "Demo",
            "primary_email_address_id": "idn_demo",
            "email_addresses": [
                {"id": "idn_demo", "email_address": person.email, "verification": verified}
            ],
            "created_at": int(created_at.timestamp() * 1000),
            "updated_at": int(self.now.timestamp() * 1000),
        }

    def _webhook(self, kind: str, data: dict[str, Any]) -> None:
        """Deliver as Clerk does, signed with the first of our secrets."""
        from svix.webhooks import Webhook  # slow to import, and not needed for what is loaded

        svix_id = f"msg_demo_{kind}_{data['id']}"
        body = json.dumps({"type": kind, "object": "event", "data": data})
        signature = Webhook(settings.CLERK_WEBHOOK_SECRETS[0]).sign(svix_id, self.now, body)
        headers = {
            "svix-id": svix_id,
            "svix-timestamp": str(int(self.now.timestamp())),
            "svix-signature": signature,
        }
        try:
            receive_webhook(body=body.encode(), headers=headers, now=self.now)
        except WebhookWorkFailed:
            return  # the receipt stays, to be shown and replayed


@contextmanager
def _an_outage() -> Iterator[None]:
    """Let the work of a delivery fail, as if something that it needs were down."""

    def fail(**kwargs: Any) -> None:
        raise TimeoutError

    logger = logging.getLogger("accounts.services.webhooks")
    was_disabled, logger.disabled = logger.disabled, True
    user_provisioned.connect(fail)
    try:
        yield
    finally:
        user_provisioned.disconnect(fail)
        logger.disabled = was_disabled


def _claim(user: User, *, code: str | None = None, address: str, now: datetime) -> None:
    actor = f"user:{user.clerk_id}"
    claim_referral(user=user, actor=actor, code=code, address=address, now=now)
