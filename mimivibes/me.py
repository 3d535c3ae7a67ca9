"""`GET /me`: the caller, from all three apps."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import signed_in
from referrals.serializers import AttributionSerializer
from referrals.services.reports import referral_profile
from rewards.serializers import AmountsSerializer, UtcDateTimeField
from rewards.services import balances_of


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="user.clerk_id")
    display_name = serializers.CharField(source="user.display_name")
    email = serializers.CharField(allow_null=True)
    image_url = serializers.CharField(allow_null=True)
    created_at = UtcDateTimeField(source="user.created_at")
    balances = AmountsSerializer()
    credits = serializers.IntegerField()
    referral_code = serializers.CharField(source="code.code")
    attribution = AttributionSerializer(allow_null=True)


class MeView(APIView):
    """Show the caller: profile, balances, code, and their latest attribution."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        user = signed_in(request).user
        balances = balances_of(user.pk)
        profile = referral_profile(user=user, now=timezone.now())
        answer = {
            "user": user,
            "email": user.email or None,
            "image_url": user.image_url or None,
            "balances": balances,
            "credits": balances.stars + balances.free_points,
            "code": profile.code,
            "attribution": profile.attribution,
        }
        return Response(MeSerializer(answer).data)
