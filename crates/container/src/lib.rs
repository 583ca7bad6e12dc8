//! Namespaces for a private table.
