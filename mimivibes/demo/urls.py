from django.urls import path
from django.views.i18n import JavaScriptCatalog, set_language

from mimivibes.demo import views

urlpatterns = [
    path("", views.page, name="demo"),
    path("demo/words.js", views.debug_only(JavaScriptCatalog.as_view()), name="demo-words"),
    path("i18n/setlang/", views.debug_only(set_language), name="set_language"),
    path("demo/people", views.people),
    path("demo/newcomer", views.newcomer),
    path("demo/token", views.token),
    path("demo/reading", views.reading),
    path("demo/new-browser", views.new_browser),
    path("demo/qr", views.qr),
]
