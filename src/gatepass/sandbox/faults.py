"""What goes wrong on purpose: switches for deliveries and for API calls, kept over a restart."""

from typing import Annotated, Any, Literal

import msgspec

LONGEST_DELAY_S = 30 * 24 * 3600
LONGEST_HANG_S = 3600
MOST_TIMES = 100
MOST_CALLS = 1_000_000
MOST_SKEW_S = 365 * 24 * 3600
Outcome = Literal["card", "succeeds", "pending", "fails", "pending_fails"]
"""How a refund goes: as its card says, at once, later, at once and then back, or never after a while."""


class DeliveryFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hold` keeps events back until a flush or a reset; `drop` loses those that happen meanwhile, as a dead network would."""

    mode: Literal["normal", "hold", "drop"] = "normal"
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_DELAY_S)] = 0
    times: Annotated[int, msgspec.Meta(ge=0, le=MOST_TIMES)] = 1
    shuffle: bool = False
    bad_signature: bool = False
    old_timestamp: bool = False


class ApiFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the next `remaining` calls meet. `after_effect`: do the work first, then hang, answer 500, or cut the line.

    `body` spoils whatever is answered; `reset` cuts the connection instead of answering.
    """

    status: Literal[500, 503, 429] | None = None
    hang_s: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_HANG_S)] = 0
    after_effect: bool = False
    remaining: Annotated[int, msgspec.Meta(ge=0, le=MOST_CALLS)] = 0
    path_contains: str = ""
    method: Literal["GET", "POST", "DELETE"] | None = None
    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_HANG_S)] | None = None
    body: Literal["whole", "no_json", "truncated", "empty"] = "whole"
    reset: bool = False

    @property
    def does_something(self) -> bool:
        return self.status is not None or self.hang_s > 0 or self.body != "whole" or self.reset


class RefundFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How refunds go that the merchant's API key asks for."""

    outcome: Outcome = "card"


class ClockFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the sandbox's clock is wrong, as others see it: in `Date`, in signatures and in `created`."""

    skew_s: Annotated[int, msgspec.Meta(ge=-MOST_SKEW_S, le=MOST_SKEW_S)] = 0


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deliveries: DeliveryFault = DeliveryFault()
    api: ApiFault = ApiFault()
    refunds: RefundFault = RefundFault()
    clock: ClockFault = ClockFault()

    def changed(self, wanted: dict[str, Any]) -> "Faults":
        """With some members set; raises msgspec.ValidationError for one that does not exist."""
        current: dict[str, dict[str, Any]] = msgspec.to_builtins(self)
        merged = {part: {**current.get(part, {}), **values} for part, values in wanted.items()}
        if "api" in wanted and "remaining" not in wanted["api"]:
            # A fault that is set without a count stays until it is reset.
            merged["api"]["remaining"] = MOST_CALLS
        return msgspec.convert(current | merged, Faults)

    def meets(self, method: str, path: str) -> bool:
        api = self.api
        called = api.path_contains in path and api.method in (None, method)
        return api.remaining > 0 and api.does_something and called

    def used_once(self) -> "Faults":
        api = msgspec.structs.replace(self.api, remaining=self.api.remaining - 1)
        return msgspec.structs.replace(self, api=api)
