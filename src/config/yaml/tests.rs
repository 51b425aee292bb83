//! Tests of the YAML decoding.
