"""A recipe, which is an object and not a function."""

from convvision import Recipe

short = Recipe("example_short", summary="One pass in large steps.", learning_rate=0.01, epochs=1)
