"""What a mail says: HTML and plain text from one template each, in the language of the order, with what belongs to it."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent


def environment_of(directory: Path) -> "Environment":
    """Templates that speak the reader's language, know amounts and dates, and escape what is not theirs."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    from gatepass import languages
    from gatepass.services import texts

    environment = Environment(
        loader=FileSystemLoader(directory),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    cast("Any", environment).install_gettext_callables(**languages.jinja_callables())
    cast("dict[str, Any]", environment.filters).update(money=texts.money)
    cast("dict[str, Any]", environment.globals).update(
        span=texts.span,
        when=texts.when,
        zone_name=texts.zone_name,
        spoken=languages.spoken,
        direction=languages.direction,
    )
    return environment


@cache
def letters() -> "Environment":
    """The templates of mails, made at the first mail."""
    return environment_of(_TEMPLATES)
