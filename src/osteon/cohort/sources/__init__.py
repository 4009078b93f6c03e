"""Where tables come from: each source mapped to the names and units of the schema."""
