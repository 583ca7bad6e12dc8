//! What the loads and stores do beside moving bytes.
