"""What keeps a hostile upload in bounds: limits, cheap refusals, processes that read and may die."""
