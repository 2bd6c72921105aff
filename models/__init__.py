"""Networks, weights and engines. Importing this package loads neither torch nor OpenCV."""
