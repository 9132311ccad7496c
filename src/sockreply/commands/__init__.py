"""What is typed: `sockreply` and its subcommands, and the options of `twistd sockreply`."""
