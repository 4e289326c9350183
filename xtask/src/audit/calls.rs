//! The two calls that an audit makes on a plugin, without the safe library: that refuses tables
//! which an audit is there for.

use pjrt::sys;
use serde_json::{Value, json};
use std::ffi::{c_char, c_void};
use std::ptr;

use super::fact::Teller;
use super::memory::Memory;

/// More attributes, or longer ones, than this are none.
const MANY: usize = 1 << 16;

/// The part of a table that the plugin has; the rest is null.
///
/// # Safety
///
/// `table` points to `length` bytes that can be read.
pub unsafe fn copy(table: *const sys::PJRT_Api, length: usize) -> sys::PJRT_Api {
    let mut copy = sys::PJRT_Api::zeroed();
    let length = length.min(size_of::<sys::PJRT_Api>()) / 8 * 8;
    // SAFETY: both have the length, and no bits of a slot are invalid.
    unsafe {
        ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut copy).cast::<u8>(), length);
    }
    copy
}

/// Whether a slot holds code.
fn is_code(memory: &Memory, slot: Option<*const c_void>) -> bool {
    slot.is_some_and(|address| memory.letter(address as usize) == 'c')
}

/// Calls `PJRT_Plugin_Initialize`: true, an error, or null where the slot holds no code.
pub fn initialize(table: &sys::PJRT_Api, memory: &Memory) -> Value {
    let slot = table.PJRT_Plugin_Initialize;
    let Some(function) = slot.filter(|f| is_code(memory, Some(*f as *const c_void))) else {
        return Value::Null;
    };
    let mut args = sys::PJRT_Plugin_Initialize_Args::zeroed();
    args.struct_size = sys::PJRT_Plugin_Initialize_Args_STRUCT_SIZE;
    // SAFETY: the struct is whole and says its size; the slot holds code of the plugin.
    let error = unsafe { function(&raw mut args) };
    outcome(table, memory, error)
}

/// Calls `PJRT_Plugin_Attributes` and tells what came.
pub fn attributes(table: &sys::PJRT_Api, size: Option<usize>, teller: &mut Teller) {
    let memory = Memory::now();
    let slot = table.PJRT_Plugin_Attributes;
    let Some(function) = slot.filter(|f| is_code(&memory, Some(*f as *const c_void))) else {
        return teller.tell("called_attributes", &Value::Null);
    };
    let mut args = sys::PJRT_Plugin_Attributes_Args::zeroed();
    args.struct_size = size.unwrap_or(sys::PJRT_Plugin_Attributes_Args_STRUCT_SIZE);
    // SAFETY: the struct is whole, at least as long as it says; the slot holds code of the plugin.
    let error = unsafe { function(&raw mut args) };
    let outcome = outcome(table, &memory, error);
    let fine = outcome == Value::Bool(true);
    teller.tell("called_attributes", &outcome);
    if !fine || args.num_attributes == 0 {
        return;
    }
    let mut fault = |text: String| teller.tell("attribute_fault", &json!(text));
    let memory = Memory::now();
    let first = args.attributes;
    if args.num_attributes > MANY {
        return fault(format!("it says that there are {}", args.num_attributes));
    }
    if first.is_null() || !first.is_aligned() || !memory.has(first as usize, 8) {
        return fault(format!(
            "{} attributes are at no address",
            args.num_attributes
        ));
    }
    let own = size_of::<sys::PJRT_NamedValue>();
    // SAFETY: the first word of the first attribute can be read; it is its size.
    let said = unsafe { first.cast::<usize>().read() };
    // Arrays of a newer header have larger steps.
    let step = if said > own && said < MANY {
        said.next_multiple_of(8)
    } else {
        own
    };
    for index in 0..args.num_attributes {
        let at = (first as usize).saturating_add(index.saturating_mul(step));
        if !memory.has(at, own) {
            return teller.tell(
                "attribute_fault",
                &json!(format!("number {index} lies outside of memory")),
            );
        }
        // SAFETY: a whole aligned struct that can be read, of plain values.
        let value = unsafe { (at as *const sys::PJRT_NamedValue).read() };
        match named(&value, &memory) {
            Ok(attribute) => teller.tell("attribute", &attribute),
            Err(problem) => {
                let text = format!("number {index} {problem}");
                teller.tell("attribute_fault", &json!(text));
            }
        }
    }
}

