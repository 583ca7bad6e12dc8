//! The kernel's binfmt_misc table: read, plan, change, watch.
