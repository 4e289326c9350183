//! The parameters of a program, read from the form that compilers leave it in.
//!
//! That form is a serialised message; the few fields that lead to the parameters are read here. What
//! cannot be read is unknown, which is no error.

use crate::{ElementType, Program};

/// A parameter that is an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// None for an element type that this crate does not know.
    pub(super) element_type: Option<ElementType>,
    /// None if a dimension is not fixed.
    pub(super) dims: Option<Vec<i64>>,
}

/// Fields of messages, by the names that they have in XLA.
const CONFIGURED_MODULE: u64 = 1;
const MODULE_PROGRAM_SHAPE: u64 = 4;
const SHAPE_PARAMETERS: u64 = 1;
const SHAPE_ELEMENT_TYPE: u64 = 2;
const SHAPE_DIMENSIONS: u64 = 3;
const SHAPE_PARTS: u64 = 4;
const SHAPE_DYNAMIC: u64 = 6;
/// The element type of a shape with parts.
const TUPLE: u64 = 13;

/// The parameters, one per argument of a run; none if the program is in another form.
pub(super) fn parameters(program: &Program<'_>) -> Option<Vec<Option<Parameter>>> {
    let module = match program.format() {
        "hlo" => program.code(),
        "hlo_with_config" => last(program.code(), CONFIGURED_MODULE)?,
        _ => return None,
    };
    let program_shape = last(module, MODULE_PROGRAM_SHAPE)?;
    let mut shapes = Vec::new();
    for field in fields(program_shape) {
        if let (SHAPE_PARAMETERS, Value::Bytes(shape)) = field? {
            shapes.push(shape);
        }
    }
    // Many arguments may be packed into one parameter.
    if let [only] = shapes.as_slice() {
        let parts = parts(only)?;
        if element_type(only)? == TUPLE {
            return parts.into_iter().map(parameter).collect();
        }
    }
    shapes.into_iter().map(parameter).collect()
}

/// A parameter; the inner none is for one that is no array.
fn parameter(shape: &[u8]) -> Option<Option<Parameter>> {
    let number = element_type(shape)?;
    let is_array = !matches!(number, 0 | TUPLE | 14 | 17);
    let mut dims = Vec::new();
    let mut fixed = true;
    for field in fields(shape) {
        match field? {
            (SHAPE_DIMENSIONS, value) => dims.extend(numbers(value)?),
            (SHAPE_DYNAMIC, value) => fixed &= numbers(value)?.iter().all(|truth| *truth == 0),
            _ => {}
        }
    }
    let dims = dims.into_iter().map(|dim| i64::try_from(dim).ok());
    let dims: Option<Vec<i64>> = dims.collect();
    Some(is_array.then(|| Parameter {
        element_type: known(number),
        dims: dims.filter(|_| fixed),
    }))
}

fn element_type(shape: &[u8]) -> Option<u64> {
    let mut found = 0;
    for field in fields(shape) {
        if let (SHAPE_ELEMENT_TYPE, Value::Number(number)) = field? {
            found = number;
        }
    }
    Some(found)
}

fn parts(shape: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    for field in fields(shape) {
        if let (SHAPE_PARTS, Value::Bytes(part)) = field? {
            found.push(part);
        }
    }
    Some(found)
}

/// The element type of XLA's number.
fn known(number: u64) -> Option<ElementType> {
    const TYPES: [(u64, ElementType); 30] = [
        (1, ElementType::PRED),
        (2, ElementType::S8),
        (3, ElementType::S16),
        (4, ElementType::S32),
        (5, ElementType::S64),
        (6, ElementType::U8),
        (7, ElementType::U16),
        (8, ElementType::U32),
        (9, ElementType::U64),
        (10, ElementType::F16),
        (11, ElementType::F32),
        (12, ElementType::F64),
        (15, ElementType::C64),
        (16, ElementType::BF16),
        (18, ElementType::C128),
        (19, ElementType::F8E5M2),
        (20, ElementType::F8E4M3FN),
        (21, ElementType::S4),
        (22, ElementType::U4),
        (23, ElementType::F8E4M3B11FNUZ),
        (24, ElementType::F8E5M2FNUZ),
        (25, ElementType::F8E4M3FNUZ),
        (26, ElementType::S2),
        (27, ElementType::U2),
        (28, ElementType::F8E4M3),
        (29, ElementType::F8E3M4),
        (30, ElementType::S1),
        (31, ElementType::U1),
        (32, ElementType::F4E2M1FN),
        (33, ElementType::F8E8M0FNU),
    ];
    let found = TYPES.iter().find(|(of, _)| *of == number);
    found.map(|(_, element_type)| *element_type)
}

