"""The GitHub action, in Python: inputs in; outputs, annotations, a summary and files out."""