/// An attribute's name and value.
fn named(of: &sys::PJRT_NamedValue, memory: &Memory) -> Result<Value, String> {
    let name = text(of.name, of.name_size, memory).ok_or("has no readable name")?;
    let union = &of.__bindgen_anon_1;
    let unreadable = || format!("(`{name}`) has a value that cannot be read");
    let value = match of.type_ {
        sys::PJRT_NamedValue_kString => {
            // SAFETY: the tag says which member is set.
            let at = unsafe { union.string_value };
            json!(text(at, of.value_size, memory).ok_or_else(unreadable)?)
        }
        // SAFETY: as above.
        sys::PJRT_NamedValue_kInt64 => json!(unsafe { union.int64_value }),
        sys::PJRT_NamedValue_kInt64List => {
            // SAFETY: as above.
            let at = unsafe { union.int64_array_value };
            if of.value_size > MANY
                || (of.value_size > 0 && !memory.has(at as usize, of.value_size * 8))
            {
                return Err(unreadable());
            }
            let numbers = (0..of.value_size).map(|index| {
                // SAFETY: within what can be read; plugins need not align it.
                unsafe { at.add(index).read_unaligned() }
            });
            json!(numbers.collect::<Vec<i64>>())
        }
        // SAFETY: as above.
        sys::PJRT_NamedValue_kFloat => json!(unsafe { union.float_value }),
        sys::PJRT_NamedValue_kBool => {
            // SAFETY: the union is one word, of which the value is the first byte.
            let byte = unsafe { (&raw const *union).cast::<u8>().read() };
            json!(byte != 0)
        }
        other => return Err(format!("(`{name}`) is of the unknown type {}", other.0)),
    };
    Ok(json!({"name": name, "value": value}))
}

fn text(at: *const c_char, length: usize, memory: &Memory) -> Option<String> {
    if length == 0 {
        return Some(String::new());
    }
    if at.is_null() || length > MANY || !memory.has(at as usize, length) {
        return None;
    }
    // SAFETY: it is not null, and so many bytes can be read.
    let bytes = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), length) };
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// What a call reported; the error is given back.
fn outcome(table: &sys::PJRT_Api, memory: &Memory, error: *mut sys::PJRT_Error) -> Value {
    if error.is_null() {
        return Value::Bool(true);
    }
    let mut code = 0;
    let slot = table.PJRT_Error_GetCode;
    if let Some(function) = slot.filter(|f| is_code(memory, Some(*f as *const c_void))) {
        let mut args = sys::PJRT_Error_GetCode_Args::zeroed();
        args.struct_size = sys::PJRT_Error_GetCode_Args_STRUCT_SIZE;
        args.error = error;
        // SAFETY: the error is the plugin's and lives until it is destroyed below.
        let second = unsafe { function(&raw mut args) };
        if second.is_null() {
            code = i64::from(args.code.0);
        }
    }
    let mut said = "(no message)".to_owned();
    let slot = table.PJRT_Error_Message;
    if let Some(function) = slot.filter(|f| is_code(memory, Some(*f as *const c_void))) {
        let mut args = sys::PJRT_Error_Message_Args::zeroed();
        args.struct_size = sys::PJRT_Error_Message_Args_STRUCT_SIZE;
        args.error = error;
        // SAFETY: as above.
        unsafe { function(&raw mut args) };
        said = text(args.message, args.message_size, &Memory::now()).unwrap_or(said);
    }
    let slot = table.PJRT_Error_Destroy;
    if let Some(function) = slot.filter(|f| is_code(memory, Some(*f as *const c_void))) {
        let mut args = sys::PJRT_Error_Destroy_Args::zeroed();
        args.struct_size = sys::PJRT_Error_Destroy_Args_STRUCT_SIZE;
        args.error = error;
        // SAFETY: as above, and nothing holds it any longer.
        unsafe { function(&raw mut args) };
    }
    json!({"code": code, "text": said})
}
