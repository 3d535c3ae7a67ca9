"""Whose word on address and scheme is believed."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from mimivibes.middleware import TrustedProxyMiddleware


def seen(peer: str, *, trusted: list[str], **headers: str) -> tuple[str, str]:
    """Return the address and the scheme that the project sees."""
    found: dict[str, Any] = {}

    def view(request: HttpRequest) -> HttpResponse:
        found.update(address=request.META["REMOTE_ADDR"], scheme=request.scheme)
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    with override_settings(TRUSTED_PROXIES=trusted):
        TrustedProxyMiddleware(view)(request)
    return found["address"], found["scheme"]


FORWARDED = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}


def test_without_proxies_no_header_is_believed() -> None:
    assert seen("198.51.100.1", trusted=[], **FORWARDED) == ("198.51.100.1", "http")


def test_a_stranger_is_not_believed() -> None:
    assert seen("198.51.100.1", trusted=["10.0.0.0/8"], **FORWARDED) == ("198.51.100.1", "http")


@pytest.mark.parametrize("trusted", ["10.0.0.1", "10.0.0.0/8"])
def test_a_proxy_is_believed(trusted: str) -> None:
    assert seen("10.0.0.1", trusted=[trusted], **FORWARDED) == ("203.0.113.5", "https")


def test_a_proxy_of_version_six_is_believed() -> None:
    assert seen("fd00::1", trusted=["fd00::/8"], **FORWARDED)[0] == "203.0.113.5"


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("1.1.1.1, 203.0.113.5", "203.0.113.5"),
        ("1.1.1.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("nonsense, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, nonsense", "10.0.0.1"),
        ("203.0.113.5, nonsense, 10.0.0.2", "10.0.0.2"),
        (" , ", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_chain_is_read_from_the_right(chain: str, address: str) -> None:
    assert seen("10.0.0.1", trusted=["10.0.0.0/8"], **{"X-Forwarded-For": chain})[0] == address


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("http, https", "https"), ("https, http", "http"), ("gopher", "http")],
)
def test_the_last_proxy_names_the_scheme(proto: str, scheme: str) -> None:
    assert seen("10.0.0.1", trusted=["10.0.0.1"], **{"X-Forwarded-Proto": proto})[1] == scheme


def test_a_socket_without_an_address_is_no_proxy() -> None:
    assert seen("", trusted=["10.0.0.1"], **FORWARDED) == ("", "http")
