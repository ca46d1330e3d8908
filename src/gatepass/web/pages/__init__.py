"""Pages for people: attendees first, and the door of the staff app."""
