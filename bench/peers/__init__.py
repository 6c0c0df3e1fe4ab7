"""Mail servers to set beside Ringpost: how each is fetched, configured and started. See README.md."""
