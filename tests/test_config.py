"""The environment is checked at start: what is wrong is named, and where money moves nothing may be a default."""

import stat
from pathlib import Path

import pytest

from gatepass import config
from gatepass.config import SettingError

LIVE = {
    "GATEPASS_MODE": "live",
    "GATEPASS_STRIPE_SECRET_KEY": "sk_live_" + "x" * 24,
    "GATEPASS_STRIPE_WEBHOOK_SECRET": "whsec_" + "x" * 24,
    "GATEPASS_SECRET_KEY": "k" * 48,
    "GATEPASS_BASE_URL": "https://pass.example",
}


def test_an_empty_environment_is_a_test_installation_on_sqlite(tmp_path: Path) -> None:
    settings = config.read({}, data_dir=tmp_path)

    assert settings.database_url == f"sqlite:///{tmp_path}/gatepass.db"
    assert (settings.mode, settings.live, settings.stripe_secret_key) == ("test", False, None)
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.mail_dir == tmp_path / "mail"


def test_calls_are_paced_by_what_the_account_takes_and_a_sandbox_takes_all(tmp_path: Path) -> None:
    def pace(**variables: str) -> int:
        return config.read(variables, data_dir=tmp_path).provider_calls_per_s

    assert (pace(), pace(**LIVE)) == (20, 80)
    assert pace(GATEPASS_STRIPE_API_BASE="http://127.0.0.1:8001") == 0
    assert pace(**LIVE, GATEPASS_PROVIDER_CALLS_PER_S="300") == 300


def test_the_installations_own_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, again = config.read({}, data_dir=tmp_path), config.read({}, data_dir=tmp_path)

    assert first.secret_key == again.secret_key
    assert len(first.secret_key[0]) >= config.LEAST_SECRET_CHARS
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert config.read({}, data_dir=tmp_path / "other").secret_key != first.secret_key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEPASS_DATABASE_URL", "mysql://host/name"),
        ("GATEPASS_DATABASE_URL", "gatepass.db"),
        ("GATEPASS_BASE_URL", "pass.example"),
        ("GATEPASS_BASE_URL", "ftp://pass.example"),
        ("GATEPASS_BASE_URL", "https://"),
        ("GATEPASS_BASE_URL", "https://pass.example/?a=1"),
        ("GATEPASS_STRIPE_API_BASE", "stripe"),
        ("GATEPASS_MODE", "production"),
        ("GATEPASS_STRIPE_SECRET_KEY", "pk_test_x"),
        ("GATEPASS_STRIPE_WEBHOOK_SECRET", "secret"),
        ("GATEPASS_STRIPE_WEBHOOK_SECRET", "whsec_good,bad"),
        ("GATEPASS_STRIPE_OPENING", "popup"),
        ("GATEPASS_TRUSTED_PROXIES", "10.0.0.0/8,proxy.example"),
        ("GATEPASS_SMTP_PORT", "smtp"),
        ("GATEPASS_SMTP_PORT", "0"),
        ("GATEPASS_SMTP_PORT", "65536"),
        ("GATEPASS_SMTP_PORT", "٢٥"),
        ("GATEPASS_SMTP_TLS", "ssl"),
        ("GATEPASS_LOG_LEVEL", "loud"),
        ("GATEPASS_PROVIDER_CALLS_PER_S", "many"),
        ("GATEPASS_PULL_SECONDS", "-1"),
        ("GATEPASS_PULL_SECONDS", "3601"),
        ("GATEPASS_KEEP_NOTIFICATIONS_DAYS", "89"),
        ("GATEPASS_KEEP_NOTIFICATIONS_DAYS", "forever"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as error:
        config.read({name: value}, data_dir=tmp_path)

    assert name in str(error.value)


@pytest.mark.parametrize("name", ["GATEPASS_STRIPE_SECRET_KEY", "GATEPASS_STRIPE_WEBHOOK_SECRET"])
def test_a_wrong_secret_is_never_repeated(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError) as error:
        config.read({name: "canary-of-a-secret"}, data_dir=tmp_path)

    assert "canary" not in str(error.value)


def test_a_database_password_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as error:
        config.read({"GATEPASS_DATABASE_URL": "mysql://user:canary@host/name"}, data_dir=tmp_path)

    assert "canary" not in str(error.value)


def test_a_complete_live_installation_is_accepted(tmp_path: Path) -> None:
    settings = config.read(LIVE, data_dir=tmp_path)

    assert settings.live
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"GATEPASS_STRIPE_API_BASE": "http://127.0.0.1:8001"}, "GATEPASS_STRIPE_API_BASE"),
        ({"GATEPASS_STRIPE_WEBHOOK_SECRET": "", "GATEPASS_PULL_SECONDS": "0"}, "GATEPASS_STRIPE_WEBHOOK_SECRET"),
        ({"GATEPASS_SECRET_KEY": ""}, "GATEPASS_SECRET_KEY"),
        ({"GATEPASS_SECRET_KEY": "short"}, "GATEPASS_SECRET_KEY"),
        ({"GATEPASS_SECRET_KEY": "k" * 48 + ",short"}, "GATEPASS_SECRET_KEY"),
        ({"GATEPASS_BASE_URL": "http://pass.example"}, "GATEPASS_BASE_URL"),
        ({"GATEPASS_BASE_URL": ""}, "GATEPASS_BASE_URL"),
        ({"GATEPASS_STRIPE_SECRET_KEY": "sk_test_x"}, "GATEPASS_MODE"),
        ({"GATEPASS_MODE": "test"}, "GATEPASS_MODE"),
        ({"GATEPASS_WEBHOOKS_ALLOW_PRIVATE": "true"}, "GATEPASS_WEBHOOKS_ALLOW_PRIVATE"),
    ],
)
def test_live_mode_refuses_what_is_a_sandbox_a_default_or_in_the_open(
    tmp_path: Path, change: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingError) as error:
        config.read(LIVE | change, data_dir=tmp_path)

    assert named in str(error.value)


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
def test_a_live_key_alone_makes_the_mode_live(tmp_path: Path, key: str) -> None:
    without_mode = {name: value for name, value in LIVE.items() if name != "GATEPASS_MODE"}

    assert config.read(without_mode | {"GATEPASS_STRIPE_SECRET_KEY": key}, data_dir=tmp_path).live


