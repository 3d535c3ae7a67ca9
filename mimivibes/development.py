"""What a newcomer need not configure: local secrets, made once below `.data/`, while DEBUG is on.

Settings call it only with DEBUG; nothing here is reachable in production.
"""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def secret_key(data_dir: Path) -> str:
    """Return the local `SECRET_KEY`, made at first use."""
    return _kept(data_dir / "secret-key", lambda: secrets.token_urlsafe(50))


def webhook_secret(data_dir: Path) -> str:
    """Return the local svix signing secret, made at first use."""
    return _kept(
        data_dir / "webhook-secret",
        lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
    )


def issuer_private_key(data_dir: Path) -> str:
    """Return the development issuer's private key (PEM), made at first use."""
    return _kept(data_dir / "issuer-key.pem", _new_private_key)


def staff_password(data_dir: Path) -> str:
    """Return the password of the demo's member of staff, made at first use."""
    return _kept(data_dir / "staff-password", lambda: secrets.token_urlsafe(9))


def public_key(private_pem: str) -> str:
    """Return the public half (PEM) of an RSA private key (PEM)."""
    private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _new_private_key() -> str:
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        # Two first starts at once must agree: link fails for the second, which reads the first's.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
