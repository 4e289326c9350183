//! The first minor of an item, without the rest of what the history could say.

use super::types::Kind;
use crate::history::{History, Item};

pub(super) trait Since {
    /// The first minor that has it in some commit.
    fn first(&self, kind: Kind, name: &str) -> Option<u32>;
}

impl Since for History {
    fn first(&self, kind: Kind, name: &str) -> Option<u32> {
        match kind {
            Kind::Extension | Kind::Struct => first(self, self.structure(name)?, |_| true),
            Kind::Enum => first(self, self.enumeration(name)?, |_| true),
            Kind::Callback => first(self, self.callback(name)?, |_| true),
            Kind::Function => first(self, self.function(name)?, |_| true),
            Kind::Slot | Kind::Field => match (self.function(name), name.split_once('.')) {
                (Some(function), _) => first(self, function, |_| true),
                (None, Some((of, field))) => first(self, self.structure(of)?, |body| {
                    body.fields.iter().any(|f| f.name == field)
                }),
                _ => None,
            },
            Kind::Value => {
                let mut enums = self.enums.iter();
                enums.find_map(|item| {
                    first(self, item, |body| {
                        body.values.iter().any(|(n, _)| n == name)
                    })
                })
            }
            Kind::Type => None,
        }
    }
}

fn first<T>(history: &History, item: &Item<T>, there: impl Fn(&T) -> bool) -> Option<u32> {
    let mut found = None;
    for (index, version) in item.versions.iter().enumerate() {
        if !version.body.as_ref().is_some_and(&there) {
            continue;
        }
        let next = index.checked_add(1).and_then(|n| item.versions.get(n));
        let end = next.map_or(history.states.len(), |next| next.state);
        let minors = (version.state..end).filter_map(|s| history.minor_of(&item.module, s));
        found = minors.chain(found).min();
    }
    found
}
