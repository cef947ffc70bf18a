"""Recipes: YAML files of four keys (docs/recipes.md)."""
