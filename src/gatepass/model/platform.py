"""The tables of Dataverse itself that ours lean on."""

from gatepass.model.build import (
    BUSINESS_UNIT,
    column,
    constant,
    currency,
    flag,
    integer,
    key,
    lookup,
    memo,
    money,
    ours,
    standard,
    text,
)
from gatepass.model.columns import Kind, Set
from gatepass.model.table import Access, Key, Ownership, Table

ADDRESS = tuple(
    text(f"address1_{name}", 250, label)
    for name, label in (
        ("line1", "Street 1"), ("line2", "Street 2"), ("line3", "Street 3"), ("city", "City"),
        ("stateorprovince", "State/Province"), ("postalcode", "ZIP/Postal Code"), ("country", "Country/Region"),
    )
)  # fmt: skip

CONTACT = Table(
    "contact",
    "contact",
    "contacts",
    "Contact",
    "Contact",
    "Contacts",
    "fullname",
    (
        key("contactid"),
        text("fullname", 160, "Full Name", settable=Set.NEVER),
        text("firstname", 50, "First Name"),
        text("lastname", 50, "Last Name"),
        text("emailaddress1", 100, "Email", index=True),
        text("telephone1", 50, "Business Phone"),
        text("mobilephone", 50, "Mobile Phone"),
        text("jobtitle", 100, "Job Title"),
        text("department", 100, "Department"),
        text("salutation", 100, "Salutation"),
        memo("description", 2000, "Description"),
        *ADDRESS,
        lookup("parentcustomerid", "account", "Company Name", navigation="parentcustomerid_account", relationship="contact_customer_accounts", sql="account_id"),
        text("msevtmgt_aadobjectid", 100, "AAD object ID"),
        # The person as registrations know one: a digest of mail and names. Two who share it are one.
        ours("match_key", Kind.TEXT, length=64, unique=True),
        *standard(),
    ),
    code=2,
)  # fmt: skip

ACCOUNT = Table(
    "account",
    "account",
    "accounts",
    "Account",
    "Account",
    "Accounts",
    "name",
    (
        key("accountid"),
        text("name", 160, "Account Name", required=True),
        text("accountnumber", 20, "Account Number", unique=True),
        text("emailaddress1", 100, "Email"),
        text("telephone1", 50, "Main Phone"),
        text("websiteurl", 200, "Website"),
        memo("description", 2000, "Description"),
        integer("numberofemployees", "Number of Employees", minimum=0),
        money("revenue", "Annual Revenue"),
        money("creditlimit", "Credit Limit"),
        flag("creditonhold", "Credit Hold"),
        currency(required=False),
        *ADDRESS,
        lookup("primarycontactid", "contact", "Primary Contact", relationship="account_primary_contact", loose=True),
        lookup("parentaccountid", "account", "Parent Account", relationship="account_parent_account"),
        *standard(),
    ),
    keys=(Key("accountnumber_key", ("accountnumber",)),),
    code=1,
)

CURRENCY = Table(
    "transactioncurrency",
    "transactioncurrency",
    "transactioncurrencies",
    "TransactionCurrency",
    "Currency",
    "Currencies",
    "currencyname",
    (
        key("transactioncurrencyid"),
        text("currencyname", 100, "Currency Name", required=True),
        text("isocurrencycode", 3, "Currency Code", sql="iso_code", required=True, unique=True, settable=Set.CREATE),
        text("currencysymbol", 13, "Currency Symbol", required=True),
        integer("currencyprecision", "Currency Precision", required=True, settable=Set.NEVER),
        column(Kind.DECIMAL, "exchangerate", "Exchange Rate", required=True, default=1),
        *standard(owned=False),
    ),
    ownership=Ownership.ORGANIZATION,
    keys=(Key("isocurrencycode_key", ("isocurrencycode",)),),
    code=9105,
)

SYSTEM_USER_TABLE = Table(
    "systemuser",
    "systemuser",
    "systemusers",
    "SystemUser",
    "User",
    "Users",
    "fullname",
    (
        key("systemuserid"),
        text("fullname", 200, "Full Name", required=True),
        text("domainname", 1024, "User Name"),
        text("internalemailaddress", 320, "Primary Email"),
        column(Kind.ID, "applicationid", "Application ID", unique=True),
        column(Kind.ID, "azureactivedirectoryobjectid", "Azure AD Object ID"),
        flag("isdisabled", "Status"),
        # Only its hash: nobody can be told it again.
        ours("secret_hash", Kind.TEXT, length=300),
        ours("role", Kind.TEXT, length=40),
        constant(Kind.LOOKUP, "businessunitid", BUSINESS_UNIT, "Business Unit", targets=("businessunit",), navigation="businessunitid"),
        *standard(owned=False),
    ),
    access=Access.READ,
    ownership=Ownership.ORGANIZATION,
    code=8,
)  # fmt: skip

BUSINESS_UNIT_TABLE = Table(
    "businessunit",
    "businessunit",
    "businessunits",
    "BusinessUnit",
    "Business Unit",
    "Business Units",
    "name",
    (
        key("businessunitid"),
        text("name", 160, "Name", required=True),
        flag("isdisabled", "Is Disabled"),
        lookup("organizationid", "organization", "Organization", required=True, index=False),
        lookup("parentbusinessunitid", "businessunit", "Parent Business", index=False),
        *standard(owned=False),
    ),
    access=Access.READ,
    ownership=Ownership.ORGANIZATION,
    code=10,
)

ORGANIZATION = Table(
    "organization",
    "organization",
    "organizations",
    "Organization",
    "Organization",
    "Organizations",
    "name",
    (
        key("organizationid"),
        text("name", 160, "Organization Name", required=True),
        integer("languagecode", "Language", required=True, default=1033),
        currency(required=False),
        *standard(owned=False),
    ),
    access=Access.READ,
    ownership=Ownership.NONE,
    code=1019,
)

TABLES = (CONTACT, ACCOUNT, CURRENCY, SYSTEM_USER_TABLE, BUSINESS_UNIT_TABLE, ORGANIZATION)
