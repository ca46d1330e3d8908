"""Limits per user, as Dataverse has them: what is over is refused with 429, and told when it helps to try again."""

from uuid import uuid4

import pytest

from gatepass.domain.errors import Unavailable
from gatepass.web.dataverse.protection import Limits, Protection


def test_too_many_requests_are_refused_and_another_user_is_not() -> None:
    protection, ann, ben = Protection(Limits(requests=3)), uuid4(), uuid4()
    left = [_ask(protection, ann)["x-ms-ratelimit-burst-remaining-xrm-requests"] for _ in range(3)]

    with pytest.raises(Unavailable) as refusal:
        _ask(protection, ann)

    assert left == ["2", "1", "0"]
    assert refusal.value.code == "TooManyRequests"
    assert 290 <= refusal.value.retry_after_s <= 300
    _ask(protection, ben)


def test_too_many_at_once_are_refused_until_one_has_ended() -> None:
    protection, ann = Protection(Limits(at_once=2)), uuid4()

    with protection.admit(ann), protection.admit(ann), pytest.raises(Unavailable) as refusal:
        _ask(protection, ann)

    assert (refusal.value.code, refusal.value.retry_after_s) == ("TooManyAtOnce", 1)
    _ask(protection, ann)


def test_no_limit_is_no_limit() -> None:
    protection, ann = Protection(Limits(0, 0, 0)), uuid4()

    assert [_ask(protection, ann) for _ in range(10_000)] == [{}] * 10_000


def _ask(protection: Protection, user: object) -> dict[str, str]:
    with protection.admit(user) as headers:  # type: ignore[arg-type]
        return headers
