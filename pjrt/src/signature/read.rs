//! The parameters and results of a program, read from the form that compilers leave it in.
//!
//! That form is a serialised message; the few fields that lead to the shapes are read here. What
//! cannot be read is unknown, which is no error.

use super::wire::{Value, fields, last, numbers};
use super::{Donation, Parameter};
use crate::{ElementType, Program};

/// Fields of messages, by the names that they have in XLA.
const CONFIGURED_MODULE: u64 = 1;
const MODULE_PROGRAM_SHAPE: u64 = 4;
const MODULE_SCHEDULE: u64 = 7;
const MODULE_ALIASES: u64 = 8;
const MODULE_DONORS: u64 = 18;
const SHAPE_PARAMETERS: u64 = 1;
const SHAPE_RESULT: u64 = 2;
const SHAPE_PARAMETER_NAMES: u64 = 3;
const SHAPE_ELEMENT_TYPE: u64 = 2;
const SHAPE_DIMENSIONS: u64 = 3;
const SHAPE_PARTS: u64 = 4;
const SHAPE_LAYOUT: u64 = 5;
const SHAPE_DYNAMIC: u64 = 6;
const LAYOUT_MINOR_TO_MAJOR: u64 = 1;
const ENTRIES: u64 = 1;
const ALIAS_PARAMETER: u64 = 2;
const ALIAS_INDEX: u64 = 3;
const ALIAS_KIND: u64 = 4;
const DONOR_PARAMETER: u64 = 1;
const DONOR_INDEX: u64 = 2;
/// The kind of an alias that the program insists on.
const MUST_ALIAS: u64 = 2;
/// The element type of a shape with parts.
const TUPLE: u64 = 13;
/// The element type of what only the program itself can read.
const OPAQUE: u64 = 14;

/// What is read of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shapes {
    /// One per argument of a run.
    pub(crate) parameters: Vec<Parameter>,
    /// Orders of the dimensions in memory, one per output.
    pub(crate) result_orders: Vec<Option<Vec<i64>>>,
}

/// The serialised module of a program, if it is in one of the two forms that hold one.
pub(crate) fn module<'p>(program: &'p Program<'_>) -> Option<&'p [u8]> {
    match program.format() {
        "hlo" => Some(program.code()),
        "hlo_with_config" => last(program.code(), CONFIGURED_MODULE),
        _ => None,
    }
}

/// Whether a program says in which order its operations run, as compiled ones do.
pub(crate) fn is_scheduled(program: &Program<'_>) -> bool {
    let orders = |field| matches!(field, Some((MODULE_SCHEDULE, Value::Bytes(b))) if !b.is_empty());
    program.format() == "hlo" && fields(program.code()).any(orders)
}

/// A program's module without the order of its operations.
pub(crate) fn unscheduled(program: &Program<'_>) -> Option<Vec<u8>> {
    super::wire::without(module(program)?, MODULE_SCHEDULE)
}

/// Reads a program; none if it is in another form.
pub(crate) fn shapes(program: &Program<'_>) -> Option<Shapes> {
    let module = module(program)?;
    let program_shape = last(module, MODULE_PROGRAM_SHAPE)?;
    let (mut shapes, mut names, mut result) = (Vec::new(), Vec::new(), None);
    for field in fields(program_shape) {
        match field? {
            (SHAPE_PARAMETERS, Value::Bytes(shape)) => shapes.push(shape),
            (SHAPE_PARAMETER_NAMES, Value::Bytes(name)) => names.push(name),
            (SHAPE_RESULT, Value::Bytes(shape)) => result = Some(shape),
            _ => {}
        }
    }
    // Many arguments may be packed into one parameter.
    let packed = match shapes.as_slice() {
        [only] => split(only)?,
        _ => None,
    };
    let is_packed = packed.is_some();
    let shapes = packed.unwrap_or(shapes);
    let mut parameters: Vec<Parameter> =
        shapes.into_iter().map(parameter).collect::<Option<_>>()?;
    if !is_packed && names.len() == parameters.len() {
        for (parameter, name) in parameters.iter_mut().zip(names) {
            let name = std::str::from_utf8(name).ok().filter(|n| !n.is_empty());
            parameter.name = name.map(str::to_owned);
        }
    }
    donations(module, is_packed, &mut parameters)?;
    let results = match result {
        None => Vec::new(),
        Some(shape) => split(shape)?.unwrap_or_else(|| vec![shape]),
    };
    let result_orders = results.into_iter().map(order).collect::<Option<_>>()?;
    Some(Shapes {
        parameters,
        result_orders,
    })
}

