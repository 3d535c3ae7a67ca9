"""People with what they hold and what they have done, so that nobody is paid twice for it.

A person, their opening transaction and their readings come over in one database transaction: from
that moment on every count of theirs is right. Whoever signed in here before was welcomed here, and
perhaps rewarded for a first reading that was not their first: that is taken back.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.services import KnownPerson, import_people, learn_account_age
from mimivibes.legacy.importing import Import
from mimivibes.legacy.models import LegacyAccount, Matter
from mimivibes.legacy.quirks import email_of, is_tombstone, names_of, whole
from mimivibes.legacy.source import Row
from mimivibes.legacy.statements import PEOPLE, READINGS, SHARED_EMAILS, THERE
from referrals.models import QualifyingEvent
from referrals.services.imports import ACTOR, ImportedEvent, import_events
from rewards import services as rewards
from rewards.amounts import Amounts

READING = "reading.completed"
READING_ID = "legacy:reading:"
WELCOME = "user.provisioned"


@dataclass(frozen=True, slots=True)
class OldPerson:
    """Somebody as the old rows have them; `held` may be negative, `owed` is not."""

    profile: KnownPerson
    held: Amounts
    kept: dict[str, Any]

    @property
    def clerk_id(self) -> str:
        return self.profile.clerk_id

    @property
    def is_deleted(self) -> bool:
        return self.profile.deleted_at is not None

    @property
    def owed(self) -> Amounts:
        """What is opened: of each currency what is held, nothing if that is negative."""
        return Amounts(**{currency: max(amount, 0) for currency, amount in self.held})

    @property
    def opening_key(self) -> str:
        return f"legacy:opening:{self.clerk_id}"


Readings = dict[str, list[Row]]


def bring_people(run: Import) -> None:
    """Bring everybody over, page by page."""
    for rows in run.pages(PEOPLE, "people"):
        people = [person for row in rows if (person := _person(run, row))]
        _bring_page(run, {person.clerk_id: person for person in people})


def list_shared_emails(run: Import) -> None:
    """List people of one e-mail address, which the old rows may have swapped."""
    for rows in run.pages(SHARED_EMAILS, "shared e-mail addresses"):
        with run.writing():
            for row in rows:
                ids = row["ids"]
                more = {"and": len(ids) - 10} if len(ids) > 10 else {}
                run.matter(Matter.Kind.SHARED_EMAIL, ids[0], people=ids[:10], **more)


def list_vanished(run: Import) -> None:
    """Find who was brought over and has no row there any more; what was opened for them stays."""
    last = 0
    while accounts := _accounts_after(last, run.page_size):
        run.check()
        ids = [str(account.user.clerk_id) for account in accounts]
        there = {row["id"] for row in run.source.rows(THERE, [ids])}
        with run.writing():
            for account in (a for a in accounts if a.user.clerk_id not in there):
                _vanished(run, account)
        last = accounts[-1].user_id


def _accounts_after(last: int, size: int) -> list[LegacyAccount]:
    later = LegacyAccount.objects.filter(user_id__gt=last).select_related("user")
    return list(later.order_by("user_id")[:size])


def _vanished(run: Import, account: LegacyAccount) -> None:
    opened = Amounts(**account.opened)
    run.report.count("people", "not there any more")
    run.report.put("opened", opened)
    run.report.put("vanished", -opened)
    if account.user.deleted_at is None:
        run.matter(Matter.Kind.GONE_THERE, str(account.user.clerk_id), account.user_id)


def _person(run: Import, row: Row) -> OldPerson | None:
    """Read a row; None for what a seed has put there."""
    id_, note = row["id"], run.report.note
    held = Amounts(
        *(whole(row[c], row=id_, note=note) for c in ("stars", "free_points", "coins", "exp"))
    )
    if not row["is_clerk_id"]:
        note("id_of_seed", id_)
        run.report.count("people", "seed")
        run.report.put("seed", held)
        return None
    return OldPerson(_profile(run, row), held, _kept(row))


def _profile(run: Import, row: Row) -> KnownPerson:
    id_, note = row["id"], run.report.note
    created_at = row["created_at"] if row["created_at"] and row["created_at"] <= run.now else None
    seen_at = min(created_at or row["updated_at"] or run.now, run.now)
    if row["tel"]:
        note("tel_left", id_)
    if is_tombstone(row["name"]):
        note("tombstone", id_)
        deleted_at = max(seen_at, min(row["updated_at"] or run.now, run.now))
        return KnownPerson(clerk_id=id_, seen_at=seen_at, deleted_at=deleted_at)
    if created_at is None:
        note("account_age_unknown", id_)
    if row["role"] not in {None, "USER"}:
        note("legacy_admin", id_)
    first_name, last_name = names_of(row["name"], row=id_, note=note)
    return KnownPerson(
        clerk_id=id_,
        seen_at=seen_at,
        email=email_of(row["email"], row=id_, note=note),
        first_name=first_name,
        last_name=last_name,
        image_url=row["image_url"] or "",
        account_created_at=created_at,
    )


def _kept(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("level", "prestige_level", "prestige_points", "role")}


def _bring_page(run: Import, people: dict[str, OldPerson]) -> None:
    known = {
        str(account.user.clerk_id): account
        for account in LegacyAccount.objects.filter(user__clerk_id__in=people).select_related(
            "user"
        )
    }
    rows = User.objects.filter(clerk_id__in=people).values_list("clerk_id", flat=True)
    here = {str(clerk_id) for clerk_id in rows}
    readings = _readings(run, people)
    read_here = _read_here(run, known.values())
    with run.writing():
        fresh = [person for id_, person in people.items() if id_ not in here]
        met = _bring_new(run, fresh, readings)
        _bring_readings(run, known, readings)
        to_follow = [id_ for id_ in known if not _is_settled(run, known[id_], people[id_])]
    for id_ in to_follow:
        _follow(run, known[id_], people[id_])
    for id_ in (id_ for id_ in known if known[id_].user_id in read_here and readings[id_]):
        _follow_readings(run, people[id_], counted=len(readings[id_]))
    for id_ in sorted((here - known.keys()) | met):
        _join(run, people[id_], readings[id_])


def _readings(run: Import, people: Iterable[str]) -> Readings:
    found: Readings = defaultdict(list)
    for row in run.source.rows(READINGS, [list(people)]):
        found[row["user_id"]].append(row)
        run.report.count("readings", "read")
        if row["is_deleted"]:
            run.report.note("reading_deleted", row["id"])
    return found


def _bring_new(run: Import, people: list[OldPerson], readings: Readings) -> set[str]:
    """Bring those who are not here; return those who signed in just now, while we looked."""
    made = {} if run.is_dry else import_people(people=[person.profile for person in people])
    brought = [person for person in people if run.is_dry or person.clerk_id in made]
    for person in brought:
        run.report.count("people", "deleted" if person.is_deleted else "new")
        _put(run, person, made.get(person.clerk_id))
    if not run.is_dry:
        LegacyAccount.objects.bulk_create(
            _account(run, person, made[person.clerk_id]) for person in brought
        )
        openings = [
            rewards.Opening(made[person.clerk_id], person.owed, person.opening_key)
            for person in brought
            if person.owed and not person.is_deleted
        ]
        rewards.post_openings(openings=openings, actor=ACTOR, now=run.now)
    ids = {person.clerk_id: made.get(person.clerk_id, 0) for person in brought}
    _keep_readings(run, ids, readings)
    return {person.clerk_id for person in people} - ids.keys()


def _account(
    run: Import,
    person: OldPerson,
    user_id: int,
    *,
    opened: Amounts | None = None,
    before: bool = False,
) -> LegacyAccount:
    if opened is None:
        opened = Amounts() if person.is_deleted else person.owed
    return LegacyAccount(
        user_id=user_id,
        imported_at=run.now,
        was_here_before=before,
        opened=opened.as_dict(),
        openings=1 if opened else 0,
        kept=person.kept,
    )


def _put(run: Import, person: OldPerson, user_id: int | None) -> None:
    """Account for what somebody held who is brought over just now."""
    if person.is_deleted:
        run.report.put("deleted", person.held)
        return
    run.report.put("opened", person.owed)
    _put_negative(run, person, user_id)


def _put_negative(run: Import, person: OldPerson, user_id: int | None) -> None:
    negative = person.held + -person.owed
    if negative:
        run.report.put("negative", negative)
        run.report.note("negative_balance", person.clerk_id)
        facts = {currency: amount for currency, amount in negative if amount}
        run.matter(Matter.Kind.NEGATIVE_BALANCE, person.clerk_id, user_id, **facts)


def _bring_readings(run: Import, known: dict[str, LegacyAccount], readings: Readings) -> None:
    """Keep what those who came over earlier have read since, there."""
    _keep_readings(run, {id_: account.user_id for id_, account in known.items()}, readings)


def _keep_readings(run: Import, user_ids: dict[str, int], readings: Readings) -> None:
    rows = [(row, user_id) for id_, user_id in user_ids.items() for row in readings[id_]]
    events = [_event(run, row, user_id) for row, user_id in rows]
    new = _count_new(events) if run.is_dry else import_events(events=events, type=READING)
    run.report.count("readings", "new", new)
    run.report.count("readings", "here already", len(events) - new)


def _event(run: Import, row: Row, user_id: int) -> ImportedEvent:
    if row["at"] is None:
        run.report.note("time_unknown", row["id"])
    return ImportedEvent(f"{READING_ID}{row['id']}", user_id, row["at"] or run.now)


def _read_here(run: Import, accounts: Iterable[LegacyAccount]) -> set[int]:
    """Return which of these people have readings here too, if it matters."""
    if run.is_dry or not run.follow_balances:
        return set()
    people = [account.user_id for account in accounts]
    return set(_of_here().filter(user__in=people).values_list("user", flat=True))


def _of_here() -> QuerySet[QualifyingEvent]:
    return QualifyingEvent.objects.filter(type=READING).exclude(event_id__startswith=READING_ID)


def _count_new(events: list[ImportedEvent]) -> int:
    known = QualifyingEvent.objects.filter(event_id__in=[event.event_id for event in events])
    return len(events) - known.count()


def _join(run: Import, person: OldPerson, readings: list[Row]) -> None:
    """Bring over somebody who signed in here before: one row, both histories."""
    with run.writing(is_news=True):
        user = _locked(run, person.clerk_id)
        before = _of_here().filter(user=user).count()
        opened = _opened_with(run, person, user)
        _keep_readings(run, {person.clerk_id: user.pk}, {person.clerk_id: readings})
        if run.is_dry:
            return
        account = _account(run, person, user.pk, opened=opened, before=True)
        account.save(force_insert=True)
        if user.deleted_at is None and not person.is_deleted:
            _merge(run, person, user, counted=len(readings), before=before)


def _locked(run: Import, clerk_id: str) -> User:
    people = User.objects if run.is_dry else User.objects.select_for_update(no_key=True)
    return people.get(clerk_id=clerk_id)


def _opened_with(run: Import, person: OldPerson, user: User) -> Amounts:
    """Return what is opened for somebody who is here: nothing if either side has deleted them."""
    if place := _gone(run, person, user):
        run.report.count("people", place)
        run.report.put(place, person.held)
        return Amounts()
    run.report.count("people", "new, signed in here before")
    _put(run, person, user.pk)
    return person.owed


def _gone(run: Import, person: OldPerson, user: User) -> str:
    """Say whether somebody is deleted, on one side alone perhaps, which is for staff."""
    is_gone_here = user.deleted_at is not None
    if is_gone_here != person.is_deleted:
        kind = Matter.Kind.GONE_HERE if is_gone_here else Matter.Kind.GONE_THERE
        run.matter(kind, person.clerk_id, user.pk)
        return "gone"
    return "deleted" if is_gone_here else ""


def _merge(run: Import, person: OldPerson, user: User, *, counted: int, before: int) -> None:
    """Reward as if the old history had been here from the start.

    The old readings come first: what was paid here for these numbers was paid there too. Those here
    count on from them, and a milestone that they thereby reach is paid now.
    """
    created_at = person.profile.account_created_at
    if created_at:
        learn_account_age(user=user, account_created_at=created_at, now=run.now)
    if person.owed:
        opening = rewards.Opening(user.pk, person.owed, person.opening_key)
        rewards.post_openings(openings=[opening], actor=ACTOR, now=run.now)
    _reward_as_one(run, user, (WELCOME, 1), (READING, counted), before=before)


def _follow_readings(run: Import, person: OldPerson, *, counted: int) -> None:
    """Look again at the rewards of somebody brought over earlier, who has read here and there.

    What was paid there for these numbers has come with the balance, which was followed.
    """
    with run.writing(is_news=True):
        user = _locked(run, person.clerk_id)
        if user.deleted_at is None and not person.is_deleted:
            before = _of_here().filter(user=user).count()
            _reward_as_one(run, user, (READING, counted), before=before)


def _reward_as_one(run: Import, user: User, *there: tuple[str, int], before: int) -> None:
    """Take back what was paid here for what `there` was rewarded; pay what both together reach."""
    counted = dict(there)[READING]
    taken = sum(
        rewards.take_back_rules(
            user_id=user.pk, trigger=trigger, up_to=times, actor=ACTOR, now=run.now
        )
        for trigger, times in there
    )
    paid = rewards.pay_occasions(
        occasions=[
            rewards.Occasion(user.pk, READING, count=counted + n, count_today=0)
            for n in range(1, before + 1)
        ],
        now=run.now,
    )
    run.report.count("rewards here of people of both", "taken back", taken)
    run.report.count("rewards here of people of both", "standing", len(paid))


def _is_settled(run: Import, account: LegacyAccount, person: OldPerson) -> bool:
    """Account for somebody brought over earlier; False if their balance is to be followed."""
    run.report.count("people", "here already")
    opened = Amounts(**account.opened)
    if place := _gone(run, person, account.user):
        run.report.put("opened", opened)
        run.report.put(place, person.held + -opened)
        return True
    _put_negative(run, person, account.user_id)
    if person.owed == opened:
        run.report.put("opened", opened)
        return True
    return False


def _follow(run: Import, account: LegacyAccount, person: OldPerson) -> None:
    """See to an old balance that has changed there, in a transaction of its own."""
    with run.writing():
        change = person.owed + -Amounts(**account.opened)
        run.report.count("balances changed since", _changed(run, account, person, change))
        opened = Amounts(**account.opened)
        run.report.put("opened", opened)
        run.report.put("not_followed", person.owed + -opened)


def _changed(run: Import, account: LegacyAccount, person: OldPerson, change: Amounts) -> str:
    """Follow a change of the old balance if asked to; list it otherwise."""
    subject = f"{person.clerk_id} {account.openings + 1}"
    facts = {currency: amount for currency, amount in change if amount}
    if not run.follow_balances:
        run.matter(Matter.Kind.BALANCE_CHANGED, subject, account.user_id, **facts)
        return "listed"
    if run.is_dry:
        return "to follow"
    if _locked(run, person.clerk_id).deleted_at:
        return "of people erased at this moment"
    try:
        rewards.change_opening(
            user_id=account.user_id,
            change=change,
            key=f"{person.opening_key}:{account.openings + 1}",
            actor=ACTOR,
            now=run.now,
        )
    except rewards.InsufficientBalance:
        run.matter(Matter.Kind.BALANCE_SPENT, subject, account.user_id, **facts)
        return "fell below what is left here, listed"
    account.opened = person.owed.as_dict()
    account.openings += 1
    account.save(update_fields=["opened", "openings"])
    return "followed"
