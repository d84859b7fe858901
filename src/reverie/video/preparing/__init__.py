"""The parts of preparing a folder of videos: growing arrays, the journal of what is done, and the index at the end."""
