//! Which modems fail where others succeed.
