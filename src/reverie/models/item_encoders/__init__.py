"""Where item vectors come from: a table of ids, features of content, or a network over titles, covers, sound or clips."""
