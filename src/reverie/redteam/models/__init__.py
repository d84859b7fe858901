"""Models that chat: local ones, endpoints, and scripted controls."""
