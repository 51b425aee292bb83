//! States, texts and results of the sample night.
