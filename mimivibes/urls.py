from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy
from drf_spectacular.views import SpectacularAPIView

from mimivibes.docs import DocsView
from mimivibes.me import MeView
from mimivibes.metrics.page import metrics

admin.site.site_header = "MiMiVibes Referrals"
admin.site.site_title = "MiMiVibes"
admin.site.index_title = gettext_lazy("Back office")
# "View site" leads to the web app: this server itself has no page there.
admin.site.site_url = settings.APP_URL

handler500 = "mimivibes.problems.crashed"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("metrics", metrics),
    path("api/v1/me", MeView.as_view()),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("referrals.urls")),
    path("api/v1/", include("rewards.urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("mimivibes.demo.urls")))
