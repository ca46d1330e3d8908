"""Microsoft's SDK reads every definition it can ask for, and learns that the schema is fixed."""

from collections.abc import Callable
from typing import Any

import pytest
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError

from gatepass import model
from tests.dataverse.test_official_sdk import Ask, ask

__all__ = ["ask"]

CHANGES: list[Callable[[DataverseClient], Any]] = [
    lambda client: client.tables.create("new_Product", {"new_Price": "decimal"}),
    lambda client: client.tables.delete("account"),
    lambda client: client.tables.add_columns("account", {"new_Price": "decimal"}),
    lambda client: client.tables.remove_columns("account", "description"),
    lambda client: client.tables.update_column("account", "description", {"max_length": 4000}),
    lambda client: client.tables.create_alternate_key("account", "new_key", ["name"]),
    lambda client: client.tables.create_lookup_field("account", "new_EventId", "msevtmgt_event"),
    lambda client: client.tables.delete_relationship("835746bf-148a-504b-bc79-994cdaea4849"),
]


async def test_definitions_are_read_whole_and_in_parts(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        assert len(client.tables.list()) == len(model.TABLES)
        some = client.tables.list(filter="startswith(SchemaName,'msevtmgt_Event')", select=["LogicalName"])
        assert {one["LogicalName"] for one in some} >= {"msevtmgt_event", "msevtmgt_eventpurchase"}

        texts = client.tables.list_columns("account", select=["LogicalName"], filter="AttributeType eq 'String'")
        assert "name" in [one["LogicalName"] for one in texts]
        typed = {one["LogicalName"]: one for one in client.tables.list_columns("account", typed=True)}
        assert (typed["name"]["MaxLength"], typed["revenue"]["Precision"], typed["creditlimit"]["MinValue"] < 0) == (
            160,
            4,
            True,
        )
        one = client.tables.get_column("account", "name", typed=True)
        assert one is not None
        assert one["RequiredLevel"]["Value"] == "ApplicationRequired"
        assert client.tables.get_column("account", "no_such_column", typed=True) is None
        with pytest.raises(MetadataError):
            client.tables.list_columns("no_such_table", typed=True)

    await ask(story)


async def test_relationships_are_read(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        found = client.tables.get_relationship("msevtmgt_pass_msevtmgt_session")
        assert found is not None
        assert found.relationship_type == "many_to_many"
        listed = client.tables.list_relationships(filter="IsCustomRelationship eq true", select=["SchemaName"])
        assert "msevtmgt_event_pass" in [one["SchemaName"] for one in listed]
        of_table = client.tables.list_table_relationships("msevtmgt_pass", select=["SchemaName", "ReferencingEntity"])
        assert {"msevtmgt_event_pass", "msevtmgt_pass_attendeepass"} <= {one["SchemaName"] for one in of_table}
        assert client.tables.get_relationship("no_such_relationship") is None

    await ask(story)


async def test_no_change_of_the_schema_is_taken(ask: Ask[Any]) -> None:
    def story(client: DataverseClient) -> None:
        for change in CHANGES:
            with pytest.raises(HttpError) as refused:
                change(client)
            assert refused.value.status_code == 403
            assert "fixed" in str(refused.value)

    await ask(story)
