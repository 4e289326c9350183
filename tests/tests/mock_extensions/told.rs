//! Extensions through which a plugin calls closures.

use super::{Scene, Step};
use pjrt::callback::{Callback, SliceFailure};
use pjrt::custom_partitioner::{Call, CustomPartitioner, Inference, Partition, Partitioner};
use pjrt::xla_transform::{PipelineStage, XlaTransform};
use pjrt::{CallbackError, CompileOptions, ErrorCode, Program};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

pub const ALL: &[Step] = &[
    ("callbacks", callbacks),
    ("partitioners", partitioners),
    ("transforms", transforms),
];

fn callbacks(scene: &Scene) {
    let callback: Callback = scene.plugin.extension().unwrap();
    let (sender, heard) = channel();
    let sender = Arc::new(Mutex::new(sender));
    let other = sender.clone();
    callback
        .on_prefatal(&scene.client, move |error| {
            let said = format!("{} {}", error.code, error.message);
            sender.lock().unwrap().send(said).unwrap();
        })
        .unwrap();
    callback
        .on_slice_failure(&scene.client, move |failure| {
            other.lock().unwrap().send(failure.to_string()).unwrap();
        })
        .unwrap();
    callback
        .invoke_prefatal(&scene.client, ErrorCode::DATA_LOSS, "gone")
        .unwrap();
    assert_eq!(heard.recv().unwrap(), "DATA_LOSS gone");
    let failure = SliceFailure::CHIP_DRIVER_ERROR;
    callback
        .invoke_slice_failure(&scene.client, failure)
        .unwrap();
    assert_eq!(heard.recv().unwrap(), "CHIP_DRIVER_ERROR");
}

/// Leaves everything as it is.
struct Same;

impl Partitioner for Same {
    fn partition(&self, call: &Call<'_>) -> Result<Partition, CallbackError> {
        Ok(Partition {
            module: Vec::new(),
            operand_shardings: call.operands.iter().map(|_| Vec::new()).collect(),
            result_sharding: Vec::new(),
        })
    }

    fn infer_sharding(&self, _: &Inference<'_>) -> Option<Vec<u8>> {
        None
    }
}

fn partitioners(scene: &Scene) {
    let partitioners: CustomPartitioner = scene.plugin.extension().unwrap();
    partitioners.register("same", Same).unwrap();
    partitioners.register_batch_partitionable("rows").unwrap();
}

fn transforms(scene: &Scene) {
    let xla: XlaTransform = scene.plugin.extension().unwrap();
    let rename = |module: &[u8]| {
        let text = String::from_utf8_lossy(module).replace("mock before", "mock after");
        match text.contains("refused") {
            true => Err(CallbackError::new(ErrorCode::DATA_LOSS, "not this one")),
            false => Ok((text.as_bytes() != module).then(|| text.into_bytes())),
        }
    };
    let stage = PipelineStage::PRE_SCHEDULER;
    let registration = xla.register("rename", stage, rename).unwrap();
    let compile = |name| {
        let text = Program::mlir(format!("mock {name}\nparam f32[1]\nout 0\n"));
        let loaded = scene.client.compile(&text, &CompileOptions::new())?;
        loaded.executable()?.name().map(str::to_owned)
    };
    assert_eq!(compile("before").unwrap(), "after");
    assert_eq!(compile("refused").unwrap_err().code(), ErrorCode::DATA_LOSS);
    assert!(registration.clear().unwrap());
    assert_eq!(compile("before").unwrap(), "before");
    assert_eq!(xla.pass_pipeline_trace(b"module").unwrap(), b"trace:module");
}
