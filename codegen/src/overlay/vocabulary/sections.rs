//! The sections: where the tables of an overlay stand, and what each is about.

use super::Section;

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Which.
    pub section: Section,
    /// The word that begins the names of its tables.
    pub word: &'static str,
    /// The sections whose entries hold its tables; none for a table of the first level.
    pub within: &'static [Section],
    /// What `NAME` stands for.
    pub name: &'static str,
    /// What an entry says.
    pub doc: &'static str,
}

/// A section of the first level.
const fn top(section: Section, word: &'static str, name: &'static str, doc: &'static str) -> About {
    About {
        section,
        word,
        within: &[],
        name,
        doc,
    }
}

/// All sections; one that is held by others follows the first of them.
pub const SECTIONS: &[About] = &[
    top(
        Section::Handle,
        "handle",
        "a type that callers hold by pointer",
        "It becomes a Rust type that owns the object or borrows it.",
    ),
    top(
        Section::Enum,
        "enum",
        "an enum of the facts",
        "It becomes a Rust type that keeps values it does not know.",
    ),
    top(
        Section::Value,
        "value",
        "a plain struct that a plugin fills",
        "It becomes a Rust struct of copies.",
    ),
    About {
        section: Section::Member,
        word: "field",
        within: &[Section::Value],
        name: "a field of the plain struct",
        doc: "What the C type of the field does not say.",
    },
    top(
        Section::Group,
        "group",
        "a plain struct that functions take",
        "Its fields become parameters of the methods of those functions.",
    ),
    top(
        Section::Callback,
        "callback",
        "a type of functions that plugins call",
        "It becomes a Rust closure.",
    ),
    About {
        section: Section::Param,
        word: "param",
        within: &[Section::Callback],
        name: "a parameter of the callback",
        doc: "What the C type of the parameter does not say.",
    },
    top(
        Section::Vtable,
        "vtable",
        "a table of functions that an object carries",
        "Its functions become checked calls by their position.",
    ),
    About {
        section: Section::Slot,
        word: "slot",
        within: &[Section::Vtable],
        name: "a slot of the table",
        doc: "What the C type of the function does not say.",
    },
    top(
        Section::Extension,
        "extension",
        "an extension of the facts, as its value of `PJRT_Extension_Type` ends",
        "It becomes a Rust type whose methods are the extension's functions.",
    ),
    top(
        Section::Table,
        "table",
        "a table of functions that an extension points at",
        "How that table is reached, and how its own errors are read.",
    ),
    top(
        Section::Platform,
        "platform",
        "a kind of devices",
        "It becomes a Rust type with the options that clients of that platform take.",
    ),
    About {
        section: Section::Option,
        word: "option",
        within: &[Section::Platform],
        name: "the option, as plugins know it",
        doc: "It becomes a method with a type.",
    },
    top(
        Section::Function,
        "function",
        "a function or slot of the facts",
        "It becomes a method, or names the one that is written by hand.",
    ),
    About {
        section: Section::Field,
        word: "field",
        within: &[Section::Function, Section::Group],
        name: "a field of the struct of arguments, or of the group",
        doc: "What the C type of an input or output does not say.",
    },
    top(
        Section::Support,
        "support",
        "a table of functions: the main one, or an extension's",
        "From which version on that table is supported.",
    ),
];

/// What there is to say of a section.
pub fn about(section: Section) -> Option<&'static About> {
    SECTIONS.iter().find(|about| about.section == section)
}

/// The section of the first level that a word begins.
pub fn section(word: &str) -> Option<Section> {
    tops().find(|about| about.word == word).map(|a| a.section)
}

/// The sections of the first level.
pub fn tops() -> impl Iterator<Item = &'static About> {
    SECTIONS.iter().filter(|about| about.within.is_empty())
}

/// The sections whose tables stand in the entries of this one.
pub fn nested(section: Section) -> impl Iterator<Item = &'static About> {
    SECTIONS
        .iter()
        .filter(move |about| about.within.contains(&section))
}
