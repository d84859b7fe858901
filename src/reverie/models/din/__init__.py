"""DIN: the history is pooled anew for each item that is scored."""
