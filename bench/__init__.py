"""`make bench`: is the server fast and small enough? Measured on real processes; never part of the tests."""