/// Marks the parameters whose memory the program may take or must be given.
fn donations(module: &[u8], packed: bool, parameters: &mut [Parameter]) -> Option<()> {
    let lists = [
        (MODULE_ALIASES, ALIAS_PARAMETER, ALIAS_INDEX),
        (MODULE_DONORS, DONOR_PARAMETER, DONOR_INDEX),
    ];
    for (list, number_field, index_field) in lists {
        let Some(list) = last(module, list) else {
            continue;
        };
        for entry in fields(list) {
            let (ENTRIES, Value::Bytes(entry)) = entry? else {
                continue;
            };
            let (mut number, mut index, mut kind) = (0, Vec::new(), 0);
            for field in fields(entry) {
                match field? {
                    (field, Value::Number(found)) if field == number_field => number = found,
                    (field, value) if field == index_field => index.extend(numbers(value)?),
                    (ALIAS_KIND, Value::Number(found)) => kind = found,
                    _ => {}
                }
            }
            let place = if packed {
                index.first().copied()
            } else {
                Some(number)
            };
            let place = place.and_then(|place| usize::try_from(place).ok());
            let Some(parameter) = place.and_then(|place| parameters.get_mut(place)) else {
                continue;
            };
            if kind == MUST_ALIAS {
                parameter.donation = Donation::Required;
            } else if parameter.donation == Donation::Unused {
                parameter.donation = Donation::Used;
            }
        }
    }
    Some(())
}

/// The parts of a shape that has some; the inner none is for one without.
fn split(shape: &[u8]) -> Option<Option<Vec<&[u8]>>> {
    if element_type(shape)? != TUPLE {
        return Some(None);
    }
    let mut found = Vec::new();
    for field in fields(shape) {
        if let (SHAPE_PARTS, Value::Bytes(part)) = field? {
            found.push(part);
        }
    }
    Some(Some(found))
}

fn parameter(shape: &[u8]) -> Option<Parameter> {
    let number = element_type(shape)?;
    let is_array =
        !matches!(number, 0 | TUPLE | OPAQUE) && known(number) != Some(ElementType::TOKEN);
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
    Some(Parameter {
        name: None,
        element_type: known(number),
        dims: dims.filter(|_| fixed && is_array),
        minor_to_major: order(shape)?,
        memory_kind: None,
        donation: Donation::Unused,
    })
}

/// The order of a shape's dimensions in memory; the inner none is for one that the program leaves
/// open.
fn order(shape: &[u8]) -> Option<Option<Vec<i64>>> {
    let Some(layout) = last(shape, SHAPE_LAYOUT) else {
        return Some(None);
    };
    let mut order = Vec::new();
    for field in fields(layout) {
        if let (LAYOUT_MINOR_TO_MAJOR, value) = field? {
            order.extend(numbers(value)?);
        }
    }
    let order: Option<Vec<i64>> = order
        .into_iter()
        .map(|dim| i64::try_from(dim).ok())
        .collect();
    Some(order)
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

/// The element type of XLA's number.
fn known(number: u64) -> Option<ElementType> {
    const TYPES: [(u64, ElementType); 31] = [
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
        (17, ElementType::TOKEN),
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
