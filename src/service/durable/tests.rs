//! The state file: what is kept comes back, and a damaged one stops everything.
