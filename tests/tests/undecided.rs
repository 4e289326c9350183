//! What is new in a header, and what the overlay no longer says, is named by `coverage --check`:
//! over the facts, judgements and sources of this repository.

use pjrt_codegen::coverage::{self, CALLED, Kind, Ledger, SKIPPED};
use pjrt_codegen::derived::Sources;
use pjrt_codegen::expand::Invocation;
use pjrt_codegen::model::{API_TABLE, Model};
use pjrt_codegen::overlay::{self, Node, Tree};
use pjrt_codegen::schema::{Field, Schema, Slot, Struct};
use std::sync::OnceLock;

struct Repository {
    sources: Sources,
    skipped: String,
    called: String,
    model: Model,
    /// Its own ledger, which is made once.
    before: OnceLock<Ledger>,
}

fn repository() -> &'static Repository {
    static REPOSITORY: OnceLock<Repository> = OnceLock::new();
    REPOSITORY.get_or_init(read)
}

fn read() -> Repository {
    let root = xtask::paths::root();
    let sources = xtask::derive::sources(&root).unwrap();
    let model = sources.model().unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    Repository {
        skipped: read(SKIPPED),
        called: read(CALLED),
        sources,
        model,
        before: OnceLock::new(),
    }
}

impl Repository {
    fn ledger(&self, model: &Model) -> Ledger {
        coverage::ledger(model, &self.sources.rust, &self.skipped, &self.called).unwrap()
    }

    fn before(&self) -> &Ledger {
        self.before.get_or_init(|| self.ledger(&self.model))
    }

    /// The lines of `--check` that another ledger adds.
    fn added(&self, ledger: &Ledger) -> Vec<String> {
        let before = coverage::problems(self.before());
        let after = coverage::problems(ledger);
        let new = after.into_iter().filter(|line| !before.contains(line));
        new.collect()
    }

    fn with_facts(&self, change: impl FnOnce(&mut Schema)) -> Model {
        let mut facts = self.model.facts.clone();
        change(&mut facts);
        let (overlay, judgements) = (&self.model.overlay, &self.model.judgements);
        let versions = self.model.versions.clone();
        Model::new(facts, overlay.clone(), judgements.clone(), versions)
    }

    fn with_judgements(&self, change: impl FnOnce(&mut Node)) -> Model {
        let mut judgements = self.model.judgements.clone();
        change(&mut judgements);
        let facts = self.model.facts.clone();
        let files = ["overlay".to_owned()];
        let entries = overlay::from_tree(&judgements, &files, &[&facts]);
        let entries = entries.unwrap_or_else(|faults| panic!("{faults}"));
        Model::new(facts, entries, judgements, self.model.versions.clone())
    }
}

fn structure<'f>(facts: &'f mut Schema, name: &str) -> &'f mut Struct {
    let mut all = facts.headers.iter_mut().flat_map(|h| &mut h.structs);
    all.find(|s| s.name == name)
        .unwrap_or_else(|| panic!("no struct {name}"))
}

/// A field behind the others, which the header does not mark.
fn add_field(structure: &mut Struct, name: &str, ty: &str) {
    structure.fields.push(Field {
        name: name.to_owned(),
        ty: ty.to_owned(),
        offset: structure.size,
        size: 8,
        ..Field::default()
    });
    structure.size += 8;
}

fn expand(model: &Model, kind: &str, name: &str) -> Result<String, String> {
    let invocation = Invocation {
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    Ok(invocation.expand(model)?.to_string())
}

/// The struct of that name in generated code.
fn generated_struct<'t>(code: &'t str, name: &str) -> &'t str {
    let start = code.find(&format!("pub struct {name} {{")).unwrap();
    let end = code[start..].find('}').unwrap();
    &code[start..start + end]
}

/// The line about an item among those of `--check`.
fn about<'l>(lines: &'l [String], item: &str) -> &'l str {
    let mut found = lines.iter().filter(|l| l.contains(&format!(" {item}:")));
    let line = found.next().unwrap_or_else(|| panic!("{item}: {lines:#?}"));
    assert_eq!(found.next(), None, "{item}");
    line
}

