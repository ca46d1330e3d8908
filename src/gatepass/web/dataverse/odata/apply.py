"""$apply: filter, groupby and aggregate, as a query with fields."""

from collections.abc import Mapping

from gatepass.domain.errors import Refused
from gatepass.model.query import Query
from gatepass.web.dataverse.odata.functions import Asking
from gatepass.web.dataverse.odata.scope import Scope


def applied(scope: Scope, asking: Asking, options: Mapping[str, str], aliases: Mapping[str, str]) -> Query:
    raise Refused("QueryUnsupported", "The query parameter $apply is not supported")
