"""One person's data as JSON: all of it, nothing of others, from a command and from their page."""

import errno
import json
import re
import stat
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from mimivibes.personal_data import export
from mimivibes.personal_data.sections import NOT_THEIRS, SECTIONS
from referrals.services.corrections import reverse
from tests.accounts.requests import deliver
from tests.clerk import event, signed, user_object
from tests.people import Person
from tests.referrals.aree import by_aree
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, code_of, invited, user_of
from tests.staff import staff
from tests.statements import statements

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).parents[2] / "docs" / "personal-data.md"


@pytest.fixture
def story(noks_code: str, ploy: Person, mali: Person, back_end: BackEnd) -> Person:
    """Nok invited Ploy, Ploy invited Mali, and everybody has a name."""
    for name, last in (("Nok", "Nokdee"), ("Ploy", "Ploydee"), ("Mali", "Malidee")):
        fields = {"first_name": name, "last_name": last, "email": f"{name.lower()}@example.com"}
        about = user_object(f"user_{name.lower()}", updated_at=timezone.now(), **fields)
        deliver(*signed(event("user.updated", about)))
    invited(ploy, noks_code)
    invited(mali, code_of(ploy))
    back_end.report(ploy, event_id="evt_1", data={"question": "Private"})
    return ploy


def exported(person: Person) -> dict[str, Any]:
    chunks = export.PersonExport(user_of(person), now=timezone.now()).chunks()
    return dict(json.loads("".join(chunks)))


def test_it_is_all_that_is_held_of_the_person(story: Person, noks_code: str) -> None:
    data = exported(story)

    assert data["schema"] == "mimivibes.person/1"
    assert data["person"]["last_name"] == "Ploydee"
    assert data["balances"] == {"stars": 1, "free_points": 5, "coins": 0, "exp": 0}
    assert data["invited_by"][0]["referrer"] == {"display_name": "Nok"}
    assert [move["to"] for move in data["invited_by"][0]["moves"]] == [
        "pending",
        "qualified",
        "rewarded",
    ]
    assert data["invited"][0]["referee"] == {"display_name": "Mali"}
    assert data["claims"][0]["code"] == noks_code
    assert {rule["verdict"] for rule in data["claims"][0]["rules"]} == {"pass"}
    assert data["claims_of_their_codes"][0].keys() == {"at", "code", "outcome"}
    assert data["events"][0]["data"] == {"question": "Private"}
    assert sum(row["amounts"]["free_points"] for row in data["transactions"]) == 5
    assert data["deliveries"][0]["type"] == "user.updated"
    assert data["rows"] == {section.name: len(data[section.name]) for section in SECTIONS}
    assert data["complete"]


def test_nothing_in_it_is_of_others(story: Person) -> None:
    text = json.dumps(exported(story))

    for other in ("user_nok", "user_mali", "Nokdee", "Malidee", "nok@", "mali@"):
        assert other not in text


def test_what_staff_wrote_is_left_out(story: Person) -> None:
    by_aree(reverse, attribution_of(story), claw_back=True)

    data = exported(story)

    last = data["invited_by"][0]["moves"][-1]
    assert (last["to"], last["by"], last["reason"]) == ("reversed", "staff", None)
    assert "aree" not in json.dumps(data)


def test_of_somebody_erased_it_is_what_stays(story: Person) -> None:
    erase_user(clerk_id=story.clerk_id, now=timezone.now())

    data = exported(story)

    assert (data["person"]["email"], data["devices"]) == ("", [])
    assert data["events"][0]["data"] == {}
    assert len(data["transactions"]) == 4


