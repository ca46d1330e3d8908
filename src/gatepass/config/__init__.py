"""The environment becomes one frozen Settings, validated at start. Nothing below `app` reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gatepass.config import values, vault
from gatepass.config.values import PREFIX, SettingError

__all__ = ["SettingError", "Settings", "read"]

STRIPE_API = "https://api.stripe.com"
LEAST_SECRET_CHARS = 32
LONGEST_PULL_S = 3600
LEAST_KEEP_DAYS, LONGEST_KEEP_DAYS = 90, 36_500
"""Of raw notifications: a dispute may ask for what the provider said four months ago."""
LONGEST_RECONCILE_MINUTES = 7 * 24 * 60
LIVE_CALLS_PER_S, TEST_CALLS_PER_S, MOST_CALLS_PER_S = 80, 20, 10_000
"""Stripe takes 100 of an account in live mode and 25 in test mode (docs.stripe.com/rate-limits): some room for others."""
ENTRA_ID = "https://login.microsoftonline.com"
MOST_DATAVERSE_CALLS_PER_S, MOST_DATAVERSE_AT_ONCE = 100, 52
"""Dataverse takes 6,000 calls in five minutes of one application user, and 52 at once; several servers may count apart."""
LONGEST_HOLD_MINUTES = 7 * 24 * 60
LONGEST_MORE_TIME_MINUTES = 60


SETTINGS_FILE = "settings.env"
"""In the data directory: NAME=value lines that count where the environment says nothing. `gatepass demo` writes one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation. Each field is the variable GATEPASS_<FIELD>; docs/operating.md lists them all."""

    data_dir: Path
    database_url: str
    base_url: str
    mode: str
    """"test" or "live": whether money moves."""
    secret_key: tuple[str, ...]
    """Signs links and encrypts secrets. The last one does, the others are still read: a list, for rotation."""
    stripe_secret_key: str | None
    stripe_publishable_key: str | None
    """For the payment step on our own page: everybody may see it. None: payments are taken on Stripe's page only."""
    stripe_webhook_secret: tuple[str, ...]
    stripe_api_base: str
    stripe_opening: str
    """"session" or "link"."""
    provider_calls_per_s: int
    """How many calls leave this process for one provider at most; 0: as many as come."""
    pull_seconds: int
    """How often each provider's own list of events is read; 0: never."""
    keep_notifications_days: int
    reconcile_minutes: int
    """How often our record is held against the provider's; 0: never."""
    trusted_proxies: tuple[str, ...]
    mail_dir: Path
    mail_from: str
    smtp_host: str | None
    smtp_port: int
    smtp_username: str | None
    smtp_password: str | None
    smtp_tls: str
    most_declines: int
    """Cards that may be declined for one purchase; 0: no limit."""
    more_time_minutes: int
    """By which a buyer may make the hold of an order longer, once; 0: not at all."""
    orders_per_client: int
    """Orders on our own page from one address in ten minutes and per process; 0: no limit."""
    webhooks_allow_private: bool
    """Webhooks may go to http:// and to addresses that are not public: for a demo and for tests."""
    api_requests: int
    """Dataverse Web API, per user, process and five minutes: service protection as Dataverse has it; 0: no limit."""
    api_seconds: int
    api_at_once: int
    staff_second_factor: str
    """"required" or "optional", for accounts with a password."""
    oidc_issuer: str | None
    """Where staff may sign in elsewhere: an OpenID Connect provider."""
    oidc_client_id: str
    oidc_client_secret: str | None
    oidc_name: str
    oidc_role_claim: str
    oidc_roles: Mapping[str, str]
    """A value of the claim -> a role of ours."""
    event_management: str
    """"own", or "dataverse": events, purchases and registrations live there, and this is the completion service alone."""
    dataverse_url: str | None
    dataverse_tenant_id: str | None
    dataverse_client_id: str | None
    dataverse_client_secret: str | None
    dataverse_client_certificate: Path | None
    dataverse_managed_identity: values.ManagedIdentity | None
    """In place of secret and certificate, where Azure runs this."""
    """A PEM file with certificate and key, in place of the secret."""
    dataverse_authority: str
    """Where tokens are to be had: another one for sovereign clouds."""
    dataverse_calls_per_s: int
    """Of all processes together, for finalizing."""
    dataverse_at_once: int
    dataverse_hold_minutes: int
    """The timeout of the payment provider record over there; Dataverse does not tell it with the purchase."""
    dataverse_payment_way: str
    """"redirect": on the provider's page, or "page": on our own. Dataverse's provider record has no word for it."""
    dataverse_late_money: str
    """What becomes of money that came after the seats were given away: "attention" or "refund"."""
    return_origins: tuple[str, ...]
    """Where buyers may be sent back to, beside ourselves, when purchases live in a Dataverse."""
    report_to: tuple[str, ...]
    """Mail addresses that hear of what reconciliation finds."""
    log_level: str

    @property
    def live(self) -> bool:
        """True when money moves."""
        return self.mode == "live"

    @property
    def remote(self) -> bool:
        """True for the completion service of somebody else's Dataverse."""
        return self.event_management == "dataverse"


