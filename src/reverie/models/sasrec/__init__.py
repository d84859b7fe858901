"""SASRec (Kang and McAuley 2018)."""
