//! The name that somebody may have meant.

/// What to do with an entry for something that is not there.
pub(super) const STALE: &str = "correct the name or remove the entry";

/// Advice on a name that is not known: the nearest of the known ones, if one is near, before
/// `otherwise`.
pub(super) fn advice<S: AsRef<str>>(
    given: &str,
    known: impl IntoIterator<Item = S>,
    otherwise: &str,
) -> String {
    let limit = (given.len() / 5).max(1);
    let distances = known
        .into_iter()
        .map(|name| (distance(given, name.as_ref()), name));
    match distances.min_by_key(|(distance, _)| *distance) {
        Some((distance, name)) if distance <= limit => {
            format!("did you mean `{}`? {otherwise}", name.as_ref())
        }
        _ => otherwise.to_owned(),
    }
}

/// How many characters must be put in, taken out or replaced to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (pair, y) in row.windows(2).zip(&b) {
            let [diagonal, above] = *pair else { break };
            left = (left + 1)
                .min(above + 1)
                .min(diagonal + usize::from(x != *y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_changes() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn only_a_near_name_is_offered() {
        let known = ["PJRT_Client", "PJRT_Device"];
        assert_eq!(
            advice("PJRT_Cleint", known, "correct it"),
            "did you mean `PJRT_Client`? correct it"
        );
        assert_eq!(advice("PJRT_Buffer", known, "correct it"), "correct it");
    }
}
