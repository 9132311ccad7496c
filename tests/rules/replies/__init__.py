"""What rules reply with."""
