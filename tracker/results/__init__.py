"""Result files: one module a format. Importing this package loads nothing heavy."""
