from django.urls import path

from rewards import views

urlpatterns = [
    path("rewards/transactions", views.TransactionsView.as_view(), name="transactions"),
    path(
        "rewards/transactions/<str:id>/reverse",
        views.ReverseView.as_view(),
        name="reverse",
    ),
    path("rewards/rates", views.RatesView.as_view(), name="rates"),
    path("rewards/exchange", views.ExchangeView.as_view(), name="exchange"),
    path("rewards/spend", views.SpendView.as_view(), name="spend"),
    path("rewards/grants", views.GrantsView.as_view(), name="grants"),
]
