//! Judgements on the fields of a struct.

use super::{Loader, flag, word};
use crate::overlay::tree::{Node, Tree};
use crate::overlay::types::*;
use crate::overlay::vocabulary::Section;
use crate::schema::{Direction, Field, Struct};
use std::collections::BTreeMap;

impl Loader<'_> {
    /// The judgements on the fields of a struct.
    pub(super) fn fields(
        &mut self,
        name: &str,
        node: &Node,
        args: Option<&Struct>,
    ) -> BTreeMap<String, FieldEntry> {
        let mut fields = BTreeMap::new();
        for (field, entry) in node.get("field").map(Node::entries).unwrap_or_default() {
            let what = format!("{name}.{field}");
            let Some(fact) = args.and_then(|s| s.fields.iter().find(|f| f.name == *field)) else {
                let known: Vec<&str> = args
                    .map(|s| s.fields.iter().map(|f| f.name.as_str()).collect())
                    .unwrap_or_default();
                self.refuse(
                    "O023",
                    entry,
                    format!("{name} has no field `{field}`"),
                    &format!("its fields are {}", known.join(", ")),
                );
                continue;
            };
            if self.keys(Section::Field, &what, entry, args) {
                let value = field_entry(entry);
                self.contradictions(&what, entry, fact, &value);
                self.against_direction(&what, entry, fact, &value);
                fields.insert(field.clone(), value);
            }
        }
        fields
    }

    /// What an entry says that the facts deny.
    fn contradictions(&mut self, what: &str, node: &Node, fact: &Field, entry: &FieldEntry) {
        let pointer = fact.ty.contains('*');
        let mut against = |faulty: bool, message: &str| {
            if faulty {
                self.refuse(
                    "O030",
                    node,
                    format!("{what}: {message}"),
                    &format!("the facts say its type is `{}`", fact.ty),
                );
            }
        };
        against(
            entry.dir.is_some() && entry.dir == fact.dir,
            "`dir` repeats the header's own mark",
        );
        against(
            entry.len.is_some() && !pointer,
            "`len` on something that is no pointer",
        );
        against(
            entry.bytes.is_some() && !fact.ty.contains("char*"),
            "`text` on something that is not `char*`",
        );
        against(
            entry.owned && entry.borrow.is_some(),
            "both `owned` and `borrow`",
        );
        against(
            entry.nullable && !pointer,
            "`null` on something that is no pointer",
        );
        against(
            entry.optional && !pointer,
            "`optional` on something that is no pointer",
        );
        against(
            entry.index_below.is_some() && pointer,
            "`index_below` on a pointer",
        );
    }
}

fn field_entry(node: &Node) -> FieldEntry {
    FieldEntry {
        dir: match word(node, "dir") {
            Some("in") => Some(Direction::In),
            Some("out") => Some(Direction::Out),
            Some("inout") => Some(Direction::InOut),
            _ => None,
        },
        len: word(node, "len").map(str::to_owned),
        bytes: word(node, "text").map(|t| t == "bytes"),
        owned: flag(node, "owned"),
        borrow: match word(node, "borrow") {
            Some("self") => Some(Lender::Receiver),
            Some("client") => Some(Lender::Client),
            Some("process") => Some(Lender::Process),
            _ => None,
        },
        parent: match word(node, "parent") {
            Some("self") => Some(Parent::Receiver),
            Some("client") => Some(Parent::Client),
            Some("none") => Some(Parent::None),
            _ => None,
        },
        nullable: word(node, "null") == Some("none"),
        optional: flag(node, "optional"),
        same: match word(node, "same") {
            Some("client") => Some(Same::Client),
            Some("plugin") => Some(Same::Plugin),
            Some("any") => Some(Same::Any),
            _ => None,
        },
        index_below: word(node, "index_below").map(str::to_owned),
        once_per_value: flag(node, "once_per_value"),
        rename: word(node, "rename").map(str::to_owned),
        enumeration: word(node, "enum").map(str::to_owned),
        sizes: word(node, "sizes").map(str::to_owned),
        holder: word(node, "holder").map(str::to_owned),
        deleter: word(node, "deleter").map(str::to_owned),
        index_into: word(node, "index_into").map(str::to_owned),
        check: word(node, "check").map(str::to_owned),
        one_of: word(node, "one_of").map(str::to_owned),
        given_as: word(node, "given_as").map(str::to_owned),
        read_as: word(node, "read_as").map(str::to_owned),
        advises: word(node, "advises").map(str::to_owned),
        rank_of: word(node, "rank_of").map(str::to_owned),
        address: flag(node, "address"),
        reserved: flag(node, "reserved"),
        set_by: word(node, "set_by").map(str::to_owned),
        user_data: word(node, "user_data").map(str::to_owned),
        keyed_by: word(node, "keyed_by").map(str::to_owned),
        capacity: word(node, "capacity").map(str::to_owned),
        count: word(node, "count").map(|w| match w {
            "nul" => Count::Nul,
            "all" => Count::All,
            _ => Count::Field(w.to_owned()),
        }),
        first: match node.get("first").map(|n| &n.tree) {
            Some(Tree::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        },
        first_of: word(node, "first_of").map(str::to_owned),
        room: word(node, "room")
            .map(|w| w.split(" * ").map(str::to_owned).collect())
            .unwrap_or_default(),
        keeps: flag(node, "keeps"),
        doc: word(node, "doc").map(str::to_owned),
    }
}