/// The value of a field.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a width that no field of interest has.
    Other,
}

/// The numbers of a repeated field: packed, or one of them.
fn numbers(value: Value<'_>) -> Option<Vec<u64>> {
    match value {
        Value::Number(number) => Some(vec![number]),
        Value::Bytes(mut rest) => {
            let mut found = Vec::new();
            while !rest.is_empty() {
                found.push(number(&mut rest)?);
            }
            Some(found)
        }
        Value::Other => None,
    }
}

/// The bytes of a field; the last one counts.
fn last(message: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found = None;
    for field in fields(message) {
        match field? {
            (name, Value::Bytes(bytes)) if name == wanted => found = Some(bytes),
            _ => {}
        }
    }
    found
}

/// The fields of a message. One that cannot be read ends it, as none.
fn fields(message: &[u8]) -> impl Iterator<Item = Option<(u64, Value<'_>)>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = field(&mut rest);
        if read.is_none() {
            rest = &[];
        }
        Some(read)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = number(rest)?;
    let mut take = |length: usize| {
        let (taken, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(taken)
    };
    let value = match key & 7 {
        0 => Value::Number(number(rest)?),
        1 => take(8).map(|_| Value::Other)?,
        2 => {
            let length = usize::try_from(number(rest)?).ok()?;
            let (taken, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(taken)
        }
        5 => take(4).map(|_| Value::Other)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

/// A number of seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut found = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        found |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(field: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[field << 3 | 2, length], bytes].concat()
    }

    fn hlo(parameters: &[&[u8]]) -> Vec<u8> {
        let shapes: Vec<u8> = parameters.iter().flat_map(|p| message(1, p)).collect();
        message(4, &shapes)
    }

    /// f32[2,300].
    const MATRIX: &[u8] = &[2 << 3, 11, 3 << 3 | 2, 3, 2, 0xac, 2];

    fn matrix() -> Option<Parameter> {
        Some(Parameter {
            element_type: Some(ElementType::F32),
            dims: Some(vec![2, 300]),
        })
    }

    #[test]
    fn types_and_dimensions_are_read() {
        // s32[] and a token.
        let (scalar, token): (&[u8], &[u8]) = (&[2 << 3, 4], &[2 << 3, 17]);
        let code = hlo(&[MATRIX, scalar, token]);
        let found = parameters(&Program::hlo(code.clone())).unwrap();
        let scalar = Parameter {
            element_type: Some(ElementType::S32),
            dims: Some(Vec::new()),
        };
        assert_eq!(found, [matrix(), Some(scalar), None]);
        let configured = Program::given(message(1, &code), "hlo_with_config".to_owned());
        assert_eq!(parameters(&configured), Some(found));
    }

    #[test]
    fn a_parameter_of_many_parts_stands_for_many_arguments() {
        let tuple = [&[2 << 3, 13][..], &message(4, MATRIX), &message(4, MATRIX)].concat();
        let found = parameters(&Program::hlo(hlo(&[&tuple]))).unwrap();
        assert_eq!(found, [matrix(), matrix()]);
    }

    #[test]
    fn dimensions_that_are_not_fixed_are_unknown() {
        let dynamic = [MATRIX, &[6 << 3 | 2, 2, 0, 1]].concat();
        let found = parameters(&Program::hlo(hlo(&[&dynamic]))).unwrap();
        assert_eq!(found[0].as_ref().unwrap().dims, None);
    }

    #[test]
    fn what_cannot_be_read_is_unknown_wherever_it_is_cut() {
        let code = hlo(&[MATRIX]);
        assert!(parameters(&Program::hlo(code.clone())).is_some());
        for length in 0..code.len() {
            assert_eq!(parameters(&Program::hlo(code[..length].to_vec())), None);
        }
        assert_eq!(parameters(&Program::mlir("module {}")), None);
    }
}
