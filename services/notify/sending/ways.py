"""Puts the providers together, as the settings or their file name them, each with its secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from services.notify.sending import gateways, providers
from services.notify.sending.channels.email import Relay
from services.notify.sending.channels.smpp import Centre
from services.notify.sending.channels.sms import HttpGateway
from services.notify.sending.channels.webhook import Hook
from services.notify.sending.mail import Identity
from services.notify.sending.providers import Http, Login, Provider, ProviderError, Smpp, Smtp, Webhook
from services.notify.sending.traffic import Lane, Traffic, Way
from services.notify.settings import NotifySettings
from shared.secrets import SECRETS_DIR

PREFIX = "DONDOC_NOTIFY_SECRET_"
OF_SETTINGS = "settings"  # the name of a secret that a setting holds itself


def traffic(settings: NotifySettings) -> Traffic:
    """Return every provider at work.

    raises: ProviderError - a file cannot be used, or a secret is missing or unfit.
    """
    known = named(settings)
    identity = Identity(
        sender=settings.sender,
        domain=settings.message_id_domain,
        bounces=settings.bounce_address,
        receipts_url=settings.receipts_url,
        key=settings.receipts_key.get_secret_value(),
    )
    lanes = []
    for one in known:
        secret = secret_of(one, settings)
        providers.check_secret(one, secret)
        lanes.append(Lane(one, way(one, identity=identity, secret=secret)))
    return Traffic(lanes)


def named(settings: NotifySettings) -> tuple[Provider, ...]:
    """Return the providers of the file, or the relay and the gateway of the single settings. raises: ProviderError."""
    if settings.providers is not None:
        return load(settings.providers).providers
    found: list[Provider] = [_relay(settings)]
    try:
        if settings.sms_gateway:
            found.append(_gateway(settings))
    except ValidationError as error:
        said = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors(include_input=False))
        raise ProviderError(f"the SMS gateway of the settings: {said}") from None
    return tuple(found)


def load(path: Path) -> providers.Providers:
    """Return what a file says. raises: ProviderError."""
    try:
        return providers.read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProviderError(f"{path}: {error}") from None


def _relay(settings: NotifySettings) -> Smtp:
    return Smtp(
        name="relay",
        channel="email",
        kind="smtp",
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls="starttls" if settings.smtp_starttls else "none",
        timeout_s=min(settings.smtp_timeout_s, 90),
        login=Login(user=settings.smtp_username, secret=OF_SETTINGS) if settings.smtp_username else None,
    )


def _gateway(settings: NotifySettings) -> Http:
    return Http(
        name=gateways.named(settings.sms_gateway),
        channel="sms",
        kind="http",
        gateway=settings.sms_gateway,
        url=settings.sms_url or None,
        sender=settings.sms_sender,
        timeout_s=settings.sms_timeout_s,
        login=Login(user=settings.sms_username or "-", secret=OF_SETTINGS),
    )


def secret_of(
    provider: Provider,
    settings: NotifySettings,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = SECRETS_DIR,
) -> str:
    """Return a provider's password, "" where it needs none. raises: ProviderError - it is nowhere."""
    names = providers.secrets_of(provider)
    if not names:
        return ""
    if names[0] == OF_SETTINGS and settings.providers is None:
        held = settings.smtp_password if isinstance(provider, Smtp) else settings.sms_password
        return held.get_secret_value()
    found = given(names[0], environment, folder)
    if found is None:
        variable = variable_of(names[0])
        raise ProviderError(
            f"provider {provider.name}: its secret is missing: set {variable}, or mount the file {variable.lower()}"
        )
    return found


def variable_of(secret: str) -> str:
    """Return the variable in which a named secret is set."""
    return f"{PREFIX}{secret.upper().replace('-', '_')}"


def given(secret: str, environment: Mapping[str, str] = os.environ, folder: Path | None = SECRETS_DIR) -> str | None:
    """Return a named secret, None where it is not set here."""
    variable = variable_of(secret)
    if variable in environment:
        return environment[variable]
    file = folder / variable.lower() if folder else None
    return file.read_text("utf-8").strip() if file and file.is_file() else None


def way(provider: Provider, *, identity: Identity, secret: str) -> Way:
    """Return a provider as it is used."""
    match provider:
        case Smtp():
            return Relay(provider, identity, secret)
        case Http():
            return HttpGateway(provider, identity, secret)
        case Smpp():
            return Centre(provider, secret)
        case Webhook():
            return Hook(provider, secret)
