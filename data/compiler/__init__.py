"""Builds the shipped chains from their input tables; see README.md beside this file."""
