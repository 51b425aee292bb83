//! Forecasts of small nights.
