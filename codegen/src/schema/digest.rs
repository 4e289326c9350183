//! The digest of a header's declarations (feature `tools`: everybody else trusts the numbers).

use sha2::{Digest as _, Sha256};

use super::locate::Step;
use super::read::Finding;
use super::types::{Header, Schema};
use super::write::normalised;

/// SHA-256, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// SHA-256 of a header's normalised declarations, in hex.
pub fn digest(header: &Header) -> String {
    sha256(normalised(header).as_bytes())
}

pub(super) fn check(schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, header) in schema.headers.iter().enumerate() {
        let wanted = digest(header);
        if wanted != header.digest {
            findings.push(Finding {
                path: vec![
                    Step::Key("headers".to_string()),
                    Step::Index(index),
                    Step::Key("digest".to_string()),
                ],
                message: format!(
                    "the declarations of `{}` give {wanted}, the file says {}",
                    header.module, header.digest
                ),
                help: "",
            });
        }
    }
    findings
}
