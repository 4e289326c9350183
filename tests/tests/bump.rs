//! A new set of headers: what follows from it, and what is left to a person. The repository is this
//! one; its next version is made up here.

use pjrt_codegen::bump::{self, Bumped, Headers, Judgement, Repository};
use pjrt_codegen::coverage::{self, CALLED, Ledger, SKIPPED};
use pjrt_codegen::derived::{self, Sources};
use pjrt_codegen::history;
use pjrt_codegen::model::{API_TABLE, Model};
use pjrt_codegen::schema::{
    self, Direction, Enum, EnumValue, Field, Function, Header, Schema, Slot, Struct, StructKind,
};
use std::sync::OnceLock;

const FUNCTION: &str = "PJRT_Device_Temperature";
const BY_HAND: &str = "PJRT_Device_OnTemperature";
const TAKER: &str = "PJRT_Client_BufferFromHostBuffer_Args";
const ENUM: &str = "PJRT_Extension_Type";
const VALUE: &str = "PJRT_Extension_Type_Thermometer";
const NEW_ENUM: &str = "PJRT_Temperature_Scale";

fn repository() -> &'static Repository {
    static REPOSITORY: OnceLock<Repository> = OnceLock::new();
    REPOSITORY.get_or_init(|| xtask::bump_cmd::repository(&xtask::paths::root()).unwrap())
}

fn now() -> Schema {
    let (name, text) = &repository().sources.schema;
    schema::load(name, text).unwrap()
}

fn field(name: &str, ty: &str, offset: u64, dir: Option<Direction>) -> Field {
    Field {
        name: name.to_owned(),
        ty: ty.to_owned(),
        offset,
        size: 8,
        dir,
        line: 1,
        ..Field::default()
    }
}

/// Appends a field to a struct.
fn append(of: &mut Struct, mut new: Field) {
    new.offset = of.size;
    of.size += 8;
    of.struct_size = of.struct_size.map(|_| of.size);
    of.fields.push(new);
}

/// Adds a function to the main table, with these fields behind the header of its arguments.
fn function(core: &mut Header, name: &str, fields: Vec<Field>) {
    let args = format!("{name}_Args");
    let mut structure = Struct {
        name: args.clone(),
        tag: args.clone(),
        kind: StructKind::Args,
        size: 16,
        align: 8,
        struct_size: Some(16),
        line: 1,
        fields: vec![
            field("struct_size", "size_t", 0, None),
            field("extension_start", "PJRT_Extension_Base*", 8, None),
        ],
    };
    for field in fields {
        append(&mut structure, field);
    }
    core.structs.push(structure);
    let table = core
        .structs
        .iter_mut()
        .find(|s| s.name == API_TABLE)
        .unwrap();
    let (index, offset) = (table.fields.len(), table.size);
    let mut slot = field(name, &format!("{name}*"), 0, None);
    slot.slot = Some(Slot::Function);
    append(table, slot);
    let mut made: Function = core.functions[0].clone();
    made.name = name.to_owned();
    made.slot = name.to_owned();
    made.index = index as u32;
    made.offset = offset;
    made.signature.returns = "PJRT_Error*".to_owned();
    made.signature.params[0].ty = format!("{args}*");
    made.args = Some(args);
    core.functions.push(made);
}

/// The version after that of the repository.
fn next() -> Schema {
    let mut schema = now();
    schema.minor += 1;
    let core = &mut schema.headers[0];
    let version = core.macros.iter_mut().find(|m| m.name == "PJRT_API_MINOR");
    version.unwrap().value = schema.minor.to_string();
    let device = || field("device", "PJRT_Device*", 0, Some(Direction::In));
    let celsius = field("celsius", "double", 0, Some(Direction::Out));
    function(core, FUNCTION, vec![device(), celsius]);
    let callback = field("alarm", "void*", 0, Some(Direction::In));
    function(core, BY_HAND, vec![device(), callback]);
    let taker = core.structs.iter_mut().find(|s| s.name == TAKER).unwrap();
    append(taker, field("hint", "size_t", 0, Some(Direction::In)));
    let of = core.enums.iter_mut().find(|e| e.name == ENUM).unwrap();
    of.values.push(EnumValue {
        name: VALUE.to_owned(),
        value: of.values.len() as i64,
        line: 1,
    });
    core.enums.push(Enum {
        name: NEW_ENUM.to_owned(),
        repr: "uint32_t".to_owned(),
        size: 4,
        line: 1,
        values: vec![EnumValue {
            name: format!("{NEW_ENUM}_CELSIUS"),
            value: 0,
            line: 1,
        }],
    });
    core.digest = schema::digest(core);
    schema
}

fn headers(schema: Schema) -> Headers {
    Headers {
        schema,
        date: "2030-01-31".to_owned(),
        ..Headers::default()
    }
}

fn bumped() -> &'static Bumped {
    static BUMPED: OnceLock<Bumped> = OnceLock::new();
    BUMPED.get_or_init(|| {
        let result = bump::bump(repository(), &headers(next()));
        result.unwrap_or_else(|faults| panic!("{faults}"))
    })
}

