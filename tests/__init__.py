"""The tests, which mirror the modules of src."""