@pytest.mark.parametrize("key", ["sk_test_x", "rk_live_x", "pk_live_x", "whatever"])
def test_only_a_publishable_key_of_the_same_mode_goes_to_browsers(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingError) as error:
        config.read({"GATEPASS_STRIPE_PUBLISHABLE_KEY": key}, data_dir=tmp_path)

    assert "GATEPASS_STRIPE_PUBLISHABLE_KEY" in str(error.value)
    assert key not in str(error.value)


def test_a_settings_file_counts_where_the_environment_says_nothing(tmp_path: Path) -> None:
    (tmp_path / config.SETTINGS_FILE).write_text(
        "# mine\n\nGATEPASS_LOG_LEVEL = error\nGATEPASS_SMTP_HOST=mail.example\n"
    )

    settings = config.read({"GATEPASS_LOG_LEVEL": "debug", "GATEPASS_SMTP_HOST": " "}, data_dir=tmp_path)

    assert (settings.log_level, settings.smtp_host) == ("debug", "mail.example")


def test_a_settings_file_that_is_none_names_its_line(tmp_path: Path) -> None:
    (tmp_path / config.SETTINGS_FILE).write_text("# mine\nhello\n")

    with pytest.raises(SettingError, match="line 2"):
        config.read({}, data_dir=tmp_path)


def test_several_secrets_are_read_in_their_order(tmp_path: Path) -> None:
    settings = config.read(
        {"GATEPASS_STRIPE_WEBHOOK_SECRET": "whsec_a, whsec_b,", "GATEPASS_SECRET_KEY": "old,new"}, data_dir=tmp_path
    )

    assert settings.stripe_webhook_secret == ("whsec_a", "whsec_b")
    assert settings.secret_key == ("old", "new")


