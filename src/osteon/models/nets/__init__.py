"""Neural networks in PyTorch: shapes of nets, how they are trained, how they read a volume piece by piece."""
