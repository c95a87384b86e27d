"""Quantized networks: 8 bits for weights and for the values between layers; they only answer."""