#[test]
fn a_new_function_has_a_checked_call_no_method_and_needs_a_verdict() {
    let repository = repository();
    let model = repository.with_facts(|facts| {
        let core = &mut facts.headers[0];
        let like = |name: &str| name == "PJRT_Buffer_Delete";
        let mut function = core
            .functions
            .iter()
            .find(|f| like(&f.name))
            .unwrap()
            .clone();
        let table = core
            .structs
            .iter_mut()
            .find(|s| s.name == API_TABLE)
            .unwrap();
        let mut slot = table.fields.iter().find(|f| like(&f.name)).unwrap().clone();
        (slot.name, slot.slot) = ("PJRT_Buffer_Polish".to_owned(), Some(Slot::Function));
        (slot.offset, slot.size) = (table.size, 8);
        table.size += 8;
        function.name.clone_from(&slot.name);
        function.slot.clone_from(&slot.name);
        function.offset = slot.offset;
        function.args = Some("PJRT_Buffer_Polish_Args".to_owned());
        table.fields.push(slot);
        core.functions.push(function);
        let mut args = structure(facts, "PJRT_Buffer_Delete_Args").clone();
        args.name = "PJRT_Buffer_Polish_Args".to_owned();
        add_field(&mut args, "depth", "int64_t");
        add_field(&mut args, "tools", "void**");
        facts.headers[0].structs.push(args);
    });
    let calls = expand(&model, "calls", "core").unwrap();
    assert!(calls.contains("pub unsafe fn buffer_polish ("));
    let input = generated_struct(&calls, "BufferPolishIn");
    for field in [
        "pub buffer : * mut :: pjrt :: sys :: PJRT_Buffer",
        "pub depth : i64",
        "pub tools : * mut * mut :: core :: ffi :: c_void",
    ] {
        assert!(input.contains(field), "{input}");
    }
    let output = generated_struct(&calls, "BufferPolishOut");
    assert_eq!(output.trim_end(), "pub struct BufferPolishOut {");
    // The safe layer is what it was.
    for (kind, name) in [("handle", "PJRT_Buffer"), ("plugin", "core")] {
        let before = expand(&repository.model, kind, name);
        assert_eq!(expand(&model, kind, name), before);
    }
    let ledger = repository.ledger(&model);
    let lines = repository.added(&ledger);
    let line = about(&lines, "PJRT_Buffer_Polish");
    assert!(line.starts_with("needs a verdict"), "{line}");
    // Its fields have the function's verdict, which is none.
    for field in ["buffer", "depth", "tools"] {
        let name = format!("PJRT_Buffer_Polish_Args.{field}");
        let item = ledger.items.iter().find(|item| item.name == name).unwrap();
        assert!(item.verdict.is_undecided(), "{name}");
    }
    let undecided = |ledger: &Ledger| ledger.count(Kind::Function).undecided;
    assert_eq!(undecided(&ledger), undecided(repository.before()) + 1);
}

#[test]
fn a_new_field_is_an_input_of_the_checked_call_and_needs_a_verdict() {
    let repository = repository();
    let args = "PJRT_Client_CreateAliasBuffer_Args";
    let model = repository.with_facts(|facts| {
        add_field(structure(facts, args), "urgency", "int64_t");
    });
    let calls = expand(&model, "calls", "core").unwrap();
    let input = generated_struct(&calls, "ClientCreateAliasBufferIn");
    assert!(input.contains("pub urgency : i64"), "{input}");
    let lines = repository.added(&repository.ledger(&model));
    let line = about(&lines, &format!("{args}.urgency"));
    assert!(line.starts_with("needs a verdict"), "{line}");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    // Where the method is generated, it takes the field; one that no rule fits is named.
    let copy = "PJRT_Buffer_CopyToDevice_Args";
    let with = |ty: &str| {
        let model = repository.with_facts(|f| add_field(structure(f, copy), "urgency", ty));
        expand(&model, "handle", "PJRT_Buffer")
    };
    assert!(with("int64_t").unwrap().contains("urgency : i64"));
    let error = with("void**").unwrap_err();
    for word in ["PJRT_Buffer_CopyToDevice", "`urgency`", "`void**`"] {
        assert!(error.contains(word), "{error}");
    }
}

fn entry<'n>(judgements: &'n mut Node, path: &[&str]) -> &'n mut Vec<(String, Node)> {
    let Tree::Table(entries) = &mut judgements.tree else {
        panic!("no table")
    };
    let Some((first, rest)) = path.split_first() else {
        return entries;
    };
    let (_, node) = entries
        .iter_mut()
        .find(|(key, _)| key == first)
        .unwrap_or_else(|| panic!("no `{first}`"));
    entry(node, rest)
}

#[test]
fn an_entry_that_is_gone_or_names_something_else_is_named() {
    let repository = repository();
    let gone = [
        "PJRT_Device_IsAddressable",
        "PJRT_Client_CreateAliasBuffer",
        "PJRT_Layouts_PJRT_Buffer_MemoryLayout",
    ];
    let elsewhere = [
        ("PJRT_Client_Create", "pjrt::Plugin::no_such_method"),
        ("PJRT_Event_OnReady", "pjrt::Buffer::to_vec"),
    ];
    let model = repository.with_judgements(|judgements| {
        let functions = entry(judgements, &["function"]);
        let before = functions.len();
        functions.retain(|(name, _)| !gone.contains(&name.as_str()));
        assert_eq!(functions.len() + gone.len(), before);
        for (function, path) in elsewhere {
            let keys = entry(judgements, &["function", function]);
            let (_, value) = keys.iter_mut().find(|(key, _)| key == "path").unwrap();
            value.tree = Tree::Text(path.to_owned());
        }
    });
    let lines = repository.added(&repository.ledger(&model));
    for name in gone {
        let line = about(&lines, name);
        assert!(line.starts_with("needs a verdict"), "{line}");
    }
    for ((name, path), problem) in elsewhere
        .iter()
        .zip(["not in the sources", "does not reach"])
    {
        let line = about(&lines, name);
        assert!(line.starts_with("dangling"), "{line}");
        assert!(line.contains(path) && line.contains(problem), "{line}");
    }
}
