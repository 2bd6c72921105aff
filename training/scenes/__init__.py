"""Rendered scenes of articulated people with exact keypoints, boxes and track ids, all of it procedural."""
