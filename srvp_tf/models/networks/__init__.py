"""Encoders and decoders, and what they are made of."""
