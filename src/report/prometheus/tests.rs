//! metrics.prom of the sample night, and what must hold of any.
