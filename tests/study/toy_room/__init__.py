"""A whole room, as small as rooms get: how many users must popularity count?"""
