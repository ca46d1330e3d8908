"""Everything that can go wrong on purpose: four kinds, each with a code for programs and a sentence for people."""


class GatepassError(Exception):
    """A refusal. `code` is stable and PascalCase; `message` names the thing and the way out."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        """Where in the input, such as `attendees[1].email`; None when the whole is meant."""


class NotFound(GatepassError):
    """There is no such thing, or not for this caller."""


class Refused(GatepassError):
    """The input can never be accepted as it is."""


class Conflict(GatepassError):
    """The input is fine, the state of things is not."""


class Unavailable(GatepassError):
    """Try again: the only kind that is retried."""

    def __init__(self, code: str, message: str, *, retry_after_s: int = 10) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s
