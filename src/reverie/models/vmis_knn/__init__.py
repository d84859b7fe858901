"""VMIS-kNN (Kersbergen et al. 2022)."""
