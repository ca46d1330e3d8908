"""One file per payment provider: translate, nothing else. No state, no table, no decision."""
