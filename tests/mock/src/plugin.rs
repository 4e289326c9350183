//! The plugin as a whole.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::named::{Named, Value};
use pjrt_sys as sys;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Plugin_Initialize", initialize);
    all.add("PJRT_Plugin_Attributes", attributes);
}

fn initialize(_call: &Call, _args: &mut sys::PJRT_Plugin_Initialize_Args) -> Outcome {
    Ok(())
}

fn attributes(call: &Call, args: &mut sys::PJRT_Plugin_Attributes_Args) -> Outcome {
    // They last as long as the process, one list for each version.
    static LISTS: Mutex<BTreeMap<usize, &'static Named>> = Mutex::new(BTreeMap::new());
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    let list = lists.entry(call.era().state).or_insert_with(|| {
        let values = vec![
            ("xla_version", Value::Int(2)),
            ("stablehlo_current_version", Value::Ints(vec![1, 13, 3])),
            ("stablehlo_minimum_version", Value::Ints(vec![0, 9, 0])),
            ("vendor", Value::Text("mock".to_owned())),
            ("patience", Value::Float(0.5)),
            ("real", Value::Bool(false)),
        ];
        Box::leak(Box::new(Named::new(call.era(), values)))
    });
    (args.attributes, args.num_attributes) = list.array();
    Ok(())
}
