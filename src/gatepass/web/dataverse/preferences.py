"""What a caller prefers and we honour, and the Preference-Applied header that says so."""

from dataclasses import dataclass

from gatepass.model.query import PAGE_LIMIT
from gatepass.web.dataverse import annotations
from gatepass.web.dataverse.annotations import Annotations
from gatepass.web.dataverse.call import Call

PAGE_SIZE, RETURN = "odata.maxpagesize", "return"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of one call that this service knows."""

    page_size: int | None
    annotations: Annotations
    representation: bool
    """The written record shall be in the answer."""

    def applied(self, *names: str) -> dict[str, str]:
        """The header for those of these preferences that were asked for; no header for none."""
        told = {
            PAGE_SIZE: f"{PAGE_SIZE}={self.page_size}" if self.page_size else "",
            annotations.PREFERENCE: f'{annotations.PREFERENCE}="{",".join(self.annotations.patterns)}"'
            if self.annotations
            else "",
            RETURN: "return=representation" if self.representation else "",
        }
        found = [told[name] for name in names if told[name]]
        return {"Preference-Applied": ",".join(found)} if found else {}


def preferences(call: Call) -> Preferences:
    """A page size that is none is not honoured: a preference is no command."""
    said = call.preferences
    size = said.get(PAGE_SIZE, said.get("maxpagesize", ""))
    wanted = said.get(annotations.PREFERENCE, said.get("include-annotations", ""))
    return Preferences(
        page_size=min(int(size), PAGE_LIMIT)
        if size.isascii() and size.isdigit() and 0 < len(size) < 10 and int(size)
        else None,
        annotations=Annotations.asked(wanted),
        representation=said.get(RETURN) == "representation",
    )
