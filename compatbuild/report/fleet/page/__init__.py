"""A fleet as one HTML page that needs nothing but itself: thousands of images, found by a word."""
