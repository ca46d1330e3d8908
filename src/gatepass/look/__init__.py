"""How every page looks: one style sheet, one script, shared by the product and by the sandbox."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
