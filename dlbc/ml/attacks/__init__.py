from dlbc.ml.attacks.structural import permute_channels, rotate_streams

__all__ = ["permute_channels", "rotate_streams"]
