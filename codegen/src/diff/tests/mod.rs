//! Tests of the comparison: small made-up headers, and what is known of the real ones.

mod known;
mod small;

use super::{Change, Diff, What};

fn one<'d>(diff: &'d Diff, what: What, name: &str) -> &'d Change {
    let mut found = diff.of(what).filter(|c| c.name == name);
    let Some(change) = found.next() else {
        panic!("{} {name} is not in\n{}", what.word(), super::text(diff));
    };
    change
}
