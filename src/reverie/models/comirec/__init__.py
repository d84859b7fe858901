"""ComiRec: several interests read out of one history."""
