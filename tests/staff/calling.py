"""A program that calls the staff API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from gatepass.services import tokens
from tests.running import Running

ALL = ("read", "setup", "work", "money", "admin")


@dataclass
class Program:
    """One program with its token."""

    name: str
    token: str
    web: httpx.AsyncClient = field(repr=False)

    @property
    def actor(self) -> str:
        """How the audit names it."""
        return f"token {self.name}"

    async def ask(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Whatever is answered."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return await self.web.request(method, f"/staff/api/v1{path}", headers=headers, **options)

    async def do(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """What is answered, when it works."""
        answer = await self.ask(method, path, **options, **({} if body is None else {"json": body}))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Status and code, when it does not."""
        answer = await self.ask(method, path, **options, **({} if body is None else {"json": body}))
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert set(problem) >= {"title", "status", "detail", "code"}
        return answer.status_code, problem["code"]


@asynccontextmanager
async def program(system: Running, *scopes: str) -> AsyncIterator[Program]:
    """A program with these scopes; none: all of them."""
    name = f"program {uuid4().hex[:8]}"
    _, token = await system.store.write(lambda tx: tokens.add(tx, name, scopes or ALL, 1, "test"))
    async with httpx.AsyncClient(base_url=system.base_url, timeout=30) as web:
        yield Program(name, token, web)
