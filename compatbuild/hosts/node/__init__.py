"""A node read directly: the files under /proc, /sys, /etc and /lib/modules that NFD reads, and a few more."""
