"""What goes wrong on purpose: switches for deliveries and for API calls, kept over a restart."""

from typing import Annotated, Any, Literal

import msgspec

LONGEST_DELAY_S = 30 * 24 * 3600
LONGEST_HANG_S = 3600
MOST_TIMES = 100
MOST_CALLS = 1_000_000


class DeliveryFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hold` keeps events back until a flush or a reset; `drop` loses those that happen meanwhile, as a dead network would."""

    mode: Literal["normal", "hold", "drop"] = "normal"
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_DELAY_S)] = 0
    times: Annotated[int, msgspec.Meta(ge=0, le=MOST_TIMES)] = 1
    shuffle: bool = False
    bad_signature: bool = False
    old_timestamp: bool = False


class ApiFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the next `remaining` calls meet. `after_effect`: do the work first, then hang or answer 500."""

    status: Literal[500, 429] | None = None
    hang_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_HANG_S)] = 0
    after_effect: bool = False
    remaining: Annotated[int, msgspec.Meta(ge=0, le=MOST_CALLS)] = 0
    path_contains: str = ""


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deliveries: DeliveryFault = DeliveryFault()
    api: ApiFault = ApiFault()

    def changed(self, wanted: dict[str, Any]) -> "Faults":
        """With some members set; raises msgspec.ValidationError for one that does not exist."""
        current: dict[str, dict[str, Any]] = msgspec.to_builtins(self)
        merged = {part: {**current.get(part, {}), **values} for part, values in wanted.items()}
        if "api" in wanted and "remaining" not in wanted["api"]:
            # A fault that is set without a count stays until it is reset.
            merged["api"]["remaining"] = MOST_CALLS
        return msgspec.convert(current | merged, Faults)

    def meets(self, path: str) -> bool:
        api = self.api
        return api.remaining > 0 and (api.status is not None or api.hang_s > 0) and api.path_contains in path

    def used_once(self) -> "Faults":
        api = msgspec.structs.replace(self.api, remaining=self.api.remaining - 1)
        return msgspec.structs.replace(self, api=api)
