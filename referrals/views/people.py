"""What a signed-in person may call."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import signed_in
from referrals.models import Attribution
from referrals.models.attributions import AttributionQuerySet
from referrals.serializers import (
    ClaimedSerializer,
    CodeSerializer,
    InvitedSerializer,
    NewClaimSerializer,
    OwnCodeSerializer,
    ReportSerializer,
)
from referrals.services.claims import claim_referral
from referrals.services.codes import choose_referral_code
from referrals.services.reports import invited_by, referral_report


class ClaimView(APIView):
    """Attribute the caller to who invited them; safe to repeat."""

    @extend_schema(
        request=NewClaimSerializer, responses={201: ClaimedSerializer, 200: ClaimedSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = NewClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        identity = signed_in(request)
        claimed = claim_referral(
            user=identity.user,
            actor=identity.actor,
            code=asked.validated_data.get("code"),
            address=request.META.get("REMOTE_ADDR", ""),
            now=timezone.now(),
        )
        return Response(
            ClaimedSerializer({"attribution": claimed.attribution}).data,
            status=status.HTTP_201_CREATED if claimed.is_new else status.HTTP_200_OK,
        )


class StatusView(APIView):
    """Show the caller's code, invitations and earnings."""

    @extend_schema(responses=ReportSerializer)
    def get(self, request: Request) -> Response:
        report = referral_report(user=signed_in(request).user, now=timezone.now())
        return Response(ReportSerializer(report).data)


class InvitedView(ListAPIView[Attribution]):
    """List whom the caller invited, newest claim first."""

    reads_may_lag = True
    serializer_class = InvitedSerializer
    ordering = ("-claimed_at", "-id")

    def get_queryset(self) -> AttributionQuerySet:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn without a caller
            return AttributionQuerySet(Attribution)
        return invited_by(user=signed_in(self.request).user)


class CodeView(APIView):
    """Choose one's own code; the earlier ones keep working."""

    @extend_schema(request=CodeSerializer, responses=OwnCodeSerializer)
    def put(self, request: Request) -> Response:
        asked = CodeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        code = choose_referral_code(
            owner=signed_in(request).user, code=asked.validated_data["code"]
        )
        return Response(OwnCodeSerializer(code).data)
