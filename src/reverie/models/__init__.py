"""Recommenders: registry, creation by name, saving and loading."""

from reverie.models.create import create_model, list_models
from reverie.models.own import adopt, register_model
from reverie.models.shelf import MODELS
from reverie.models.store import load_model, save_model

__all__ = ["MODELS", "adopt", "create_model", "list_models", "load_model", "register_model", "save_model"]