def test_it_reads_page_by_page_and_costs_no_query_for_each_row(
    story: Person, back_end: BackEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost() -> int:
        with statements() as sent:
            exported(story)
        return len(sent)

    before = cost()
    back_end.report_all(
        [{"id": f"e{n}", "type": "x", "user_id": story.clerk_id} for n in range(20)]
    )
    assert cost() == before

    monkeypatch.setattr(export, "PAGE", 7)
    ids = [event["id"] for event in exported(story)["events"]]
    assert sorted(ids) == sorted(["evt_1", *(f"e{n}" for n in range(20))])


def test_the_command_writes_a_file_for_its_owner_alone(story: Person, tmp_path: Path) -> None:
    path = tmp_path / "ploy.json"

    call_command("export_user", story.clerk_id, "--output", str(path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["complete"]


def test_it_leaves_a_file_that_stands_as_it_is(story: Person, tmp_path: Path) -> None:
    path = tmp_path / "ploy.json"
    path.write_text("Somebody's")

    with pytest.raises(CommandError, match="File exists"):
        call_command("export_user", story.clerk_id, "--output", str(path))

    assert path.read_text() == "Somebody's"


def test_what_could_not_be_finished_is_taken_away(
    story: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "balances_of", None)

    with pytest.raises(TypeError):
        call_command("export_user", story.clerk_id, "--output", str(tmp_path / "ploy.json"))

    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_told(
    story: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(export.PersonExport, "chunks", Mock(side_effect=full))

    with pytest.raises(CommandError, match=r"No space left on device\. Name a new file"):
        call_command("export_user", story.clerk_id, "--output", str(tmp_path / "ploy.json"))

    assert list(tmp_path.iterdir()) == []


def test_without_a_file_it_is_printed(story: Person, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("export_user", story.clerk_id)

    assert json.loads(capsys.readouterr().out)["person"]["clerk_id"] == "user_ploy"


def test_nobody_of_that_id_is_told() -> None:
    with pytest.raises(CommandError, match="Nobody has the Clerk id user_x") as refusal:
        call_command("export_user", "user_x")

    assert refusal.value.returncode == 1


def test_staff_export_it_from_the_persons_page(story: Person, aree: Client) -> None:
    user = user_of(story)
    page = aree.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert f'action="/admin/accounts/user/{user.pk}/personal-data/"' in page

    response = aree.post(f"/admin/accounts/user/{user.pk}/personal-data/")

    assert response["Content-Disposition"].startswith(f'attachment; filename="person-{user.pk}-')
    data = json.loads(b"".join(response))  # type: ignore[call-overload]
    assert data["invited_by"] == exported(story)["invited_by"]
    entry = LogEntry.objects.get(object_id=user.pk)
    rows = sum(data["rows"].values())
    assert entry.change_message == f"Personal data exported: {rows} rows."


def test_an_export_that_is_broken_off_is_on_record(story: Person, aree: Client) -> None:
    response = aree.post(f"/admin/accounts/user/{user_of(story).pk}/personal-data/")
    next(response.streaming_content)
    response._iterator.close()

    assert LogEntry.objects.get().change_message == "Export of personal data stopped after 0 rows."


def test_who_may_not_see_all_of_it_gets_none(story: Person) -> None:
    views = ["view_user", "view_webhookreceipt", "view_attribution", "view_transaction"]
    page = f"/admin/accounts/user/{user_of(story).pk}/change/"
    address = f"/admin/accounts/user/{user_of(story).pk}/personal-data/"
    viewer = staff(*views, name="viewer")
    partly = staff("view_personal_data", "view_user", name="partly")
    fully = staff("view_personal_data", *views, name="fully")

    assert address not in viewer.get(page).content.decode()
    assert [who.post(address).status_code for who in (viewer, partly, fully)] == [403, 403, 200]
    assert fully.get(address).status_code == 405


def test_every_reference_to_people_is_exported_or_left_out_for_a_reason() -> None:
    """A model that is new and refers to people must be entered in `personal_data.sections`."""
    references = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if not model._meta.proxy
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model is User
        if field.model is model and not model._meta.auto_created
    }
    exported = {section.reference for section in SECTIONS}
    exported.remove("accounts.WebhookReceipt.clerk_id")  # which refers without a key

    assert references == exported | set(NOT_THEIRS)
    assert not exported & set(NOT_THEIRS)


def test_the_docs_name_every_part_of_it(story: Person) -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DOCS.read_text().split("## The file")[1], re.M)

    assert documented == list(exported(story))
