//! The daemon's file: what it comes to, and what is said of a wrong one.
