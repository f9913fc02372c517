"""Where the names of images come from: a file, a registry's catalogue, the pods of a cluster, a compose file."""
