"""All of Gatepass, imported."""

import pkgutil
from importlib import import_module

import gatepass

for module in pkgutil.walk_packages(gatepass.__path__, "gatepass."):
    # Alembic runs what is in there, and the other would be a command.
    if ".migrations." not in module.name and not module.name.endswith("__main__"):
        import_module(module.name)
