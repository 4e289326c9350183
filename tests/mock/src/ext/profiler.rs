//! The profiler: a table of its own, with errors of its own. A recording says how often it was
//! stopped, with the options that the session was made with.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::memory_of::{bytes, list, room, text};
use crate::proto;
use pjrt_sys::profiler_api as sys;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The table behind the extension's pointer.
pub(crate) const API: &str = "PLUGIN_Profiler_Api";

/// An error of this table: no other table's functions take it.
pub(crate) struct Error(pub(crate) Failure);

/// A session.
struct Session {
    options: Vec<u8>,
    recorder: Mutex<Recorder>,
}

#[derive(Default)]
struct Recorder {
    running: bool,
    /// Recordings that were not taken yet.
    recorded: u64,
}

/// What was taken from a session.
struct Recording {
    session: Arc<Session>,
    bytes: Vec<u8>,
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recorder, which must have been stopped.
    fn stopped(&self) -> Result<MutexGuard<'_, Recorder>, Failure> {
        let recorder = self.lock();
        match recorder.running {
            true => Err(Failure::precondition("it still records")),
            false => Ok(recorder),
        }
    }

    /// The recordings as a message.
    fn message(&self, recorded: u64) -> Vec<u8> {
        let mut message = Vec::new();
        if recorded != 0 {
            proto::number(1, recorded, &mut message);
            proto::nested(2, &self.options, &mut message);
        }
        message
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PLUGIN_Profiler_Error_Destroy", error_destroy);
    all.add("PLUGIN_Profiler_Error_Message", error_message);
    all.add("PLUGIN_Profiler_Error_GetCode", error_code);
    all.add("PLUGIN_Profiler_Create", create);
    all.add("PLUGIN_Profiler_Destroy", destroy);
    all.add("PLUGIN_Profiler_Start", start);
    all.add("PLUGIN_Profiler_Stop", stop);
    all.add("PLUGIN_Profiler_CollectData", collect);
    all.add("PLUGIN_Profiler_Consume", consume);
    all.add("PLUGIN_Profiler_ConsumeResult_Destroy", result_destroy);
    all.add("PLUGIN_Profiler_Serialize", serialize);
}

fn error_destroy(call: &Call, args: &mut sys::PLUGIN_Profiler_Error_Destroy_Args) -> Outcome {
    call.destroy::<Error>(args.error).map(drop)
}

fn error_message(call: &Call, args: &mut sys::PLUGIN_Profiler_Error_Message_Args) -> Outcome {
    let error = call.get::<Error>(args.error)?;
    // The object keeps the message in place.
    (args.message, args.message_size) = text(&error.0.message);
    Ok(())
}

fn error_code(call: &Call, args: &mut sys::PLUGIN_Profiler_Error_GetCode_Args) -> Outcome {
    let error = call.get::<Error>(args.error)?;
    args.code = error.0.code.cast_signed();
    Ok(())
}

fn create(call: &Call, args: &mut sys::PLUGIN_Profiler_Create_Args) -> Outcome {
    let options = bytes(args.options, args.options_size);
    if proto::fields(options).is_none() {
        return Err(Failure::invalid("the options are no message"));
    }
    args.profiler = call.give(Arc::new(Session {
        options: options.to_vec(),
        recorder: Mutex::default(),
    }));
    Ok(())
}

fn destroy(call: &Call, args: &mut sys::PLUGIN_Profiler_Destroy_Args) -> Outcome {
    call.destroy::<Session>(args.profiler).map(drop)
}

fn start(call: &Call, args: &mut sys::PLUGIN_Profiler_Start_Args) -> Outcome {
    let session = call.get::<Session>(args.profiler)?;
    let mut recorder = session.stopped()?;
    recorder.running = true;
    Ok(())
}

fn stop(call: &Call, args: &mut sys::PLUGIN_Profiler_Stop_Args) -> Outcome {
    let session = call.get::<Session>(args.profiler)?;
    let mut recorder = session.lock();
    if !recorder.running {
        return Err(Failure::precondition("nothing is recorded"));
    }
    recorder.running = false;
    recorder.recorded += 1;
    Ok(())
}

fn collect(call: &Call, args: &mut sys::PLUGIN_Profiler_CollectData_Args) -> Outcome {
    let session = call.get::<Session>(args.profiler)?;
    let mut recorder = session.stopped()?;
    let message = session.message(recorder.recorded);
    // The first call asks for the length, the second brings memory.
    args.buffer_size_in_bytes = message.len();
    if !args.buffer.is_null() {
        room(args.buffer, message.len()).copy_from_slice(&message);
        recorder.recorded = 0;
    }
    Ok(())
}

fn consume(call: &Call, args: &mut sys::PLUGIN_Profiler_Consume_Args) -> Outcome {
    let session = call.get::<Session>(args.profiler)?;
    let mut recorder = session.stopped()?;
    let bytes = session.message(std::mem::take(&mut recorder.recorded));
    drop(recorder);
    args.result = call.give(Arc::new(Recording { session, bytes }));
    Ok(())
}

fn result_destroy(
    call: &Call,
    args: &mut sys::PLUGIN_Profiler_ConsumeResult_Destroy_Args,
) -> Outcome {
    call.destroy::<Recording>(args.consume_result).map(drop)
}

fn serialize(call: &Call, args: &mut sys::PLUGIN_Profiler_Serialize_Args) -> Outcome {
    let session = call.get::<Session>(args.profiler)?;
    let recording = call.get::<Recording>(args.consume_result)?;
    if !Arc::ptr_eq(&session, &recording.session) {
        return Err(call.violation("the recording is of another session".to_owned()));
    }
    (args.serialized_bytes, args.serialized_size) = list(&recording.bytes);
    Ok(())
}
