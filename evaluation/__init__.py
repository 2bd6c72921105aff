"""Benchmarks: readers, metrics, tables and reports. Importing this package loads neither torch nor OpenCV."""
