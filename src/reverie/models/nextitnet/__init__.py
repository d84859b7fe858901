"""NextItNet (Yuan et al. 2019)."""
