"""Live view: cameras and streams, tracked as they come, in a window or in a browser."""