VARIABLES = (
    *(f"{PREFIX}{field.name.upper()}" for field in fields(Settings)),
    *(f"{PREFIX}{name}" for name in ("SECRET_KEY_FILE", vault.NAME, vault.IDENTITY)),
)


def read(environment: Mapping[str, str], *, data_dir: Path | None = None, port: int | None = None) -> Settings:
    """Settings from variables; `data_dir` and `port` come from the command line. Raises SettingError."""
    directory = (data_dir or Path(values.Given(environment).text("DATA_DIR", "gatepass-data"))).absolute()
    if "?" in str(directory):
        raise SettingError(
            f"{PREFIX}DATA_DIR has a '?' in it, which no database address can carry. Use another directory."
        )
    given = values.Given(
        values.from_file(directory / SETTINGS_FILE)
        | {name: value for name, value in environment.items() if value.strip()}
    )
    stripe_key = given.secret("STRIPE_SECRET_KEY")
    mode = given.choice("MODE", ("test", "live"), _mode_of(stripe_key))
    stripe_base = values.address("STRIPE_API_BASE", given.text("STRIPE_API_BASE", STRIPE_API))
    settings = Settings(
        data_dir=directory,
        database_url=values.database_url(given.text("DATABASE_URL", f"sqlite:///{directory / 'gatepass.db'}")),
        base_url=values.address("BASE_URL", _base_url(environment, given, port)),
        mode=mode,
        secret_key=given.list("SECRET_KEY")
        or values.key_file(given.text("SECRET_KEY_FILE", ""))
        or vault.keys(given.text(vault.NAME, ""), given.text(vault.IDENTITY, ""), environment)
        or ("" if mode == "live" else values.own_secret(directory),),
        stripe_secret_key=stripe_key,
        stripe_publishable_key=given.text("STRIPE_PUBLISHABLE_KEY", "") or None,
        stripe_webhook_secret=given.list("STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=stripe_base,
        stripe_opening=given.choice("STRIPE_OPENING", ("session", "link"), "session"),
        provider_calls_per_s=given.number("PROVIDER_CALLS_PER_S", _pace(mode, stripe_base), 0, MOST_CALLS_PER_S),
        pull_seconds=given.number("PULL_SECONDS", 30, 0, LONGEST_PULL_S),
        keep_notifications_days=given.number("KEEP_NOTIFICATIONS_DAYS", 400, LEAST_KEEP_DAYS, LONGEST_KEEP_DAYS),
        reconcile_minutes=given.number("RECONCILE_MINUTES", 60, 0, LONGEST_RECONCILE_MINUTES),
        trusted_proxies=values.networks(given.list("TRUSTED_PROXIES")),
        mail_dir=Path(given.text("MAIL_DIR", str(directory / "mail"))).absolute(),
        mail_from=values.sender(given.text("MAIL_FROM", "Gatepass <tickets@gatepass.invalid>")),
        smtp_host=given.text("SMTP_HOST", "") or None,
        smtp_port=given.number("SMTP_PORT", 587, 1, 65535),
        smtp_username=given.text("SMTP_USERNAME", "") or None,
        smtp_password=given.secret("SMTP_PASSWORD"),
        smtp_tls=given.choice("SMTP_TLS", ("starttls", "tls", "none"), "starttls"),
        most_declines=given.number("MOST_DECLINES", 10, 0, 1000),
        more_time_minutes=given.number("MORE_TIME_MINUTES", 15, 0, LONGEST_MORE_TIME_MINUTES),
        orders_per_client=given.number("ORDERS_PER_CLIENT", 60, 0, 999_999_999),
        webhooks_allow_private=given.choice("WEBHOOKS_ALLOW_PRIVATE", ("true", "false"), "false") == "true",
        api_requests=given.number("API_REQUESTS", 6000, 0, 999_999_999),
        api_seconds=given.number("API_SECONDS", 1200, 0, 999_999_999),
        api_at_once=given.number("API_AT_ONCE", 52, 0, 999_999_999),
        staff_second_factor=given.choice(
            "STAFF_SECOND_FACTOR", ("required", "optional"), "required" if mode == "live" else "optional"
        ),
        oidc_issuer=values.issuer(given.text("OIDC_ISSUER", ""), mode),
        oidc_client_id=given.text("OIDC_CLIENT_ID", ""),
        oidc_client_secret=given.secret("OIDC_CLIENT_SECRET"),
        oidc_name=given.text("OIDC_NAME", "your organization"),
        oidc_role_claim=given.text("OIDC_ROLE_CLAIM", "roles"),
        oidc_roles=values.oidc_roles(given.list("OIDC_ROLES")),
        event_management=given.choice("EVENT_MANAGEMENT", ("own", "dataverse"), "own"),
        dataverse_url=values.environment("DATAVERSE_URL", given.text("DATAVERSE_URL", "")),
        dataverse_tenant_id=given.text("DATAVERSE_TENANT_ID", "") or None,
        dataverse_client_id=given.text("DATAVERSE_CLIENT_ID", "") or None,
        dataverse_client_secret=given.secret("DATAVERSE_CLIENT_SECRET"),
        dataverse_client_certificate=values.certificate(given.text("DATAVERSE_CLIENT_CERTIFICATE", "")),
        dataverse_managed_identity=_identity(given.text("DATAVERSE_MANAGED_IDENTITY", ""), environment),
        dataverse_authority=values.over_tls("DATAVERSE_AUTHORITY", given.text("DATAVERSE_AUTHORITY", ENTRA_ID))
        or ENTRA_ID,
        dataverse_calls_per_s=given.number("DATAVERSE_CALLS_PER_S", 15, 1, MOST_DATAVERSE_CALLS_PER_S),
        dataverse_at_once=given.number("DATAVERSE_AT_ONCE", 8, 1, MOST_DATAVERSE_AT_ONCE),
        dataverse_hold_minutes=given.number("DATAVERSE_HOLD_MINUTES", 30, 1, LONGEST_HOLD_MINUTES),
        dataverse_payment_way=given.choice("DATAVERSE_PAYMENT_WAY", ("redirect", "page"), "redirect"),
        dataverse_late_money=given.choice("DATAVERSE_LATE_MONEY", ("attention", "refund"), "attention"),
        return_origins=tuple(values.origin("RETURN_ORIGINS", text) for text in given.list("RETURN_ORIGINS")),
        report_to=tuple(values.recipient(text) for text in given.list("REPORT_TO")),
        log_level=given.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
    )
    _check_stripe(settings)
    _check_oidc(settings)
    _check_dataverse(settings)
    if settings.live:
        _check_live(settings)
    return settings


def _identity(text: str, environment: Mapping[str, str]) -> values.ManagedIdentity | None:
    return values.managed_identity("DATAVERSE_MANAGED_IDENTITY", text, environment) if text else None


def _base_url(environment: Mapping[str, str], given: values.Given, port: int | None) -> str:
    """A port that was asked for counts against a loopback address in the file, as the demo writes one."""
    told = given.text("BASE_URL", "")
    in_file_only = not values.Given(environment).text("BASE_URL", "")
    if told and not (port and in_file_only and told.startswith(("http://127.0.0.1:", "http://localhost:"))):
        return told
    return f"http://127.0.0.1:{port or 8000}"


def _pace(mode: str, stripe_base: str) -> int:
    """A sandbox on this machine takes all that come."""
    if stripe_base != STRIPE_API:
        return 0
    return LIVE_CALLS_PER_S if mode == "live" else TEST_CALLS_PER_S


def _mode_of(stripe_key: str | None) -> str:
    return "live" if stripe_key and stripe_key.startswith(("sk_live_", "rk_live_")) else "test"


def _check_oidc(settings: Settings) -> None:
    if settings.oidc_issuer and not (settings.oidc_client_id and settings.oidc_roles):
        raise SettingError(
            f"{PREFIX}OIDC_ISSUER is set: set {PREFIX}OIDC_CLIENT_ID and {PREFIX}OIDC_ROLES too, "
            "such as Events.Admin=administrator."
        )


def _check_stripe(settings: Settings) -> None:
    key = settings.stripe_secret_key
    if key and not key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        raise SettingError(
            f"{PREFIX}STRIPE_SECRET_KEY has to begin with sk_test_ or sk_live_ (or rk_): is it the publishable key?"
        )
    _check_publishable(settings)
    if any(not secret.startswith("whsec_") for secret in settings.stripe_webhook_secret):
        raise SettingError(f"{PREFIX}STRIPE_WEBHOOK_SECRET has to begin with whsec_; several are parted by commas.")
    if key and _mode_of(key) != settings.mode:
        raise SettingError(f"{PREFIX}MODE is {settings.mode}, but {PREFIX}STRIPE_SECRET_KEY is a {_mode_of(key)} key.")


def _check_publishable(settings: Settings) -> None:
    """It goes to every buyer's browser: nothing else may stand there."""
    key = settings.stripe_publishable_key
    if key and key.startswith(("sk_", "rk_")):
        raise SettingError(
            f"{PREFIX}STRIPE_PUBLISHABLE_KEY is a secret key. Take it out, roll it in Stripe's dashboard, and set the one "
            "that begins with pk_."
        )
    if key and not key.startswith(("pk_test_", "pk_live_")):
        raise SettingError(f"{PREFIX}STRIPE_PUBLISHABLE_KEY has to begin with pk_test_ or pk_live_.")
    if key and key.startswith("pk_live_") is not settings.live:
        raise SettingError(f"{PREFIX}MODE is {settings.mode}, but {PREFIX}STRIPE_PUBLISHABLE_KEY is of the other mode.")


def _check_dataverse(settings: Settings) -> None:
    """In front of a Dataverse nothing of what leads there may be missing."""
    if not settings.remote:
        return
    app = {
        "DATAVERSE_TENANT_ID": settings.dataverse_tenant_id,
        "DATAVERSE_CLIENT_ID": settings.dataverse_client_id,
        "DATAVERSE_CLIENT_SECRET": settings.dataverse_client_secret or settings.dataverse_client_certificate,
    }
    needed = {
        "DATAVERSE_URL": settings.dataverse_url,
        **({} if settings.dataverse_managed_identity else app),
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
    }
    if missing := [f"{PREFIX}{name}" for name, value in needed.items() if not value]:
        raise SettingError(
            f"{PREFIX}EVENT_MANAGEMENT is dataverse, which needs {', '.join(missing)}. "
            "docs/dynamics.md says where each is to be found."
        )


def _check_secrets(settings: Settings) -> None:
    if any(len(key) < LEAST_SECRET_CHARS for key in settings.secret_key):
        raise SettingError(
            f"{PREFIX}SECRET_KEY is a default or too short. In live mode set your own, of at least {LEAST_SECRET_CHARS} "
            "characters: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )


def _check_live(settings: Settings) -> None:
    """Where money moves, nothing may be a sandbox, a default or in the open."""
    if settings.stripe_api_base != STRIPE_API:
        raise SettingError(
            f"{PREFIX}STRIPE_API_BASE is {settings.stripe_api_base}, a sandbox. In live mode leave it out."
        )
    if not settings.stripe_webhook_secret and not settings.pull_seconds:
        raise SettingError(
            f"{PREFIX}STRIPE_WEBHOOK_SECRET is not set and {PREFIX}PULL_SECONDS is 0: nobody would tell of payments. "
            "Copy the secret from the webhook endpoint in Stripe's dashboard, or pull."
        )
    _check_secrets(settings)
    if settings.webhooks_allow_private:
        raise SettingError(f"{PREFIX}WEBHOOKS_ALLOW_PRIVATE is for a demo and for tests. In live mode leave it out.")
    if not settings.base_url.startswith("https://"):
        raise SettingError(f"{PREFIX}BASE_URL is {settings.base_url}. In live mode it has to begin with https://.")
