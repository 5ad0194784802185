"""The rows that sessions are kept in: stores, what uses them, what makes them expire."""
