"""The promises of docs/reliability.md, held under load and by hostile peers."""
