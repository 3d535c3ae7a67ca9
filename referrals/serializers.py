"""JSON of the referral endpoints: strict on the way in, the contract's shapes on the way out."""

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from rest_framework import serializers

from referrals.models import Attribution, Capture, Status
from referrals.services.events import NewEvent
from rewards.serializers import (
    AmountsSerializer,
    StrictCharField,
    StrictSerializer,
    UtcDateTimeField,
)

CODE_MAX_LENGTH = 64
LONG_TEXT = 2048


class CodeSerializer(StrictSerializer):
    """A code as somebody typed it."""

    code = StrictCharField(max_length=CODE_MAX_LENGTH)


class UtmSerializer(StrictSerializer):
    source = StrictCharField(  # type: ignore[assignment]
        max_length=200, required=False, allow_blank=True
    )
    medium = StrictCharField(max_length=200, required=False, allow_blank=True)
    campaign = StrictCharField(max_length=200, required=False, allow_blank=True)
    term = StrictCharField(max_length=200, required=False, allow_blank=True)
    content = StrictCharField(max_length=200, required=False, allow_blank=True)


class NewCaptureSerializer(CodeSerializer):
    """An opened invitation."""

    landing_url = StrictCharField(max_length=LONG_TEXT, required=False, allow_blank=True)
    utm = UtmSerializer(required=False)

    def validate_landing_url(self, url: str) -> str:
        """Refuse what Python's parser of URLs does, before it is asked for the parts."""
        try:
            urlsplit(url)
        except ValueError as error:
            raise serializers.ValidationError(_("This is not a URL."), code="invalid") from error
        return url


class NewClaimSerializer(StrictSerializer):
    """A claim: of the named code, or of what was captured."""

    code = StrictCharField(max_length=CODE_MAX_LENGTH, required=False)


class ReferrerSerializer(serializers.Serializer[Any]):
    display_name = serializers.CharField()


class BothRewardsSerializer(serializers.Serializer[Any]):
    referee = AmountsSerializer()
    referrer = AmountsSerializer()


class ValidCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    valid = serializers.BooleanField()
    referrer = ReferrerSerializer()
    rewards = BothRewardsSerializer()


class StoredSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    scope = serializers.ChoiceField(["browser_session", "user"])
    captured_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()


class CaptureSerializer(serializers.Serializer[Capture]):
    code = serializers.CharField(source="code.code")
    scope = serializers.ChoiceField(["browser_session", "user"])
    captured_at = UtcDateTimeField(source="opened_at")
    expires_at = UtcDateTimeField()


class CurrentCaptureSerializer(serializers.Serializer[Any]):
    capture = CaptureSerializer(allow_null=True)


class QualifyingEventTermsSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(source="qualifying_event_type")
    count = serializers.IntegerField(source="qualifying_event_count")


class TermsSerializer(serializers.Serializer[Any]):
    program = serializers.CharField(source="program.slug")
    terms_version = serializers.IntegerField(source="version")
    referee = AmountsSerializer(source="referee_amounts")
    referrer = AmountsSerializer(source="referrer_amounts")
    qualifying_event = QualifyingEventTermsSerializer(source="*")


class AttributionSerializer(serializers.Serializer[Attribution]):
    """An attribution as its referee sees it."""

    id = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    code = serializers.CharField(source="code.code")
    program = serializers.CharField(source="terms.program.slug")
    referrer = ReferrerSerializer()
    claimed_at = UtcDateTimeField()
    qualified_at = UtcDateTimeField(allow_null=True)
    rewarded_at = UtcDateTimeField(allow_null=True)
    referee_reward = AmountsSerializer(source="terms.referee_amounts")


class ClaimedSerializer(serializers.Serializer[Any]):
    attribution = AttributionSerializer(allow_null=True)


class InvitedSerializer(serializers.Serializer[Attribution]):
    """An attribution as its referrer sees it."""

    display_name = serializers.CharField(source="referee.display_name")
    status = serializers.ChoiceField(Status.choices)
    claimed_at = UtcDateTimeField()
    rewarded_at = UtcDateTimeField(allow_null=True)


class StatsSerializer(serializers.Serializer[Any]):
    invited = serializers.IntegerField()
    held = serializers.IntegerField()
    pending = serializers.IntegerField()
    qualified = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reversed = serializers.IntegerField()


class OwnCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    share_url = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(source="code.code")
    share_url = serializers.CharField(source="code.share_url")
    stats = StatsSerializer()
    earned = AmountsSerializer()
    recent = InvitedSerializer(many=True)


class NewEventSerializer(StrictSerializer):
    """An event as a service sends it."""

    id = StrictCharField(max_length=255)
    type = StrictCharField(max_length=100)
    user_id = StrictCharField(max_length=255)
    occurred_at = UtcDateTimeField(required=False)
    data = serializers.DictField(required=False)  # type: ignore[assignment]

    def to_event(self, data: Any) -> NewEvent:
        """Return the event that `data` describes. Raises `ValidationError`."""
        values = self.run_validation(data)
        return NewEvent(
            event_id=values["id"],
            type=values["type"],
            clerk_id=values["user_id"],
            occurred_at=values.get("occurred_at"),
            data=values.get("data", {}),
        )


class RecordedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="event_id")
    received_at = UtcDateTimeField()
    attribution_status = serializers.ChoiceField(Status.choices, allow_null=True)


class EventBatchSerializer(StrictSerializer):
    """Events to record together; each is checked in its own place."""

    events = serializers.ListField(
        child=serializers.JSONField(allow_null=True), min_length=1, max_length=500
    )


class BatchResultSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(allow_null=True)
    status = serializers.IntegerField()
    code = serializers.CharField(required=False)


class BatchResultsSerializer(serializers.Serializer[Any]):
    results = BatchResultSerializer(many=True)
