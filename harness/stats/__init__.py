"""Statistics on plain arrays: estimates with intervals, agreement, reliability."""
