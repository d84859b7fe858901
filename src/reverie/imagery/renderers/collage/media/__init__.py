"""Media: how a composed picture is painted, printed, drawn or put together."""
