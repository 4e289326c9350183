//! The types of a comparison.

/// What is different between two sets of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The first set.
    pub old: Side,
    /// The second set.
    pub new: Side,
    /// What a reader has to know to judge the rest: what was chosen where a name has two meanings.
    pub notes: Vec<String>,
    /// All changes: by what happened, then the main header first.
    pub changes: Vec<Change>,
}

/// One of the two sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// `PJRT_API_MAJOR`.
    pub major: u32,
    /// `PJRT_API_MINOR`.
    pub minor: u32,
    /// Commit of the history, 12 digits.
    pub commit: Option<String>,
    /// Day of the commit, or file or folder of what is no commit.
    pub place: String,
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another name.
    Renamed,
    /// It is at another place: offset of a field or slot, number of a value.
    Moved,
    /// It has another size.
    Resized,
    /// It has another type; an extension states another version.
    Changed,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A function of the main table.
    Function,
    /// The table of an extension.
    Extension,
    /// A slot of another table, by the name of its function, or `TABLE.SLOT`.
    Slot,
    /// A struct.
    Struct,
    /// A field, `STRUCT.FIELD`.
    Field,
    /// An enumeration.
    Enum,
    /// A value of an enumeration.
    Value,
    /// A type of callback.
    Callback,
    /// Another type.
    Type,
}

/// What a change means for programs and plugins of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing that was there is used in another way.
    Compatible,
    /// Something became longer at its end; sizes and presence tell which form a plugin has.
    Appended,
    /// What was compiled for one is wrong for the other, unless it asks for the version.
    Breaking,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub what: What,
    /// What the item is.
    pub kind: Kind,
    /// Its newest C name.
    pub name: String,
    /// Its header.
    pub module: String,
    /// The first minor that has it, by the history; none for what the history does not know. Items
    /// of the FFI header count that header's minors.
    pub since: Option<u32>,
    /// Class.
    pub class: Class,
    /// Name, place, size or type before and after.
    pub values: Option<(String, String)>,
    /// Why it has its class, where that is not plain.
    pub note: &'static str,
    /// The header of the item is gone as a whole.
    pub header_gone: bool,
    /// C functions whose calls are concerned.
    pub functions: Vec<String>,
    /// The safe methods of `pjrt` that make these calls.
    pub methods: Vec<String>,
}

impl What {
    /// All, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Added,
        Self::Removed,
        Self::Renamed,
        Self::Moved,
        Self::Resized,
        Self::Changed,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Resized => "resized",
            Self::Changed => "changed",
        }
    }
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Extension => "extension",
            Self::Slot => "slot",
            Self::Struct => "struct",
            Self::Field => "field",
            Self::Enum => "enum",
            Self::Value => "value",
            Self::Callback => "callback",
            Self::Type => "type",
        }
    }
}

impl Class {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Appended => "appended",
            Self::Breaking => "breaking",
        }
    }
}

impl Diff {
    /// The worst class of all changes; none where nothing differs.
    pub fn class(&self) -> Option<Class> {
        let classes = self.changes.iter().map(|change| change.class);
        let major = (!self.same_major()).then_some(Class::Breaking);
        classes.chain(major).max()
    }

    /// What another major stands for is not said by declarations.
    pub(super) fn same_major(&self) -> bool {
        self.old.major == self.new.major
    }

    /// The changes of one sort.
    pub fn of(&self, what: What) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |c| c.what == what)
    }
}
