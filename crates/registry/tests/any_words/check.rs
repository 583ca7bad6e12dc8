//! What holds for any text: shared with the fuzz target.

use armistice_oci::Reference;

/// A name's whole form means the same name, and has nothing in it that would mean
/// something else in an address; a challenge is read, or is none.
pub(crate) fn words(text: &str) {
    if let Ok(parsed) = Reference::parse(text) {
        let whole = parsed.to_string();
        assert_eq!(
            Reference::parse(&whole).ok().as_ref(),
            Some(&parsed),
            "{whole}"
        );
        let address = format!(
            "{}/{}/{}",
            parsed.registry,
            parsed.repository,
            parsed.wanted()
        );
        assert!(
            address
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._/:[]".contains(&b)),
            "{address:?}"
        );
        let parts: Vec<&str> = address.split('/').collect();
        assert!(
            !parts.iter().any(|p| matches!(*p, "" | "." | "..")),
            "{address:?}"
        );
    }
    let _ = armistice_registry::is_challenge(text);
}
