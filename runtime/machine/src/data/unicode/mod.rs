//! Unicode data that the standard library lacks.

pub mod normalization;
