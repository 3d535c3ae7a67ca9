from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from mimivibes.me import MeView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/me", MeView.as_view()),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("referrals.urls")),
    path("api/v1/", include("rewards.urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("mimivibes.demo.urls")))
