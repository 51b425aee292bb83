//! The sender file and the discovery of the sample night.
