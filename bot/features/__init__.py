"""What people see: a folder or a file for each feature."""
