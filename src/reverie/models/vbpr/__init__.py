"""VBPR (He and McAuley 2016)."""
