"""Training of keypoint networks and the person detector: recipes, data pipeline, losses, loop."""
