"""The Dataverse Web API's face. Only here, in `gatepass.dataverse` and in the table declarations stand msevtmgt_ names."""
