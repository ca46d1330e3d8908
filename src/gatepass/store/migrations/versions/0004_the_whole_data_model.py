"""The whole data model of Dataverse: tables that only the Web API knows, and what the others lack."""

import sqlalchemy as sa
from alembic import op

from gatepass.domain.purchase import order_reference
from gatepass.store.types import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

USER = sa.text("'00000000000070008000000000000001'")


def upgrade() -> None:
    _new_tables()
    _new_columns()
    _new_indexes()
    _fill()


def _add(table: str, column: str, target: str) -> None:
    """A column that points to another table. SQLite can add it only so; a table that others point to is never made anew."""
    kind = "UUID" if op.get_bind().dialect.name == "postgresql" else "CHAR(32)"
    op.execute(f'ALTER TABLE "{table}" ADD COLUMN {column} {kind} CONSTRAINT fk_{table}_{column} REFERENCES {target} (id)')


def _fill() -> None:
    """What rows that were there before do not say."""
    for table in ("event", "pass", "payment_provider", "web_application"):
        op.execute(f'UPDATE "{table}" SET changed = created')
    code = "SELECT attendee_pass.code FROM attendee_pass WHERE attendee_pass.registration_id = registration.id"
    op.execute(f"UPDATE registration SET name = coalesce(({code}), '')")
    _name_purchases()
    op.execute('UPDATE "pass" SET currency = (SELECT event.currency FROM event WHERE event.id = "pass".event_id)')


