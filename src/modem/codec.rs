//! The AT codec (being built).
/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {}
