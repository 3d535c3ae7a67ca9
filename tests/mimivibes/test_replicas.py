"""Which database answers, with a replica: here a second connection that refuses every write."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from django.db import OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from mimivibes import replicas
from mimivibes.metrics.processes import PROBLEMS
from mimivibes.throttling import CallerThrottle
from referrals.models import ProgramTerms
from rewards.services import balances_of
from tests.people import Browser, Person
from tests.problems import refused
from tests.statements import TRANSACTION_CONTROL

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])


class Asked(NamedTuple):
    """How many statements each database was sent for one request."""

    status: int
    primary: int
    replica: int


@pytest.fixture(autouse=True)
def replica(settings: Any) -> Iterator[Any]:
    """The replica, in use."""
    settings.DATABASE_ROUTERS = ["mimivibes.replicas.ReplicaRouter"]
    replicas._ask_again_at = 0.0
    yield connections["replica"]
    connections["replica"].close()


def asked(browser: Browser, method: str, path: str, body: Any = None) -> Asked:
    """Send a request twice, so that all is warm; count the statements of the second."""
    browser.request(method, path, body)
    with ExitStack() as stack:
        sent = [
            stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in ("default", "replica")
        ]
        response = browser.request(method, path, body)
    primary, replica = (
        sum(not q["sql"].startswith((*TRANSACTION_CONTROL, "SELECT 1")) for q in each)
        for each in sent
    )
    return Asked(response.status_code, primary, replica)


def test_what_may_lag_is_read_from_the_replica(noks_code: str) -> None:
    visitor = Browser()

    assert asked(visitor, "GET", "referrals/rewards") == (200, 0, 1)
    assert asked(visitor, "POST", "referrals/validate", {"code": noks_code}) == (200, 0, 2)


def test_who_asks_is_the_primarys_affair(nok: Person, noks_code: str) -> None:
    """Provisioning, bans and the browser session: one statement, as without a replica."""
    browser = Browser().sign_in(nok)

    assert asked(browser, "GET", "referrals/invited") == (200, 1, 1)
    assert asked(browser, "GET", "rewards/rates") == (200, 1, 1)


@pytest.mark.parametrize("path", ["me", "referrals/status", "rewards/transactions"])
def test_what_people_have_just_changed_is_read_from_the_primary(
    path: str, nok: Person, noks_code: str
) -> None:
    status, primary, replica = asked(Browser().sign_in(nok), "GET", path)

    assert (status, replica) == (200, 0)
    assert primary > 1


def test_what_writes_does_so_on_the_primary(ploy: Person, noks_code: str) -> None:
    browser = Browser().sign_in(ploy)

    assert asked(browser, "POST", "referrals/captures", {"code": noks_code}).replica == 0
    assert asked(browser, "GET", "referrals/captures/current").replica == 0
    assert asked(browser, "POST", "referrals/claim", {}).replica == 0
    ploys = User.objects.get(clerk_id=ploy.clerk_id)
    assert balances_of(ploys.pk).stars == 1


def test_somebodys_first_request_is_served_whatever_it_asks(mali: Person) -> None:
    response = Browser().sign_in(mali).get("referrals/invited")

    assert response.status_code == 200
    assert User.objects.filter(clerk_id=mali.clerk_id).exists()


def test_a_row_that_has_not_arrived_yet_is_found_on_the_primary(
    noks_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that knows no terms at all stands for one that lags."""
    known = ProgramTerms.objects.in_force

    class Behind:
        def in_force(self, now: Any) -> Any:
            return known(now) if _on_primary() else ProgramTerms.objects.none()

    monkeypatch.setattr(ProgramTerms, "objects", Behind())

    visitor = Browser()

    assert visitor.post("referrals/validate", {"code": noks_code}).status_code == 200


def _on_primary() -> bool:
    return replicas.ReplicaRouter().db_for_read(ProgramTerms) == "default"


def test_what_is_nowhere_is_not_found_and_counts_once(
    noks_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CallerThrottle, "THROTTLE_RATES", {"public": "2/min", "user": "5/min"})
    visitor = Browser()

    for _ in range(2):
        refused(visitor.post("referrals/validate", {"code": "NOBODY"}), 404, "code_not_found")
    refused(visitor.post("referrals/validate", {"code": "NOBODY"}), 429, "throttled")


def test_a_body_that_is_too_large_is_refused_as_without_a_replica() -> None:
    response = Browser().post("referrals/validate", {"code": "A" * 3_000_000})

    refused(response, 413, "too_large")


def test_a_replica_that_is_gone_is_not_missed(
    noks_code: str, replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    replica.close()

    def refuse(*args: Any) -> None:
        tries.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(replica, "connect", refuse)

    for _ in range(3):
        assert Browser().post("referrals/validate", {"code": noks_code}).status_code == 200
    assert len(tries) == 1, "A dead replica is left alone for a while."


def test_a_replica_that_is_lost_while_it_answers_is_not_missed(
    noks_code: str, replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "create_cursor", _lost)

    assert Browser().post("referrals/validate", {"code": noks_code}).status_code == 200


def _lost(*args: Any, **kwargs: Any) -> None:
    raise OperationalError("terminating connection due to conflict with recovery")


def test_a_transaction_reads_from_where_it_writes() -> None:
    router = replicas.ReplicaRouter()
    with replicas._reading_from_replica():
        assert router.db_for_read(User) == "replica"
        assert router.db_for_write(User) == "default"
        with transaction.atomic():
            assert router.db_for_read(User) == "default"
    assert router.db_for_read(User) == "default"


def problems_told() -> dict[str, float]:
    return {
        sample.labels["code"]: sample.value
        for metric in PROBLEMS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def test_what_the_primary_is_asked_again_for_is_counted_once_by_what_is_answered(
    noks_code: str, replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = problems_told()
    visitor = Browser()

    refused(visitor.post("referrals/validate", {"code": "NOBODY"}), 404, "code_not_found")
    refused(visitor.post("referrals/validate", {}), 400, "invalid")
    monkeypatch.setattr(replica, "create_cursor", _lost)
    assert visitor.post("referrals/validate", {"code": noks_code}).status_code == 200

    after = problems_told()
    grown = {code: n - before.get(code, 0) for code, n in after.items() if n != before.get(code)}
    assert grown == {"code_not_found": 1, "invalid": 1}
