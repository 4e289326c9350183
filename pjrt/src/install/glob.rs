//! Patterns for the members of a package: `*` stands for any text without a slash.

/// Whether `path` is one that `pattern` means.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut patterns = pattern.split('/');
    let mut parts = path.split('/');
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
            _ => return false,
        }
    }
}

fn part_matches(pattern: &str, part: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == part;
    };
    let Some(part) = part.strip_prefix(start) else {
        return false;
    };
    let Some((middle, end)) = rest.rsplit_once('*') else {
        return part.ends_with(rest);
    };
    let Some(mut part) = part.strip_suffix(end) else {
        return false;
    };
    for piece in middle.split('*') {
        match part.find(piece) {
            Some(at) => part = part.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_its_part() {
        for path in [
            "nvidia/cu13/lib/libcudart.so.13",
            "nvidia/cudnn/lib/libcudnn.so",
        ] {
            assert!(matches("nvidia/*/lib/*.so*", path), "{path}");
        }
        for path in [
            "nvidia/cu13/lib/libcudadevrt.a",
            "nvidia/cu13/x/lib/a.so",
            "nvidia/lib/a.so",
        ] {
            assert!(!matches("nvidia/*/lib/*.so*", path), "{path}");
        }
        assert!(matches("a/b.so", "a/b.so"));
        assert!(!matches("a/b.so", "a/b.so.1"));
        assert!(matches("a*b*c", "axbyc"));
        assert!(!matches("ab*bc", "abc"));
    }
}