def _new_tables() -> None:
    op.create_table('account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('accountnumber', sa.String(length=20), nullable=True),
    sa.Column('emailaddress1', sa.String(length=100), nullable=True),
    sa.Column('telephone1', sa.String(length=50), nullable=True),
    sa.Column('websiteurl', sa.String(length=200), nullable=True),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('numberofemployees', sa.Integer(), nullable=True),
    sa.Column('revenue', sa.BigInteger(), nullable=True),
    sa.Column('creditlimit', sa.BigInteger(), nullable=True),
    sa.Column('creditonhold', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('address1_line1', sa.String(length=250), nullable=True),
    sa.Column('address1_line2', sa.String(length=250), nullable=True),
    sa.Column('address1_line3', sa.String(length=250), nullable=True),
    sa.Column('address1_city', sa.String(length=250), nullable=True),
    sa.Column('address1_stateorprovince', sa.String(length=250), nullable=True),
    sa.Column('address1_postalcode', sa.String(length=250), nullable=True),
    sa.Column('address1_country', sa.String(length=250), nullable=True),
    sa.Column('primarycontact_id', sa.Uuid(), nullable=True),
    sa.Column('parentaccount_id', sa.Uuid(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['parentaccount_id'], ['account.id'], name=op.f('fk_account_parentaccount_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('accountnumber', name=op.f('uq_account_accountnumber'))
    )
    op.create_index(op.f('ix_account_parentaccount_id'), 'account', ['parentaccount_id'], unique=False)
    op.create_index(op.f('ix_account_primarycontact_id'), 'account', ['primarycontact_id'], unique=False)
    op.create_table('building',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('addressline1', sa.String(length=250), nullable=True),
    sa.Column('addressline2', sa.String(length=250), nullable=True),
    sa.Column('addressline3', sa.String(length=250), nullable=True),
    sa.Column('city', sa.String(length=250), nullable=True),
    sa.Column('country', sa.String(length=250), nullable=True),
    sa.Column('postalcode', sa.String(length=250), nullable=True),
    sa.Column('stateprovince', sa.String(length=250), nullable=True),
    sa.Column('cost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('estimatedcapacity', sa.Integer(), nullable=True),
    sa.Column('telephone1', sa.String(length=50), nullable=True),
    sa.Column('telephone2', sa.String(length=50), nullable=True),
    sa.Column('telephone3', sa.String(length=50), nullable=True),
    sa.Column('email', sa.String(length=100), nullable=True),
    sa.Column('website', sa.String(length=200), nullable=True),
    sa.Column('wifiavailable', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('wifissid', sa.String(length=100), nullable=True),
    sa.Column('wifipassword', sa.String(length=100), nullable=True),
    sa.Column('disabledaccess', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('disabledparking', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('accessibletoilets', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('publictelephoneavailable', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('additionalfacilities', sa.String(length=2000), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_building'))
    )
    op.create_table('custom_field',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('text', sa.String(length=450), nullable=False),
    sa.Column('type', sa.Integer(), nullable=False),
    sa.Column('isrequired', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('choices', sa.Text(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custom_field'))
    )
    op.create_table('event_administration',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('contactmatchingstrategy', sa.Integer(), nullable=False),
    sa.Column('sendmailtopurchaser', sa.Integer(), nullable=True),
    sa.Column('sendmailtoeventattendee', sa.Integer(), nullable=True),
    sa.Column('enablefinalizationendpoints', sa.Integer(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_administration'))
    )
    op.create_table('organization',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('languagecode', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization'))
    )
    op.create_table('systemuser',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('fullname', sa.String(length=200), nullable=False),
    sa.Column('domainname', sa.String(length=1024), nullable=True),
    sa.Column('internalemailaddress', sa.String(length=320), nullable=True),
    sa.Column('applicationid', sa.Uuid(), nullable=True),
    sa.Column('azureactivedirectoryobjectid', sa.Uuid(), nullable=True),
    sa.Column('isdisabled', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('secret_hash', sa.String(length=300), nullable=True),
    sa.Column('role', sa.String(length=40), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_systemuser')),
    sa.UniqueConstraint('applicationid', name=op.f('uq_systemuser_applicationid'))
    )
    op.create_table('transactioncurrency',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('currencyname', sa.String(length=100), nullable=False),
    sa.Column('iso_code', sa.String(length=3), nullable=False),
    sa.Column('currencysymbol', sa.String(length=13), nullable=False),
    sa.Column('currencyprecision', sa.Integer(), nullable=False),
    sa.Column('exchangerate', sa.BigInteger(), nullable=False),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transactioncurrency')),
    sa.UniqueConstraint('iso_code', name=op.f('uq_transactioncurrency_iso_code'))
    )
    op.create_table('businessunit',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('isdisabled', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('parentbusinessunit_id', sa.Uuid(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_businessunit_organization_id')),
    sa.ForeignKeyConstraint(['parentbusinessunit_id'], ['businessunit.id'], name=op.f('fk_businessunit_parentbusinessunit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_businessunit'))
    )
    op.create_table('contact',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('fullname', sa.String(length=160), nullable=True),
    sa.Column('firstname', sa.String(length=50), nullable=True),
    sa.Column('lastname', sa.String(length=50), nullable=True),
    sa.Column('emailaddress1', sa.String(length=100), nullable=True),
    sa.Column('telephone1', sa.String(length=50), nullable=True),
    sa.Column('mobilephone', sa.String(length=50), nullable=True),
    sa.Column('jobtitle', sa.String(length=100), nullable=True),
    sa.Column('department', sa.String(length=100), nullable=True),
    sa.Column('salutation', sa.String(length=100), nullable=True),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('address1_line1', sa.String(length=250), nullable=True),
    sa.Column('address1_line2', sa.String(length=250), nullable=True),
    sa.Column('address1_line3', sa.String(length=250), nullable=True),
    sa.Column('address1_city', sa.String(length=250), nullable=True),
    sa.Column('address1_stateorprovince', sa.String(length=250), nullable=True),
    sa.Column('address1_postalcode', sa.String(length=250), nullable=True),
    sa.Column('address1_country', sa.String(length=250), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('aadobjectid', sa.String(length=100), nullable=True),
    sa.Column('match_key', sa.String(length=64), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_contact_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact')),
    sa.UniqueConstraint('match_key', name=op.f('uq_contact_match_key'))
    )
    op.create_index(op.f('ix_contact_account_id'), 'contact', ['account_id'], unique=False)
    op.create_index(op.f('ix_contact_emailaddress1'), 'contact', ['emailaddress1'], unique=False)
    op.create_table('room',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('building_id', sa.Uuid(), nullable=False),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('capacity', sa.Integer(), nullable=True),
    sa.Column('avsupport', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('whiteboard', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('disabledaccess', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['building_id'], ['building.id'], name=op.f('fk_room_building_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_room'))
    )
    op.create_index(op.f('ix_room_building_id'), 'room', ['building_id'], unique=False)
    op.create_table('venue',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('addressline1', sa.String(length=250), nullable=True),
    sa.Column('addressline2', sa.String(length=250), nullable=True),
    sa.Column('addressline3', sa.String(length=250), nullable=True),
    sa.Column('city', sa.String(length=250), nullable=True),
    sa.Column('country', sa.String(length=250), nullable=True),
    sa.Column('postalcode', sa.String(length=250), nullable=True),
    sa.Column('stateprovince', sa.String(length=250), nullable=True),
    sa.Column('cost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('estcapacity', sa.Integer(), nullable=True),
    sa.Column('telephone1', sa.String(length=50), nullable=True),
    sa.Column('telephone2', sa.String(length=50), nullable=True),
    sa.Column('telephone3', sa.String(length=50), nullable=True),
    sa.Column('email', sa.String(length=100), nullable=True),
    sa.Column('website', sa.String(length=200), nullable=True),
    sa.Column('wifiavailable', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('wifissid', sa.String(length=100), nullable=True),
    sa.Column('wifipassword', sa.String(length=100), nullable=True),
    sa.Column('disabledaccess', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('disabledparking', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('accessibletoilets', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('publictelephoneavailable', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('additionalfacilities', sa.String(length=2000), nullable=True),
    sa.Column('building_id', sa.Uuid(), nullable=True),
    sa.Column('room_id', sa.Uuid(), nullable=True),
    sa.Column('parentvenue_id', sa.Uuid(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['building_id'], ['building.id'], name=op.f('fk_venue_building_id')),
    sa.ForeignKeyConstraint(['parentvenue_id'], ['venue.id'], name=op.f('fk_venue_parentvenue_id')),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_venue_room_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_venue'))
    )
    op.create_table('event_field',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('customregistrationfield_id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['customregistrationfield_id'], ['custom_field.id'], name=op.f('fk_event_field_customregistrationfield_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_event_field_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_field'))
    )
    op.create_index(op.f('ix_event_field_customregistrationfield_id'), 'event_field', ['customregistrationfield_id'], unique=False)
    op.create_index(op.f('ix_event_field_event_id'), 'event_field', ['event_id'], unique=False)
    op.create_table('session_track',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('publishstatus', sa.Integer(), nullable=False),
    sa.Column('tracktype', sa.Integer(), nullable=True),
    sa.Column('audiencetype', sa.Integer(), nullable=True),
    sa.Column('trackcode', sa.String(length=100), nullable=True),
    sa.Column('trackgoal', sa.String(length=500), nullable=True),
    sa.Column('targetnumberofsessions', sa.Integer(), nullable=True),
    sa.Column('sessionsintrack', sa.Integer(), nullable=True),
    sa.Column('numberofregistrations', sa.Integer(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_session_track_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_track'))
    )
    op.create_index(op.f('ix_session_track_event_id'), 'session_track', ['event_id'], unique=False)
    op.create_table('speaker',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('title', sa.String(length=100), nullable=True),
    sa.Column('about', sa.String(length=2000), nullable=True),
    sa.Column('accomplishments', sa.String(length=2000), nullable=True),
    sa.Column('publications', sa.String(length=2000), nullable=True),
    sa.Column('email', sa.String(length=100), nullable=True),
    sa.Column('blog', sa.String(length=200), nullable=True),
    sa.Column('linkedin', sa.String(length=200), nullable=True),
    sa.Column('twitter', sa.String(length=200), nullable=True),
    sa.Column('website', sa.String(length=200), nullable=True),
    sa.Column('type', sa.Integer(), nullable=True),
    sa.Column('speakercost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('contact_id', sa.Uuid(), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('image_url', sa.String(length=1000), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_speaker_contact_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_speaker_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_speaker'))
    )
    op.create_index(op.f('ix_speaker_contact_id'), 'speaker', ['contact_id'], unique=False)
    op.create_index(op.f('ix_speaker_event_id'), 'speaker', ['event_id'], unique=False)
    op.create_table('sponsorship',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('sponsor_id', sa.Uuid(), nullable=False),
    sa.Column('sponsorshipamount', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('sponsorshipcategory', sa.Integer(), nullable=True),
    sa.Column('sponsorshiptype', sa.Integer(), nullable=True),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('image_url', sa.String(length=1000), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_sponsorship_event_id')),
    sa.ForeignKeyConstraint(['sponsor_id'], ['account.id'], name=op.f('fk_sponsorship_sponsor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sponsorship'))
    )
    op.create_index(op.f('ix_sponsorship_event_id'), 'sponsorship', ['event_id'], unique=False)
    op.create_index(op.f('ix_sponsorship_sponsor_id'), 'sponsorship', ['sponsor_id'], unique=False)
    op.create_table('session',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('starttime', sa.DateTime(), nullable=False),
    sa.Column('endtime', sa.DateTime(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=True),
    sa.Column('registrationcount', sa.Integer(), nullable=True),
    sa.Column('checkincount', sa.Integer(), nullable=True),
    sa.Column('waitlistthissession', sa.Integer(), nullable=True),
    sa.Column('showwaitlist', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('publishstatus', sa.Integer(), nullable=False),
    sa.Column('sessiontype', sa.Integer(), nullable=True),
    sa.Column('sessionformat', sa.Integer(), nullable=True),
    sa.Column('audiencetype', sa.Integer(), nullable=True),
    sa.Column('sessionsummary', sa.String(length=700), nullable=True),
    sa.Column('detaileddescription', sa.String(length=2000), nullable=True),
    sa.Column('sessionobjectives', sa.String(length=2000), nullable=True),
    sa.Column('sessionprerequisites', sa.String(length=2000), nullable=True),
    sa.Column('cameraspermitted', sa.Integer(), nullable=True),
    sa.Column('recordingspermitted', sa.Integer(), nullable=True),
    sa.Column('language', sa.Integer(), nullable=True),
    sa.Column('sessioncode', sa.String(length=100), nullable=True),
    sa.Column('externalurl', sa.String(length=1024), nullable=True),
    sa.Column('previousnumberoffreeslots', sa.Integer(), nullable=True),
    sa.Column('building_id', sa.Uuid(), nullable=True),
    sa.Column('room_id', sa.Uuid(), nullable=True),
    sa.Column('venue_id', sa.Uuid(), nullable=True),
    sa.Column('eventspeaker_id', sa.Uuid(), nullable=True),
    sa.Column('passsessions_id', sa.Uuid(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['building_id'], ['building.id'], name=op.f('fk_session_building_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_session_event_id')),
    sa.ForeignKeyConstraint(['eventspeaker_id'], ['speaker.id'], name=op.f('fk_session_eventspeaker_id')),
    sa.ForeignKeyConstraint(['passsessions_id'], ['pass.id'], name=op.f('fk_session_passsessions_id')),
    sa.ForeignKeyConstraint(['room_id'], ['room.id'], name=op.f('fk_session_room_id')),
    sa.ForeignKeyConstraint(['venue_id'], ['venue.id'], name=op.f('fk_session_venue_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session'))
    )
    op.create_index(op.f('ix_session_event_id'), 'session', ['event_id'], unique=False)
    op.create_table('msevtmgt_pass_msevtmgt_session',
    sa.Column('msevtmgt_passid', sa.Uuid(), nullable=False),
    sa.Column('msevtmgt_sessionid', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['msevtmgt_passid'], ['pass.id'], name=op.f('fk_msevtmgt_pass_msevtmgt_session_msevtmgt_passid'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['msevtmgt_sessionid'], ['session.id'], name=op.f('fk_msevtmgt_pass_msevtmgt_session_msevtmgt_sessionid'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('msevtmgt_passid', 'msevtmgt_sessionid', name=op.f('pk_msevtmgt_pass_msevtmgt_session'))
    )
    op.create_index(op.f('ix_msevtmgt_pass_msevtmgt_session_msevtmgt_sessionid'), 'msevtmgt_pass_msevtmgt_session', ['msevtmgt_sessionid'], unique=False)
    op.create_table('msevtmgt_sessiontrack_msevtmgt_session',
    sa.Column('msevtmgt_sessiontrackid', sa.Uuid(), nullable=False),
    sa.Column('msevtmgt_sessionid', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['msevtmgt_sessionid'], ['session.id'], name=op.f('fk_msevtmgt_sessiontrack_msevtmgt_session_msevtmgt_sessionid'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['msevtmgt_sessiontrackid'], ['session_track.id'], name=op.f('fk_msevtmgt_sessiontrack_msevtmgt_session_msevtmgt_sessiontrackid'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('msevtmgt_sessiontrackid', 'msevtmgt_sessionid', name=op.f('pk_msevtmgt_sessiontrack_msevtmgt_session'))
    )
    op.create_index(op.f('ix_msevtmgt_sessiontrack_msevtmgt_session_msevtmgt_sessionid'), 'msevtmgt_sessiontrack_msevtmgt_session', ['msevtmgt_sessionid'], unique=False)
    op.create_table('speaker_engagement',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('speaker_id', sa.Uuid(), nullable=False),
    sa.Column('starttime', sa.DateTime(), nullable=True),
    sa.Column('endtime', sa.DateTime(), nullable=True),
    sa.Column('speakercost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('description', sa.String(length=2000), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_speaker_engagement_event_id')),
    sa.ForeignKeyConstraint(['session_id'], ['session.id'], name=op.f('fk_speaker_engagement_session_id')),
    sa.ForeignKeyConstraint(['speaker_id'], ['speaker.id'], name=op.f('fk_speaker_engagement_speaker_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_speaker_engagement'))
    )
    op.create_index(op.f('ix_speaker_engagement_event_id'), 'speaker_engagement', ['event_id'], unique=False)
    op.create_index(op.f('ix_speaker_engagement_session_id'), 'speaker_engagement', ['session_id'], unique=False)
    op.create_index(op.f('ix_speaker_engagement_speaker_id'), 'speaker_engagement', ['speaker_id'], unique=False)
    op.create_table('waitlist_item',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('contact_id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('addedby_id', sa.Uuid(), nullable=True),
    sa.Column('autoregister', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('invited', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('reserved', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('pregeneratedregistrationid', sa.String(length=100), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['addedby_id'], ['contact.id'], name=op.f('fk_waitlist_item_addedby_id')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_waitlist_item_contact_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_waitlist_item_event_id')),
    sa.ForeignKeyConstraint(['session_id'], ['session.id'], name=op.f('fk_waitlist_item_session_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waitlist_item'))
    )
    op.create_index(op.f('ix_waitlist_item_contact_id'), 'waitlist_item', ['contact_id'], unique=False)
    op.create_index(op.f('ix_waitlist_item_event_id'), 'waitlist_item', ['event_id'], unique=False)
    op.create_index(op.f('ix_waitlist_item_session_id'), 'waitlist_item', ['session_id'], unique=False)
    op.create_table('registration_response',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('response', sa.String(length=4000), nullable=True),
    sa.Column('customregistrationfield_id', sa.Uuid(), nullable=False),
    sa.Column('eventregistration_id', sa.Uuid(), nullable=True),
    sa.Column('attendee_id', sa.Uuid(), nullable=True),
    sa.Column('waitlistitem_id', sa.Uuid(), nullable=True),
    sa.Column('createdfromapi', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['attendee_id'], ['attendee.id'], name=op.f('fk_registration_response_attendee_id')),
    sa.ForeignKeyConstraint(['customregistrationfield_id'], ['custom_field.id'], name=op.f('fk_registration_response_customregistrationfield_id')),
    sa.ForeignKeyConstraint(['eventregistration_id'], ['registration.id'], name=op.f('fk_registration_response_eventregistration_id')),
    sa.ForeignKeyConstraint(['waitlistitem_id'], ['waitlist_item.id'], name=op.f('fk_registration_response_waitlistitem_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_registration_response'))
    )
    op.create_index(op.f('ix_registration_response_attendee_id'), 'registration_response', ['attendee_id'], unique=False)
    op.create_index(op.f('ix_registration_response_customregistrationfield_id'), 'registration_response', ['customregistrationfield_id'], unique=False)
    op.create_index(op.f('ix_registration_response_eventregistration_id'), 'registration_response', ['eventregistration_id'], unique=False)
    op.create_index(op.f('ix_registration_response_waitlistitem_id'), 'registration_response', ['waitlistitem_id'], unique=False)
    op.create_table('session_registration',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('registration_id', sa.Uuid(), nullable=True),
    sa.Column('iscanceled', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('publishingstate', sa.Integer(), nullable=True),
    sa.Column('createdfromapi', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_session_registration_contact_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_session_registration_event_id')),
    sa.ForeignKeyConstraint(['registration_id'], ['registration.id'], name=op.f('fk_session_registration_registration_id')),
    sa.ForeignKeyConstraint(['session_id'], ['session.id'], name=op.f('fk_session_registration_session_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_session_registration'))
    )
    op.create_index(op.f('ix_session_registration_contact_id'), 'session_registration', ['contact_id'], unique=False)
    op.create_index(op.f('ix_session_registration_event_id'), 'session_registration', ['event_id'], unique=False)
    op.create_index(op.f('ix_session_registration_registration_id'), 'session_registration', ['registration_id'], unique=False)
    op.create_index(op.f('ix_session_registration_session_id'), 'session_registration', ['session_id'], unique=False)
    op.create_table('check_in',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('registration_id', sa.Uuid(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('sessionattended_id', sa.Uuid(), nullable=True),
    sa.Column('sessionregistration_id', sa.Uuid(), nullable=True),
    sa.Column('purchasedpasses_id', sa.Uuid(), nullable=True),
    sa.Column('checkintype', sa.Integer(), nullable=False),
    sa.Column('checkintime', Utc(timezone=True), nullable=True),
    sa.Column('checkouttime', Utc(timezone=True), nullable=True),
    sa.Column('registrationidfromqr', sa.String(length=100), nullable=True),
    sa.Column('viewingdurationinmins', sa.Integer(), nullable=True),
    sa.Column('created', Utc(timezone=True), nullable=False),
    sa.Column('changed', Utc(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False),
    sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False),
    sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_check_in_contact_id')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_check_in_event_id')),
    sa.ForeignKeyConstraint(['purchasedpasses_id'], ['attendee_pass.id'], name=op.f('fk_check_in_purchasedpasses_id')),
    sa.ForeignKeyConstraint(['registration_id'], ['registration.id'], name=op.f('fk_check_in_registration_id')),
    sa.ForeignKeyConstraint(['sessionattended_id'], ['session.id'], name=op.f('fk_check_in_sessionattended_id')),
    sa.ForeignKeyConstraint(['sessionregistration_id'], ['session_registration.id'], name=op.f('fk_check_in_sessionregistration_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_check_in'))
    )
    op.create_index(op.f('ix_check_in_contact_id'), 'check_in', ['contact_id'], unique=False)
    op.create_index(op.f('ix_check_in_event_id'), 'check_in', ['event_id'], unique=False)
    op.create_index(op.f('ix_check_in_purchasedpasses_id'), 'check_in', ['purchasedpasses_id'], unique=False)
    op.create_index(op.f('ix_check_in_registration_id'), 'check_in', ['registration_id'], unique=False)
    op.create_index(op.f('ix_check_in_sessionattended_id'), 'check_in', ['sessionattended_id'], unique=False)
    op.create_index(op.f('ix_check_in_sessionregistration_id'), 'check_in', ['sessionregistration_id'], unique=False)


def _new_columns() -> None:
    _add("attendee", "contact_id", "contact")
    op.add_column('attendee', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('attendee_pass', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('event', sa.Column('eventtimezone', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('eventtype', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('eventformat', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('language', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('publiceventurl', sa.String(length=1000), nullable=True))
    op.add_column('event', sa.Column('customeventurl', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('waitlistthisevent', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('showwaitlist', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('autoregisterwaitlistitems', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('event', sa.Column('showautomaticregistrationcheckbox', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('numberofinvitations', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('previousnumberoffreeslots', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('waitliststartingpoint', Utc(timezone=True), nullable=True))
    op.add_column('event', sa.Column('checkincount', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('allowanonymousregistrations', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('event', sa.Column('allowcustomagenda', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('enablecaptcha', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('enablemultiattendeeregistration', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('event', sa.Column('setregistrationsenddate', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('websitemessage', sa.String(length=3000), nullable=True))
    op.add_column('event', sa.Column('earlybirdcutoffdate', Utc(timezone=True), nullable=True))
    op.add_column('event', sa.Column('embedregistrationform', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('createleadsforeventregistrations', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('websitepreference', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('sourcesystem', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('istemplate', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('event', sa.Column('descriptorsyncstatus', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('budgetallocated', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('eventvenuecost', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('miscellaneouscosts', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('revenuefromsponsorship', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('targetrevenue', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('totalregistrationfee', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('totalrevenuefromtheevent', sa.BigInteger(), nullable=True))
    op.add_column('event', sa.Column('totalcostoftheevent', sa.BigInteger(), nullable=True))
    _add("event", "building_id", "building")
    _add("event", "room_id", "room")
    _add("event", "primaryvenue_id", "venue")
    op.add_column('event', sa.Column('changed', Utc(timezone=True), nullable=True))
    op.add_column('event', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('event', sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False))
    op.add_column('event', sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('event', sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('event', sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('event', sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('notification', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('pass', sa.Column('currency', sa.String(length=3), nullable=True))
    op.add_column('pass', sa.Column('costperunit', sa.BigInteger(), nullable=True))
    _add("pass", "track_id", "session_track")
    op.add_column('pass', sa.Column('descriptorsyncstatus', sa.Integer(), nullable=True))
    op.add_column('pass', sa.Column('changed', Utc(timezone=True), nullable=True))
    op.add_column('pass', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('pass', sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False))
    op.add_column('pass', sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('pass', sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('pass', sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('pass', sa.Column('owner', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('payment', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('payment_provider', sa.Column('changed', Utc(timezone=True), nullable=True))
    op.add_column('payment_provider', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('payment_provider', sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False))
    op.add_column('payment_provider', sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('payment_provider', sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('payment_provider', sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('purchase', sa.Column('name', sa.String(length=100), server_default=sa.text("''"), nullable=False))
    _add("purchase", "contact_id", "contact")
    op.add_column('purchase', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('refund', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('registration', sa.Column('name', sa.String(length=100), server_default=sa.text("''"), nullable=False))
    _add("registration", "contact_id", "contact")
    op.add_column('registration', sa.Column('primaryrole', sa.Integer(), nullable=True))
    op.add_column('registration', sa.Column('memo', sa.String(length=2000), nullable=True))
    op.add_column('registration', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('web_application', sa.Column('userauthenticationtype', sa.Integer(), nullable=True))
    op.add_column('web_application', sa.Column('aadclientid', sa.String(length=100), nullable=True))
    op.add_column('web_application', sa.Column('aadmetadataendpoint', sa.String(length=1000), nullable=True))
    op.add_column('web_application', sa.Column('changed', Utc(timezone=True), nullable=True))
    op.add_column('web_application', sa.Column('version', sa.BigInteger(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('web_application', sa.Column('state', sa.Integer(), server_default=sa.text("'0'"), nullable=False))
    op.add_column('web_application', sa.Column('reason', sa.Integer(), server_default=sa.text("'1'"), nullable=False))
    op.add_column('web_application', sa.Column('created_by', sa.Uuid(), server_default=USER, nullable=False))
    op.add_column('web_application', sa.Column('changed_by', sa.Uuid(), server_default=USER, nullable=False))


def _new_indexes() -> None:
    op.create_index(op.f('ix_attendee_contact_id'), 'attendee', ['contact_id'], unique=False)
    op.drop_index(op.f('ix_purchase_event_id'), 'purchase')
    op.create_index('ix_purchase_created', 'purchase', ['created', 'id'], unique=False)
    op.create_index('ix_purchase_event_created', 'purchase', ['event_id', 'created', 'id'], unique=False)
    op.create_index(op.f('ix_purchase_contact_id'), 'purchase', ['contact_id'], unique=False)
    op.create_index(op.f('ix_registration_contact_id'), 'registration', ['contact_id'], unique=False)


def _name_purchases() -> None:
    """The order reference, which is made of the id."""
    purchase = sa.table("purchase", sa.column("id", sa.Uuid), sa.column("name", sa.String))
    connection = op.get_bind()
    ids = list(connection.execute(sa.select(purchase.c.id)).scalars())
    for begin in range(0, len(ids), 1000):
        names = [{"at": at, "to": order_reference(at)} for at in ids[begin : begin + 1000]]
        connection.execute(
            sa.update(purchase).where(purchase.c.id == sa.bindparam("at")).values(name=sa.bindparam("to")), names
        )
