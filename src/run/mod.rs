//! One sitting of a plan, put together and carried through: bank, history, calendar, secrets, journal, reports, who is told.
//!
//! What it tells whoever began it, beside its events, goes through [`Host`]; printing and exit codes are `cli`'s, when runs begin
//! is `service`'s.
