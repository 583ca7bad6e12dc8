//! Image archives: reading for explain, writing for the image.
