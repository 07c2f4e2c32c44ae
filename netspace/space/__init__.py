"""The space: encoders, decoders, class head and the losses of Eqs. 1 to 12."""
