"""Mutation testing: what the tests of a room do not notice when the room is changed."""
