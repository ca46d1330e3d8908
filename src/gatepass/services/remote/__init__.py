"""Event management in somebody's Dynamics 365: read with every payment link, kept in rows of ours, told by jobs."""
