//! The instructions of a compiled program as text, from its serialised `HloModuleProto`: names, types,
//! operations and operands. Attributes and the values of constants are left out.

use std::collections::BTreeMap;

use super::wire::{Value, fields};

/// Names of XLA's element types by their numbers in messages.
const TYPES: [&str; 34] = [
    "?",
    "pred",
    "s8",
    "s16",
    "s32",
    "s64",
    "u8",
    "u16",
    "u32",
    "u64",
    "f16",
    "f32",
    "f64",
    "tuple",
    "opaque",
    "c64",
    "bf16",
    "token",
    "c128",
    "f8e5m2",
    "f8e4m3fn",
    "s4",
    "u4",
    "f8e4m3b11fnuz",
    "f8e5m2fnuz",
    "f8e4m3fnuz",
    "s2",
    "u2",
    "f8e4m3",
    "f8e3m4",
    "s1",
    "u1",
    "f4e2m1fn",
    "f8e8m0fnu",
];
const TUPLE: u64 = 13;

#[derive(Default)]
struct Instruction<'a> {
    name: &'a str,
    operation: &'a str,
    shape: &'a [u8],
    id: u64,
    operands: Vec<u64>,
    called: Vec<u64>,
}

#[derive(Default)]
struct Computation<'a> {
    name: &'a str,
    id: u64,
    root: u64,
    instructions: Vec<Instruction<'a>>,
}

/// The listing, a line for each instruction; none where the message is not read here.
pub fn listing(module: &[u8]) -> Option<Vec<String>> {
    let (mut entry, mut computations) = ("", Vec::new());
    for (field, value) in fields(module)? {
        match (field, value) {
            (2, value) => entry = value.text()?,
            (3, Value::Bytes(bytes)) => computations.push(computation(bytes)?),
            _ => {}
        }
    }
    let callable: BTreeMap<u64, &str> = computations.iter().map(|c| (c.id, c.name)).collect();
    let mut lines = Vec::new();
    for computation in &computations {
        let mark = if computation.name == entry {
            "entry "
        } else {
            ""
        };
        lines.push(format!("{mark}{}", computation.name));
        let all = &computation.instructions;
        let names: BTreeMap<u64, &str> = all.iter().map(|i| (i.id, i.name)).collect();
        let list = |ids: &[u64], names: &BTreeMap<u64, &str>| -> String {
            let found = ids.iter().map(|id| names.get(id).copied().unwrap_or("?"));
            found.collect::<Vec<_>>().join(", ")
        };
        for instruction in all {
            let root = if instruction.id == computation.root {
                "root "
            } else {
                ""
            };
            let mut line = format!(
                "  {root}{} = {} {}({})",
                instruction.name,
                shape(instruction.shape, 0)?,
                instruction.operation,
                list(&instruction.operands, &names)
            );
            if !instruction.called.is_empty() {
                line.push_str(&format!(", calls {}", list(&instruction.called, &callable)));
            }
            lines.push(line);
        }
    }
    (!computations.is_empty()).then_some(lines)
}

fn computation(message: &[u8]) -> Option<Computation<'_>> {
    let mut found = Computation::default();
    for (field, value) in fields(message)? {
        match (field, value) {
            (1, value) => found.name = value.text()?,
            (2, Value::Bytes(bytes)) => found.instructions.push(instruction(bytes)?),
            (5, Value::Number(id)) => found.id = id,
            (6, Value::Number(id)) => found.root = id,
            _ => {}
        }
    }
    Some(found)
}

fn instruction(message: &[u8]) -> Option<Instruction<'_>> {
    let mut found = Instruction::default();
    for (field, value) in fields(message)? {
        match (field, value) {
            (1, value) => found.name = value.text()?,
            (2, value) => found.operation = value.text()?,
            (3, Value::Bytes(bytes)) => found.shape = bytes,
            (35, Value::Number(id)) => found.id = id,
            (36, value) => found.operands.extend(value.numbers()?),
            (38, value) => found.called.extend(value.numbers()?),
            _ => {}
        }
    }
    Some(found)
}

/// A type such as `f32[2,3]`, or several in parentheses, one within the other at most so deep.
fn shape(message: &[u8], depth: u32) -> Option<String> {
    const DEEPEST: u32 = 50;
    let (mut number, mut dims, mut parts) = (0, Vec::new(), Vec::new());
    for (field, value) in fields(message)? {
        match (field, value) {
            (2, Value::Number(found)) => number = found,
            (3, value) => dims.extend(value.numbers()?),
            (4, Value::Bytes(part)) if depth < DEEPEST => parts.push(shape(part, depth + 1)?),
            _ => {}
        }
    }
    if number == TUPLE {
        return Some(format!("({})", parts.join(", ")));
    }
    let name = TYPES.get(usize::try_from(number).ok()?).unwrap_or(&"?");
    let dims: Vec<String> = dims
        .iter()
        .map(|dim| dim.cast_signed().to_string())
        .collect();
    Some(format!("{name}[{}]", dims.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let key = u32::from(number) << 3 | 2;
        let key = [(key & 0x7f) as u8 | 0x80, (key >> 7) as u8];
        [&key, &[bytes.len() as u8][..], bytes].concat()
    }

    fn id(number: u16, id: u8) -> Vec<u8> {
        let key = number << 3;
        vec![(key & 0x7f) as u8 | 0x80, (key >> 7) as u8, id]
    }

    #[test]
    fn instructions_are_listed_with_their_operands() {
        let shape = [id(2, 11), field(3, &[2, 3])].concat();
        let x = [
            field(1, b"x"),
            field(2, b"parameter"),
            field(3, &shape),
            id(35, 7),
        ]
        .concat();
        let sum = [
            field(1, b"sum"),
            field(2, b"add"),
            field(3, &shape),
            id(35, 8),
            field(36, &[7, 7]),
            field(38, &[1]),
        ];
        let all = [field(2, &x), field(2, &sum.concat())].concat();
        let main = [field(1, b"main"), all, id(5, 1), id(6, 8)].concat();
        let module = [field(2, b"main"), field(3, &main)].concat();
        let expected = [
            "entry main",
            "  x = f32[2,3] parameter()",
            "  root sum = f32[2,3] add(x, x), calls main",
        ];
        assert_eq!(
            listing(&module).as_deref(),
            Some(&expected.map(str::to_owned)[..])
        );
        for length in 0..module.len() {
            assert!(listing(&module[..length]).is_none(), "{length}");
        }
    }
}
