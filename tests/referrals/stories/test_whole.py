"""A story as a whole: its order, its cost, what it leaves out, and whose it is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from referrals.models import UserDevice
from referrals.services.attributions import reverse_attribution
from referrals.services.story import story_of
from referrals.services.story.sources import MOST
from tests.factories import AttributionFactory, BrowserSessionFactory, CaptureFactory, UserFactory
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.stories.told import story, summary, texts
from tests.referrals.story import attribution_of, invited, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


class TestOrder:
    def test_the_whole_way_is_told_from_the_first_link_to_the_last_coin(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        browser = Browser()
        browser.open_link(noks_code)
        browser.sign_in(ploy).claim()
        back_end.report(ploy)

        assert [text.replace(noks_code, "CODE") for text in texts(ploy)] == [
            "Ploy’s account was made.",
            "Opened CODE of Nok (user_nok), before signing in.",
            "Ploy was seen here for the first time.",
            "Ploy signed in: what this browser had opened, CODE, is theirs.",
            "Ploy claimed CODE of Nok (user_nok). Accepted: both are owed their rewards.",
            "Ploy was given 1 star.",
            "Ploy has done “reading.completed”, number 1.",
            "Qualified: Ploy has done what the terms ask; Nok is paid.",
            "Nok was given 50 coins.",
        ]

    def test_a_longer_story_costs_no_more(
        self, noks_code: str, ploy: Person, back_end: BackEnd
    ) -> None:
        browser = Browser()
        browser.open_link(noks_code)
        browser.sign_in(ploy).claim()
        browser.sign_out().open_link(noks_code)
        back_end.report(ploy)

        def cost() -> int:
            user = user_of(ploy)
            with statements() as sent:
                story_of(user=user, now=timezone.now())
            return len(sent)

        short = cost()
        for _ in range(5):
            back_end.report(ploy)
            Browser().sign_in(ploy).claim("NOSUCHCODE")
            CaptureFactory(user=user_of(ploy))
        device = UserDevice.objects.filter(user=user_of(ploy)).earliest("id")
        others = BrowserSessionFactory.create_batch(3, device_id=device.device_id)
        for session in others:
            CaptureFactory(user=None, browser_session=session)

        assert cost() == short

    def test_a_very_long_story_is_cut_and_says_so(self, noks_code: str, ploy: Person) -> None:
        invited(ploy, noks_code)
        CaptureFactory.create_batch(MOST + 3, user=user_of(ploy))

        told = story(ploy)

        opened = [m for m in told.moments if m.text.startswith("Opened")]
        assert len(opened) == MOST
        assert told.left_out == [
            "Of very many opened invitations only 50 are told here: the newest."
        ]


def test_each_of_two_attributions_has_a_summary_of_its_own(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)
    first = attribution_of(ploy)
    reverse_attribution(
        attribution=first, actor="staff:aree", reason="A mistake", now=timezone.now()
    )
    somchai = UserFactory(first_name="Somchai")
    second = AttributionFactory(referee=user_of(ploy), code__owner=somchai)

    assert "Somchai" in summary(ploy)
    assert "A mistake" in story(ploy, about=first).summary
    assert story(ploy, about=first).attribution == first
    assert story(ploy).attribution == second


def test_the_story_of_an_attribution_is_told_though_many_came_after(ploy: Person) -> None:
    user = UserFactory()
    old = timezone.now() - timedelta(days=400)
    first = AttributionFactory(referee=user, status="rejected", claimed_at=old)
    for _ in range(22):
        AttributionFactory(referee=user, status="rejected")

    told = story_of(user=user, now=timezone.now(), about=first)

    assert told.attribution == first
    assert first in [row for moment in told.moments for _, row in moment.links]
