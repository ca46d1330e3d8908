"""What a proxy says of the caller counts when it is one of ours, and from nobody else."""

from pathlib import Path

import pytest

from tests.running import running

LIE = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("10.0.0.0/8", False), ("127.0.0.0/8", True)])
async def test_headers_of_proxies_count_only_from_proxies(
    database_url: str, tmp_path: Path, proxies: str, believed: bool
) -> None:
    async with running(database_url, tmp_path, GATEPASS_TRUSTED_PROXIES=proxies) as system:
        url = f"{system.base_url}/{system.organization}/v2.0/.well-known/openid-configuration"
        told = (await system.client.get(url, headers=LIE)).json()["token_endpoint"]
        assert told.startswith("https://evil.example/" if believed else f"{system.base_url}/")
