"""Where events take place."""

from gatepass.model.build import currency, flag, integer, key, lookup, memo, money, standard, text
from gatepass.model.columns import Column
from gatepass.model.table import Table


def _address() -> tuple[Column, ...]:
    names = ("addressline1", "addressline2", "addressline3", "city", "country", "postalcode", "stateprovince")
    labels = ("Address line 1", "Address line 2", "Address line 3", "City", "Country/Region", "Postal code", "State")
    return tuple(text(f"msevtmgt_{name}", 250, label) for name, label in zip(names, labels, strict=True))


def _contact_ways() -> tuple[Column, ...]:
    return (
        *(text(f"msevtmgt_telephone{at}", 50, f"Telephone {at}") for at in (1, 2, 3)),
        text("msevtmgt_email", 100, "Email"),
        text("msevtmgt_website", 200, "Website"),
    )


def _equipment() -> tuple[Column, ...]:
    return (
        flag("msevtmgt_wifiavailable", "Wi-Fi available"),
        text("msevtmgt_wifissid", 100, "Wi-Fi SSID"),
        text("msevtmgt_wifipassword", 100, "Wi-Fi password"),
        flag("msevtmgt_disabledaccess", "Disabled access"),
        flag("msevtmgt_disabledparking", "Disabled parking"),
        flag("msevtmgt_accessibletoilets", "Accessible toilets"),
        flag("msevtmgt_publictelephoneavailable", "Public telephone available"),
        memo("msevtmgt_additionalfacilities", 2000, "Additional facilities"),
    )


BUILDING = Table(
    "building",
    "msevtmgt_building",
    "msevtmgt_buildings",
    "msevtmgt_Building",
    "Building",
    "Buildings",
    "msevtmgt_name",
    (
        key("msevtmgt_buildingid"),
        text("msevtmgt_name", 100, "Name", required=True),
        memo("msevtmgt_description", 2000, "Description"),
        *_address(),
        money("msevtmgt_cost", "Cost"),
        currency(required=False),
        integer("msevtmgt_estimatedcapacity", "Estimated capacity", minimum=0),
        *_contact_ways(),
        *_equipment(),
        *standard(),
    ),
    code=10010,
)

ROOM = Table(
    "room",
    "msevtmgt_room",
    "msevtmgt_rooms",
    "msevtmgt_Room",
    "Room",
    "Rooms",
    "msevtmgt_name",
    (
        key("msevtmgt_roomid"),
        text("msevtmgt_name", 100, "Name", required=True),
        lookup("msevtmgt_building", "msevtmgt_building", relationship="msevtmgt_building_room", required=True),
        memo("msevtmgt_description", 2000, "Description"),
        integer("msevtmgt_capacity", "Capacity", minimum=0),
        flag("msevtmgt_avsupport", "AV support"),
        flag("msevtmgt_whiteboard", "Whiteboard"),
        flag("msevtmgt_disabledaccess", "Disabled access"),
        *standard(),
    ),
    code=10011,
)

VENUE = Table(
    "venue",
    "msevtmgt_venue",
    "msevtmgt_venues",
    "msevtmgt_Venue",
    "Venue",
    "Venues",
    "msevtmgt_name",
    (
        key("msevtmgt_venueid"),
        text("msevtmgt_name", 100, "Name", required=True),
        memo("msevtmgt_description", 2000, "Description"),
        *_address(),
        money("msevtmgt_cost", "Cost"),
        currency(required=False),
        integer("msevtmgt_estcapacity", "Estimated capacity", minimum=0),
        *_contact_ways(),
        *_equipment(),
        lookup("msevtmgt_buildingid", "msevtmgt_building", index=False),
        lookup("msevtmgt_roomid", "msevtmgt_room", index=False),
        lookup("msevtmgt_parentvenueid", "msevtmgt_venue", index=False),
        *standard(),
    ),
    code=10012,
)

TABLES = (BUILDING, ROOM, VENUE)
