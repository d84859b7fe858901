"""Composed pictures from icons: a setting, objects in depth, light, palette and medium as the form says."""