fn read(path: &str) -> String {
    std::fs::read_to_string(xtask::paths::root().join(path)).unwrap()
}

fn ledger(sources: &Sources) -> Ledger {
    let model = sources.model().unwrap_or_else(|faults| panic!("{faults}"));
    coverage::ledger(&model, &sources.rust, &read(SKIPPED), &read(CALLED)).unwrap()
}

fn open(bumped: &Bumped) -> Vec<Judgement> {
    let ledger = ledger(&bumped.sources);
    bump::open(&bumped.model, &bumped.sources.overlay, &ledger, "")
}

fn about<'j>(open: &'j [Judgement], name: &str) -> &'j Judgement {
    let mut found = open.iter().filter(|j| j.what.starts_with(name));
    found
        .next()
        .unwrap_or_else(|| panic!("{name}: {}", bump::to_text(open)))
}

fn with(sources: &Sources, entry: &str) -> Sources {
    let mut sources = sources.clone();
    let own = ("schema/overlay/new.toml".to_owned(), entry.to_owned());
    sources.overlay.push(own);
    sources
}

#[test]
fn what_is_new_is_undecided_and_named() {
    let problems = coverage::problems(&ledger(&bumped().sources));
    for name in [FUNCTION, BY_HAND, &format!("{TAKER}.hint"), NEW_ENUM] {
        let named = problems.iter().filter(|p| p.contains(name)).count();
        assert_eq!(named, 1, "{name}: {problems:#?}");
    }
    // A value of an enum that has a generated type is a constant of that.
    assert!(problems.iter().all(|p| !p.contains(VALUE)));
    let open = open(bumped());
    let text = bump::to_text(&open);
    let entry = &about(&open, NEW_ENUM).entry;
    assert!(entry.starts_with(&format!("[enum.{NEW_ENUM}]\nrust = \"TemperatureScale\"\n")));
    assert!(text.contains("into schema/overlay/core.toml"), "{text}");
    for name in [FUNCTION, BY_HAND, &format!("{TAKER}.hint")] {
        assert!(!about(&open, name).entry.is_empty(), "{text}");
    }
}

