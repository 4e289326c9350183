//! The steps of the child.

/// What the child does, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The loader and the library's constructors.
    Load,
    /// `GetPjrtApi`.
    Entry,
    /// Reading the head and the slots of the table.
    Table,
    /// Reading the chain of extensions.
    Chain,
    /// `PJRT_Plugin_Initialize`.
    Initialize,
    /// `PJRT_Plugin_Attributes`.
    Attributes,
    /// The end of the process, with the library's destructors.
    Exit,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::Load,
        Self::Entry,
        Self::Table,
        Self::Chain,
        Self::Initialize,
        Self::Attributes,
        Self::Exit,
    ];

    /// Its name in the facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Entry => "entry",
            Self::Table => "table",
            Self::Chain => "chain",
            Self::Initialize => "initialize",
            Self::Attributes => "attributes",
            Self::Exit => "exit",
        }
    }

    /// What it is for people.
    pub fn what(self) -> &'static str {
        match self {
            Self::Load => "the library's constructors (dlopen)",
            Self::Entry => "GetPjrtApi",
            Self::Table => "reading the table of functions",
            Self::Chain => "reading the chain of extensions",
            Self::Initialize => "PJRT_Plugin_Initialize",
            Self::Attributes => "PJRT_Plugin_Attributes",
            Self::Exit => "the end of the process (destructors)",
        }
    }

    /// From its name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }
}
