import pytest

from tests.people import Browser, Person
from tests.statements import statements

pytestmark = pytest.mark.django_db


def test_a_friend_is_attributed_and_both_are_rewarded(noks_code: str, ploy: Person) -> None:
    browser = Browser()
    assert browser.open_link(noks_code).status_code == 201
    browser.sign_in(ploy)
    with statements() as sent:
        me = browser.me()
    print(me)
    with statements() as sent:
        answer = browser.claim()
    print(answer.status_code, answer.content)
    print(len(sent), *sent, sep="\n")
    assert answer.status_code == 201