#[test]
fn a_proposed_entry_is_refused_with_its_holes_and_decides_without() {
    let open = open(bumped());
    let judgement = about(&open, FUNCTION);
    assert!(
        judgement.entry.contains("safe = \"generated\""),
        "{judgement:?}"
    );
    let refused = with(&bumped().sources, &judgement.entry)
        .model()
        .unwrap_err();
    assert_eq!(
        refused.iter().filter(|f| f.code == "O013").count(),
        2,
        "{refused}"
    );
    let filled = judgement.entry.replace("???", "Because:");
    let after = coverage::problems(&ledger(&with(&bumped().sources, &filled)));
    let left: Vec<_> = after.iter().filter(|p| p.contains(FUNCTION)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_the_generator_cannot_make_is_proposed_to_be_written() {
    let open = open(bumped());
    let judgement = about(&open, BY_HAND);
    assert!(
        judgement.entry.contains("safe = \"hand-written\""),
        "{judgement:?}"
    );
    assert!(judgement.notes[0].contains("`alarm`"), "{judgement:?}");
    let refused = with(&bumped().sources, &judgement.entry)
        .model()
        .unwrap_err();
    assert_eq!(
        refused.iter().filter(|f| f.code == "O013").count(),
        3,
        "{refused}"
    );
    // A path to nothing dangles.
    let filled = judgement.entry.replace("??? ", "");
    let after = coverage::problems(&ledger(&with(&bumped().sources, &filled)));
    assert!(
        after
            .iter()
            .any(|p| p.starts_with("dangling") && p.contains(BY_HAND))
    );
}

#[test]
fn a_new_function_is_a_checked_call_and_nothing_else() {
    let mirrors = |sources: &Sources, model: &Model| derived::files_of(model, sources).unwrap();
    let known = repository().sources.model().unwrap();
    let before = mirrors(&repository().sources, &known);
    let after = mirrors(&bumped().sources, &bumped().model);
    let names = |files: &std::collections::BTreeMap<String, String>| {
        files.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&before), names(&after));
    let calls = after
        .iter()
        .find(|(path, _)| path.ends_with("calls_core.rs"));
    assert!(
        calls
            .unwrap()
            .1
            .contains("pub unsafe fn device_temperature")
    );
    let mut others = after.iter().filter(|(path, _)| path.contains("handle_"));
    assert!(others.all(|(path, text)| before.get(path) == Some(text)));
}

#[test]
fn facts_history_and_changelog_follow() {
    let bumped = bumped();
    let minor = next().minor;
    let old = &repository().sources.schema.0;
    assert_eq!(bumped.files[old], None);
    let facts = bumped.files[&format!("schema/pjrt-0.{minor}.json")]
        .as_ref()
        .unwrap();
    assert_eq!(schema::load("new", facts).unwrap(), next());
    let text = bumped.files[bump::HISTORY].as_ref().unwrap();
    let history = history::load("new", text).unwrap();
    let states = repository().history.states.len();
    assert_eq!(history.states.len(), states + 1);
    assert_eq!(history.states[states].date, "2030-01-31");
    assert!(history.states[states].commit.starts_with("(headers) "));
    assert_eq!(bumped.model.since(FUNCTION), Some(minor));
    let changelog = bumped.files[bump::CHANGELOG].as_ref().unwrap();
    for line in [
        format!("## PJRT 0.{minor}"),
        format!("- function `{FUNCTION}` in `{API_TABLE}`"),
        format!("- field `{TAKER}.hint`: `size_t`"),
    ] {
        assert!(changelog.contains(&line), "{line}: {changelog}");
    }
}

#[test]
fn the_same_headers_again_change_nothing() {
    let bumped = bumped();
    let file = |path: &str| bumped.files[path].clone().unwrap();
    let after = Repository {
        sources: bumped.sources.clone(),
        history: history::load("new", &file(bump::HISTORY)).unwrap(),
        renames: repository().renames.clone(),
        changelog: file(bump::CHANGELOG),
    };
    let mut later = headers(next());
    later.date = "2031-12-31".to_owned();
    let again = bump::bump(&after, &later).unwrap();
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    assert_eq!(again.sources.schema, bumped.sources.schema);
    assert_eq!(again.files[bump::HISTORY], bumped.files[bump::HISTORY]);
    assert!(!again.files.contains_key(bump::CHANGELOG));
}

#[test]
fn code_that_reads_what_changed_is_to_be_looked_at_until_somebody_did() {
    let mut schema = next();
    let core = &mut schema.headers[0];
    let args = core.structs.iter_mut().find(|s| s.name == TAKER).unwrap();
    let data = args.fields.iter_mut().find(|f| f.name == "data").unwrap();
    data.ty = "uintptr_t".to_owned();
    core.digest = schema::digest(core);
    let renames = history::Renames::parse("renames", &repository().renames.1).unwrap();
    let rust = &repository().sources.rust;
    let changes = bump::compare(&repository().history, &renames, &now(), &schema, rust);
    let line = format!("field `{TAKER}.data`: changed `uintptr_t`, was `const void*`");
    assert!(changes.changed.contains(&line), "{:?}", changes.changed);
    assert_eq!(changes.look.len(), 1, "{:?}", changes.look);
    assert!(changes.look[0].starts_with(&line) && changes.look[0].contains("pjrt/src/"));
    let text = "## PJRT 0.1\n\n### To look at\n\n- [ ] a\n- [x] b\n";
    assert_eq!(bump::to_look_at(text), [("PJRT 0.1".into(), "a".into())]);
}

#[test]
fn another_layout_under_the_same_version_is_recorded_beside_the_first_and_told() {
    let mut schema = now();
    let core = &mut schema.headers[0];
    let args = core.structs.iter_mut().find(|s| s.name == TAKER).unwrap();
    let last = args.fields.len() - 1;
    let offsets = (args.fields[last].offset, args.fields[last - 1].offset);
    (args.fields[last].offset, args.fields[last - 1].offset) = (offsets.1, offsets.0);
    args.fields.swap(last, last - 1);
    core.digest = schema::digest(core);
    core.sha256 = schema::sha256(b"another file");
    let minor = schema.minor;
    let bumped = bump::bump(repository(), &headers(schema)).unwrap_or_else(|f| panic!("{f}"));
    let told = |line: &&String| line.contains("another layout") && line.contains("2 breaking");
    let look = &bumped.changes.look;
    assert_eq!(look.iter().filter(told).count(), 1, "{look:?}");
    let text = bumped.files[bump::HISTORY].as_ref().unwrap();
    let history = history::load("new", text).unwrap();
    let newest = history.states.iter().rev().take(2);
    assert!(newest.into_iter().all(|state| state.minor == minor));
    assert!(history.shared().iter().any(|s| s.minor == minor));
}

#[test]
fn a_set_that_lacks_a_header_is_refused_unless_it_is_said_to_be_gone() {
    let mut schema = next();
    let module = schema.headers.pop().unwrap().module;
    let errors = bump::bump(repository(), &headers(schema.clone())).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.contains("B001") && text.contains(&format!("--gone {module}")),
        "{text}"
    );
    let mut known = headers(schema);
    known.gone = vec![module.clone()];
    let bumped = bump::bump(repository(), &known).unwrap_or_else(|faults| panic!("{faults}"));
    let extra = bumped.files[&format!("schema/extra/{module}.json")]
        .as_ref()
        .unwrap();
    assert_eq!(
        schema::load("extra", extra).unwrap().headers[0].module,
        module
    );
    known.gone.push("nothing".to_owned());
    let errors = bump::bump(repository(), &known).unwrap_err();
    assert!(errors.to_string().contains("B002"), "{errors}");
}

#[test]
fn an_older_set_is_refused() {
    let mut schema = now();
    schema.minor -= 1;
    let core = &mut schema.headers[0];
    let version = core.macros.iter_mut().find(|m| m.name == "PJRT_API_MINOR");
    version.unwrap().value = schema.minor.to_string();
    let errors = bump::bump(repository(), &headers(schema)).unwrap_err();
    assert!(errors.to_string().contains("B004"), "{errors}");
}
