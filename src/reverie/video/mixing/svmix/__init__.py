"""SV-Mix: a mask of a clip and its partner that a small attention module learns from a slow-moving teacher."""
