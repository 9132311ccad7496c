"""The Debian package on a Debian of its own, booted with systemd."""
