//! Regions of guest code between guest and host: knows neither.
#![no_std]