def test_the_address_in_the_file_counts_unless_a_port_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("# ours\nGATEPASS_BASE_URL=http://127.0.0.1:8000\n")
    assert config.read({}, data_dir=tmp_path).base_url == "http://127.0.0.1:8000"
    assert config.read({}, data_dir=tmp_path, port=9000).base_url == "http://127.0.0.1:9000"

    (tmp_path / "settings.env").write_text("GATEPASS_BASE_URL=https://events.contoso.com\n")
    assert config.read({}, data_dir=tmp_path, port=9000).base_url == "https://events.contoso.com"
    assert config.read({"GATEPASS_BASE_URL": "https://a.example"}, data_dir=tmp_path).base_url == "https://a.example"
    assert config.read({}, data_dir=tmp_path / "new", port=9000).base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEPASS_DATABASE_URL", "postgresql://u:pw@127.0.0.1:notaport/x"),
        ("GATEPASS_BASE_URL", "http://[bad"),
        ("GATEPASS_BASE_URL", "http://a:99999"),
        ("GATEPASS_STRIPE_API_BASE", "http://u:pw@host"),
        ("GATEPASS_MAIL_FROM", "nobody"),
    ],
)
def test_a_wrong_address_is_named_without_a_traceback(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(config.SettingError, match=variable):
        config.read({variable: value}, data_dir=tmp_path)


@pytest.mark.parametrize("directory", [Path("/proc/nope"), Path("/tmp/what?")])
def test_a_directory_that_cannot_be_used_is_named(directory: Path) -> None:
    with pytest.raises(config.SettingError, match="GATEPASS_DATA_DIR"):
        config.read({}, data_dir=directory)


def test_live_mode_needs_no_webhook_while_events_are_pulled(tmp_path: Path) -> None:
    settings = config.read(LIVE | {"GATEPASS_STRIPE_WEBHOOK_SECRET": ""}, data_dir=tmp_path)

    assert (settings.live, settings.pull_seconds, settings.keep_notifications_days) == (True, 30, 400)


REMOTE = {
    "GATEPASS_EVENT_MANAGEMENT": "dataverse",
    "GATEPASS_DATAVERSE_URL": "https://contoso.crm4.dynamics.com/",
    "GATEPASS_DATAVERSE_TENANT_ID": "tenant",
    "GATEPASS_DATAVERSE_CLIENT_ID": "client",
    "GATEPASS_DATAVERSE_CLIENT_SECRET": "secret",
    "GATEPASS_STRIPE_SECRET_KEY": "sk_test_1",
}


def test_a_completion_service_knows_its_dataverse_and_keeps_the_pace_that_is_allowed(tmp_path: Path) -> None:
    settings = config.read(REMOTE, data_dir=tmp_path)

    assert (settings.remote, settings.dataverse_url) == (True, "https://contoso.crm4.dynamics.com")
    assert settings.dataverse_authority == "https://login.microsoftonline.com"
    assert (settings.dataverse_calls_per_s, settings.dataverse_at_once, settings.dataverse_hold_minutes) == (15, 8, 30)
    assert not config.read({}, data_dir=tmp_path).remote


@pytest.mark.parametrize("missing", [name for name in REMOTE if name != "GATEPASS_EVENT_MANAGEMENT"])
def test_a_completion_service_without_its_dataverse_does_not_start(tmp_path: Path, missing: str) -> None:
    with pytest.raises(SettingError, match=missing):
        config.read(REMOTE | {missing: ""}, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEPASS_DATAVERSE_URL", "http://contoso.crm4.dynamics.com"),
        ("GATEPASS_DATAVERSE_URL", "contoso"),
        ("GATEPASS_DATAVERSE_URL", "https://contoso.crm4.dynamics.com/api/data/v9.2"),
        ("GATEPASS_DATAVERSE_URL", "https://contoso.crm4.dynamics.com/main.aspx?appid=1"),
        ("GATEPASS_DATAVERSE_AUTHORITY", "http://login.example"),
        ("GATEPASS_DATAVERSE_LATE_MONEY", "keep"),
        ("GATEPASS_DATAVERSE_CALLS_PER_S", "0"),
        ("GATEPASS_RETURN_ORIGINS", "https://www.contoso.com/thanks"),
        ("GATEPASS_RETURN_ORIGINS", "javascript:alert(1)"),
    ],
)
def test_what_would_send_secrets_or_buyers_astray_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        config.read(REMOTE | {name: value}, data_dir=tmp_path)


def test_a_dataverse_on_this_machine_needs_no_certificate(tmp_path: Path) -> None:
    local = {"GATEPASS_DATAVERSE_URL": "http://127.0.0.1:8100", "GATEPASS_RETURN_ORIGINS": "http://localhost:*"}
    assert config.read(REMOTE | local, data_dir=tmp_path).return_origins == ("http://localhost:*",)
