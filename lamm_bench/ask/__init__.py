"""How a model is asked: recipes, instructions, inferencers, transforms, the runner and the session around it."""
