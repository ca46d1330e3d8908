"""Microsoft's own Python SDK (powerplatform-dataverse-client) drives the Web API unchanged, through TLS and Azure credentials.

Every story here is a row of the table in docs/dataverse.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import pytest_asyncio
from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.dataverse.conftest import Environment

T = TypeVar("T")
Ask = Callable[[Callable[[DataverseClient], T]], Any]


@pytest_asyncio.fixture
async def ask(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ask[Any]]:
    """Run a function of the client in a thread of its own: the SDK blocks."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(environment.secure.ca))
    credential = ClientSecretCredential(
        environment.tenant, str(environment.client.client_id), environment.client.client_secret,
        authority=environment.url, disable_instance_discovery=True, connection_verify=str(environment.secure.ca),
    )  # fmt: skip
    client = DataverseClient(environment.url, credential)

    async def run(story: Callable[[DataverseClient], T]) -> T:
        return await asyncio.to_thread(story, client)

    yield run
    await asyncio.to_thread(client.close)
    # An open connection would keep the proxy waiting for half a minute.
    await asyncio.to_thread(credential.close)


async def test_create_read_change_delete(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        at = client.records.create("account", {"name": "Contoso", "revenue": 1234.5, "numberofemployees": 7})
        found = client.records.retrieve("account", at, select=["name", "revenue", "numberofemployees"])
        assert found is not None
        assert (found["name"], Decimal(str(found["revenue"])), found["numberofemployees"]) == (
            "Contoso",
            Decimal("1234.5"),
            7,
        )

        client.records.update("account", at, {"name": "Contoso Ltd"})
        again = client.records.retrieve("account", at, select=["name"])
        assert again is not None
        assert again["name"] == "Contoso Ltd"

        client.records.delete("account", at)
        assert client.records.retrieve("account", at) is None

    await ask(story)


async def test_many_at_once(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        ids = client.records.create(
            "contact", [{"lastname": f"L{at}", "emailaddress1": f"l{at}@example.org"} for at in range(25)]
        )
        assert len(set(ids)) == 25
        client.records.update("contact", ids, {"jobtitle": "Analyst"})
        client.records.update("contact", ids[:2], [{"firstname": "A"}, {"firstname": "B"}])
        names = {
            one["contactid"]: one["fullname"] for one in client.records.list("contact", filter="jobtitle eq 'Analyst'")
        }
        assert len(names) == 25
        assert names[ids[1]] == "B L1"
        assert client.records.delete("contact", ids[:5]) is not None
        client.records.delete("contact", ids[5:7], use_bulk_delete=False)
        assert len(client.records.list("contact", filter="jobtitle eq 'Analyst'")) == 18

    await ask(story)


async def test_upsert_by_alternate_key(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        one = UpsertItem({"accountnumber": "A-1"}, {"name": "First"})
        client.records.upsert("account", [one])
        client.records.upsert("account", [UpsertItem({"accountnumber": "A-1"}, {"name": "Second"})])
        client.records.upsert(
            "account", [UpsertItem({"accountnumber": f"A-{at}"}, {"name": f"Many {at}"}) for at in range(3)]
        )
        found = client.records.list("account", select=["name", "accountnumber"], orderby=["accountnumber asc"])
        assert [(row["accountnumber"], row["name"]) for row in found] == [
            ("A-0", "Many 0"),
            ("A-1", "Many 1"),
            ("A-2", "Many 2"),
        ]

    await ask(story)


async def test_lists_filters_and_pages(ask: Ask[Any], environment: Environment) -> None:
    def story(client: DataverseClient) -> None:
        client.records.create("account", [{"name": f"Account {at:02}", "numberofemployees": at} for at in range(23)])
        pages = list(
            client.records.list_pages("account", select=["name"], orderby=["name desc"], page_size=5, count=True)
        )
        assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
        assert [row["name"] for page in pages for row in page] == [f"Account {at:02}" for at in reversed(range(23))]
        assert (
            len(client.records.list("account", filter="numberofemployees ge 20 or startswith(name,'account 0')")) == 13
        )
        assert len(client.records.list("account", top=4)) == 4
        built = (
            client.query.builder("account").select("name", "numberofemployees")
            .where((col("numberofemployees") > 3) & col("name").in_(["Account 04", "Account 05", "O'Brien"]))
            .order_by("numberofemployees", descending=True).execute()
        )  # fmt: skip
        assert [row["numberofemployees"] for row in built] == [5, 4]
        assert len(client.records.list("account", filter=col("name").like("%unt 1%"))) == 10

    await ask(story)
    assert any("skiptoken" in seen for seen in environment.secure.seen)


async def test_lookups_expands_and_annotations(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        account = client.records.create("account", {"name": "Contoso"})
        client.records.create(
            "contact",
            {"firstname": "Ada", "lastname": "Byron", "parentcustomerid_account@odata.bind": f"/accounts({account})"},
        )
        (ada,) = client.records.list("contact", expand=["parentcustomerid_account"], include_annotations="*")
        assert ada["parentcustomerid_account"]["name"] == "Contoso"
        assert ada["_parentcustomerid_value"] == account
        assert ada["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"] == "Contoso"
        (event,) = client.records.list(
            "msevtmgt_event", filter="msevtmgt_publishstatus eq 100000003", expand=["msevtmgt_event_pass"],
            include_annotations="*",
        )  # fmt: skip
        assert event["msevtmgt_publishstatus@OData.Community.Display.V1.FormattedValue"] == "Live"
        assert {one["msevtmgt_name"] for one in event["msevtmgt_event_pass"]} == {"Full", "Rare", "Free"}

    await ask(story)


async def test_labels_are_taken_for_options(ask: Ask[Any]) -> None:
    """The SDK asks for option sets and sends numbers in place of labels."""

    def story(client: DataverseClient) -> None:
        at = client.records.create("msevtmgt_speaker", {"msevtmgt_name": "Grace", "msevtmgt_type": "External"})
        found = client.records.retrieve("msevtmgt_speaker", at, select=["msevtmgt_type"])
        assert found is not None
        assert found["msevtmgt_type"] == 100000001

    await ask(story)


async def test_batch_and_change_sets(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        batch = client.batch.new()
        with batch.changeset() as changes:
            account = changes.records.create("account", {"name": "Fabrikam"})
            changes.records.create("contact", {"lastname": "Doe", "parentcustomerid_account@odata.bind": account})
        batch.records.list("account", select=["name"], filter="name eq 'Fabrikam'")
        done = batch.execute()
        assert not done.has_errors, [one.error_message for one in done.failed]
        assert len(client.records.list("contact", filter="parentcustomerid_account/name eq 'Fabrikam'")) == 1

        broken = client.batch.new()
        with broken.changeset() as changes:
            changes.records.create("account", {"name": "Never"})
            changes.records.update("account", str(uuid4()), {"name": "Nobody"})
        assert broken.execute().has_errors
        assert len(client.records.list("account", filter="name eq 'Never'")) == 0

        going_on = client.batch.new()
        going_on.records.retrieve("account", str(uuid4()))
        going_on.records.create("account", {"name": "After all"})
        result = going_on.execute(continue_on_error=True)
        assert (len(result.failed), len(result.succeeded)) == (1, 1)

    await ask(story)


async def test_fetchxml(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        client.records.create("account", [{"name": f"F{at}", "numberofemployees": at} for at in range(12)])
        pages = list(
            client.query.fetchxml(
                '<fetch count="5"><entity name="account"><attribute name="name"/><order attribute="name"/>'
                '<filter><condition attribute="numberofemployees" operator="ge" value="1"/></filter></entity></fetch>'
            ).execute_pages()
        )
        assert [len(page) for page in pages] == [5, 5, 1]
        joined = client.query.fetchxml(
            '<fetch><entity name="msevtmgt_pass"><attribute name="msevtmgt_name"/><order attribute="msevtmgt_name"/>'
            '<link-entity name="msevtmgt_event" from="msevtmgt_eventid" to="msevtmgt_eventid" alias="e">'
            '<attribute name="msevtmgt_name"/></link-entity></entity></fetch>'
        ).execute()
        assert [row["e.msevtmgt_name"] for row in joined] == ["Contoso Summit"] * 3
        (total,) = client.query.fetchxml(
            '<fetch aggregate="true"><entity name="account"><attribute name="numberofemployees" alias="total" aggregate="sum"/>'
            "</entity></fetch>"
        ).execute()
        assert total["total"] == 66

    await ask(story)


async def test_sql(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        client.records.create("account", [{"name": f"S{at}", "numberofemployees": at % 3} for at in range(9)])
        rows = client.query.sql(
            "SELECT name, numberofemployees FROM account WHERE name LIKE 'S%' AND numberofemployees > 0 ORDER BY name DESC"
        )
        assert [row["name"] for row in rows] == ["S8", "S7", "S5", "S4", "S2", "S1"]
        first = client.query.sql("SELECT TOP 2 name FROM account ORDER BY name")
        assert [row["name"] for row in first] == ["S0", "S1"]
        groups = client.query.sql(
            "SELECT numberofemployees, COUNT(*) AS n FROM account GROUP BY numberofemployees ORDER BY numberofemployees"
        )
        assert [(row["numberofemployees"], row["n"]) for row in groups] == [(0, 3), (1, 3), (2, 3)]
        passes = client.query.sql(
            "SELECT p.msevtmgt_name, e.msevtmgt_name AS event FROM msevtmgt_pass p "
            "JOIN msevtmgt_event e ON p.msevtmgt_eventid = e.msevtmgt_eventid ORDER BY p.msevtmgt_name"
        )
        assert [row["event"] for row in passes] == ["Contoso Summit"] * 3

    await ask(story)


async def test_metadata(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        table = client.tables.get("msevtmgt_pass")
        assert table is not None
        assert (table["entity_set_name"], table["primary_name_attribute"]) == ("msevtmgt_passes", "msevtmgt_name")
        assert client.tables.get("no_such_table") is None
        assert {"msevtmgt_event", "account", "gatepass_payment"} <= {one["LogicalName"] for one in client.tables.list()}
        columns = {one["LogicalName"]: one for one in client.tables.list_columns("msevtmgt_pass")}
        assert columns["msevtmgt_passprice"]["AttributeType"] == "Money"
        one = client.tables.get_column("msevtmgt_pass", "msevtmgt_passprice")
        assert one is not None
        assert client.tables.get_column("msevtmgt_pass", "no_such_column") is None
        found = client.tables.get_relationship("msevtmgt_event_pass")
        assert found is not None
        assert client.tables.list_table_relationships("msevtmgt_pass")
        assert [key.key_attributes for key in client.tables.get_alternate_keys("account")] == [["accountnumber"]]

    await ask(story)


async def test_a_purchase_is_read_and_not_changed(ask: Ask[Any], environment: Environment) -> None:
    order = await environment.here.register()

    def story(client: DataverseClient) -> None:
        found = client.records.retrieve(
            "msevtmgt_eventpurchase", str(order.id), select=["msevtmgt_totalprice", "msevtmgt_paymentstatus"],
            expand=["transactioncurrencyid"],
        )  # fmt: skip
        assert found is not None
        assert Decimal(str(found["msevtmgt_totalprice"])) == Decimal("120.5")
        assert found["msevtmgt_paymentstatus"] is None
        assert found["transactioncurrencyid"]["isocurrencycode"] == "EUR"
        with pytest.raises(HttpError, match="finalize"):
            client.records.update("msevtmgt_eventpurchase", str(order.id), {"msevtmgt_paymentstatus": 100000001})

    await ask(story)


async def test_errors_carry_status_code_and_sentence(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        with pytest.raises(HttpError) as missing:
            client.records.update("account", str(uuid4()), {"name": "x"})
        assert missing.value.status_code == 404
        with pytest.raises(HttpError) as unknown:
            client.records.list("account", select=["no_such_column"])
        assert unknown.value.status_code == 400
        assert "Could not find a property named 'no_such_column'" in str(unknown.value)
        with pytest.raises(HttpError) as schema:
            client.tables.create("new_Thing", {"new_Name": "string"})
        assert schema.value.status_code == 403

    await ask(story)
