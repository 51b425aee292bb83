//! The pages, asked for over their router with a daemon that is told of by hand.
