"""The image-compatibility specification of NFD: wire types, catalogue, decoding, writer, matcher, encodings."""
