use super::*;

fn field(number: i32, name: &str, ty: &str, label: Label) -> Field {
    Field {
        number,
        name: name.to_owned(),
        ty: ty.to_owned(),
        label,
        deprecated: false,
    }
}

/// A message with a field of each label, one that holds itself, and one that nothing reaches.
fn facts() -> Protos {
    let message = |name: &str, fields| MessageFacts {
        name: name.to_owned(),
        fields,
        ..MessageFacts::default()
    };
    let file = File {
        path: "a/b.proto".to_owned(),
        package: "p".to_owned(),
        syntax: "2023".to_owned(),
        features: [("field_presence".to_owned(), "IMPLICIT".to_owned())].into(),
        messages: vec![
            message(
                ".p.A",
                vec![
                    field(1, "flag", "bool", Label::Implicit),
                    field(2, "maybe", "int32", Label::Explicit),
                    field(3, "list", "int64", Label::Repeated { packed: true }),
                    field(4, "text", "string", Label::OneOf("one".to_owned())),
                    field(5, "kind", ".p.E", Label::Implicit),
                    field(6, "inner", ".p.A.B", Label::Implicit),
                    field(7, "by_name", ".p.A.B", Label::Map("string".to_owned())),
                ],
            ),
            MessageFacts {
                reserved: vec![(2, 4)],
                reserved_names: vec!["old".to_owned()],
                ..message(".p.A.B", vec![field(1, "again", ".p.A.B", Label::Implicit)])
            },
            message(".p.Alone", vec![]),
        ],
        enums: vec![Enumeration {
            name: ".p.E".to_owned(),
            values: vec![("E_NONE".to_owned(), 0), ("E_MINUS".to_owned(), -1)],
            ..Enumeration::default()
        }],
        ..File::default()
    };
    Protos { files: vec![file] }
}

const CHOICE: &str = "
[message.\"p.A\"]
doc = \"A.\"
why = \"for the test\"
[message.\"p.A\".field]
flag = \"Whether.\"
[message.\"p.A.B\"]
doc = \"B.\"
why = \"for the test\"
";

fn made(choice: &str) -> Result<String, String> {
    let choice = Choice::parse("choice.toml", choice).map_err(|e| e.to_string())?;
    let files = files(&facts(), &choice, "choice.toml").map_err(|e| e.to_string())?;
    Ok(files[&format!("{FOLDER}/b.rs")].clone())
}

#[test]
fn facts_survive_their_file_and_an_edited_one_is_refused() {
    let file = facts().files.remove(0);
    let text = to_text(&file);
    assert_eq!(load("b.json", &text).unwrap(), file);
    for (from, to) in [
        ("\"packed\": true", "\"packed\":true"),
        ("\"format\": 1", "\"format\": 2"),
        ("\"number\": 3, ", ""),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text);
        let error = load("b.json", &edited).unwrap_err();
        assert!(error.help.contains("protos extract"), "{error}");
    }
}

#[test]
fn only_what_is_reached_is_kept() {
    let mut facts = facts();
    facts.keep(&[".p.A.B"]);
    let names: Vec<_> = facts.files[0].messages.iter().map(|m| &m.name).collect();
    assert_eq!(names, [".p.A.B"]);
    assert!(facts.files[0].enums.is_empty());
    facts.keep(&[".p.Nothing"]);
    assert!(facts.files.is_empty());
}

#[test]
fn each_label_has_its_type() {
    let text = made(CHOICE).unwrap();
    for expected in [
        "pub flag: bool",
        "pub maybe: Option<i32>",
        "pub list: Vec<i64>",
        "pub one: Option<AOne>",
        "pub kind: E,",
        "pub inner: Option<AB>",
        "pub by_name: BTreeMap<String, AB>",
        // A message that holds itself.
        "pub again: Option<Box<AB>>",
        "///Whether.",
        "pub const E_MINUS: Self = Self(-1i32)",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("Alone"), "{text}");
}

#[test]
fn what_is_left_has_no_type() {
    let text = made(&CHOICE.replacen("why", "leave = [\"inner\", \"text\"]\nwhy", 1)).unwrap();
    assert!(
        !text.contains("pub inner") && !text.contains("AOne"),
        "{text}"
    );
}

#[test]
fn judgements_that_the_facts_do_not_bear_out_are_refused() {
    let half = CHOICE
        .split("[message.\"p.A.B\"]")
        .next()
        .unwrap_or_default();
    for (choice, expected) in [
        (CHOICE.replace("flag", "flog"), "no field `flog`"),
        (CHOICE.replace("p.A.B", "p.C"), "no facts about `.p.C`"),
        (half.to_owned(), "choose it, or name the field in `leave`"),
        (CHOICE.replacen("doc", "dog", 1), "`dog` is no key"),
        (
            CHOICE.replacen("why = \"for the test\"", "", 1),
            "`why` is missing",
        ),
        (CHOICE.replacen("\"A.\"", "7", 1), "expected text"),
    ] {
        let error = made(&choice).unwrap_err();
        assert!(
            error.contains(expected) && error.contains("choice.toml"),
            "{expected}: {error}"
        );
    }
}

#[test]
fn options_by_name_are_a_sorted_table() {
    let table = options::table(&facts(), ".p.A");
    assert_eq!(
        table,
        "flag bool\nkind enum\nlist int64*\nmaybe int32\ntext string\n"
    );
}

#[test]
fn a_difference_of_two_trees_is_a_line() {
    let lines = |protos: &Protos| declarations(&protos.files[0]);
    let (before, mut after) = (facts(), facts());
    assert_eq!(lines(&before), lines(&after));
    after.files[0].messages[0].fields[1].label = Label::Implicit;
    let (before, after) = (lines(&before), lines(&after));
    let changed: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let line = "int32 = 2 Explicit".to_owned();
    assert_eq!(changed, [&(".p.A.maybe".to_owned(), line)]);
    for (name, line) in [
        (".p.A.B 2 to 4", "reserved"),
        (".p.A.B old", "reserved"),
        (".p.E.E_MINUS", "-1"),
    ] {
        assert!(
            before.contains(&(name.to_owned(), line.to_owned())),
            "{name}"
        );
    }
}
