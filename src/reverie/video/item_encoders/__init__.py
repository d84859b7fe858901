"""Item encoders over clips: what is seen and what is heard, frozen or trained with the recommender."""
