"""Sites of somebody else that show the embedded form: an app of its own on an origin of its own, for the demo and tests."""

from gatepass.gallery.app import Gallery, create_app

__all__ = ["Gallery", "create_app"]
