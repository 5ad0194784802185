"""The rows that sessions are kept in: stores, what reads and writes them, what makes them expire."""
