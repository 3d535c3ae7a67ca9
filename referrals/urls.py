from django.urls import path

from referrals.views import events, people, public

urlpatterns = [
    path("referrals/validate", public.ValidateView.as_view()),
    path("referrals/captures", public.CapturesView.as_view()),
    path("referrals/captures/current", public.CurrentCaptureView.as_view()),
    path("referrals/rewards", public.RewardsView.as_view()),
    path("referrals/claim", people.ClaimView.as_view()),
    path("referrals/status", people.StatusView.as_view()),
    path("referrals/invited", people.InvitedView.as_view()),
    path("referrals/code", people.CodeView.as_view()),
    path("events", events.EventView.as_view()),
    path("events/batch", events.EventBatchView.as_view()),
]
