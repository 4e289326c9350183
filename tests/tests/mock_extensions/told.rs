//! Extensions through which a plugin calls closures.

use super::{Scene, Step};
use pjrt::callback::{Callback, SliceFailure};
use pjrt::custom_partitioner::{
    Call, CustomPartitioner, Inference, Partition, Partitioner, Propagation,
};
use pjrt::ffi::Handler;
use pjrt::shardings::Shardings;
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

/// Makes a sum of calls of two operands, which takes the place of the call, as the config says.
struct Sums;

impl Partitioner for Sums {
    fn partition(&self, call: &Call<'_>) -> Result<Partition, CallbackError> {
        // A `ShapeProto` of four `f32`.
        let shapes = call.operands.iter().chain([&call.result]).map(|a| a.shape);
        assert!(shapes.eq([[0x10, 11, 0x1a, 1, 4]; 3]));
        let module = match call.backend_config {
            b"refused" => return Err(CallbackError::new(ErrorCode::DATA_LOSS, "not this one")),
            b"panics" => panic!("no part"),
            b"short" => "mock part\nparam f32[4]\nout 0\n",
            b"first" => "mock part\nparam f32[4]\nparam f32[4]\nout 0\n",
            _ => "mock part\nparam f32[4]\nparam f32[4]\nout add 0 1\n",
        };
        let how = |given: Option<&[u8]>| given.unwrap_or(b"unsaid").to_vec();
        Ok(Partition {
            module: module.into(),
            operand_shardings: call.operands.iter().map(|a| how(a.sharding)).collect(),
            result_sharding: how(call.result.sharding),
        })
    }

    fn infer_sharding(&self, call: &Inference<'_>) -> Option<Vec<u8>> {
        let known = call.operands.iter().find_map(|a| a.sharding)?;
        Some([b"as ", known].concat())
    }

    fn propagate_user_sharding(&self, call: &Propagation<'_>) -> Vec<u8> {
        [b"wanted ", call.sharding].concat()
    }
}

fn partitioners(scene: &Scene) {
    let partitioners: CustomPartitioner = scene.plugin.extension().unwrap();
    partitioners.register("sums", Sums).unwrap();
    let taken = partitioners.register("sums", Sums).unwrap_err();
    assert!(taken.to_string().contains("partitioner already"), "{taken}");
    let shardings: Shardings = scene.plugin.extension().unwrap();
    let compile = |lines: &str| {
        let text = format!("mock split\nparam f32[4]\nparam f32[4]\n{lines}");
        let program = Program::mlir(text);
        scene.client.compile(&program, &CompileOptions::new())
    };
    let spread = |lines: &str| {
        let loaded = compile(lines).unwrap();
        let executable = loaded.executable().unwrap();
        let text = |bytes: &&[u8]| String::from_utf8_lossy(bytes).into_owned();
        let of = |all: Vec<&[u8]>| all.iter().map(text).collect::<Vec<_>>().join(", ");
        let parameters = of(shardings.parameter_shardings(&executable).unwrap().unwrap());
        let outputs = of(shardings.output_shardings(&executable).unwrap().unwrap());
        format!("{parameters} -> {outputs}")
    };
    let run = |lines: &str| {
        let floats = [&scene.floats(), &scene.floats()];
        compile(lines).unwrap().run(&floats).unwrap()[0]
            .to_vec::<f32>()
            .unwrap()
    };
    assert_eq!(run("out split sums f32[4] 0 1"), [2.0, 4.0, 6.0, 8.0]);
    let first = "out split sums f32[4] 0 1 config=first";
    assert_eq!(run(first), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        spread("out split sums f32[4] 0 1"),
        "unsaid, unsaid -> unsaid"
    );
    let rows = "spread param 1 rows\nout split sums f32[4] 0 1";
    assert_eq!(spread(rows), "unsaid, rows -> as rows");
    let wanted = "spread out 0 columns\nout split sums f32[4] 0 1";
    assert_eq!(spread(wanted), "unsaid, unsaid -> wanted columns");
    for (config, code, said) in [
        ("refused", ErrorCode::DATA_LOSS, "not this one"),
        ("panics", ErrorCode::INTERNAL, "no part"),
        (
            "short",
            ErrorCode::INVALID_ARGUMENT,
            "parameters of a part are the operands",
        ),
    ] {
        let line = format!("out split sums f32[4] 0 1 config={config}");
        let error = compile(&line).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    // Nobody divides it, and nobody computes it.
    let error = compile("out split nobody f32[4] 0").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NOT_FOUND);
    partitioners.register_batch_partitionable("rows").unwrap();
    let copy = Handler::new("rows", |call| {
        let x = call.operand::<f32>(0)?;
        call.result_mut::<f32>(0)?.copy_from_slice(&x);
        Ok(())
    });
    copy.register(&scene.plugin).unwrap();
    let rows = "spread param 0 rows\nout split rows f32[4] 0";
    assert_eq!(run(rows), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(spread(rows), "rows, {replicated} -> rows");
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
