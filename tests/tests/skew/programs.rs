//! Programs: what they tell, how they run, what they call back.

use crate::scenario::{ADD, bytes, client, compiled, floats, scenarios};
use pjrt::{
    Argument, Client, CompileOptions, Error, ErrorCode, Executable, ExecuteOptions, Plugin, Result,
};
use std::sync::{Arc, Mutex};

fn executable(client: &Client) -> Result<Executable> {
    compiled(client, ADD)?.executable()
}

/// Adds two arrays with options.
fn run_with(plugin: &Plugin, options: &ExecuteOptions) -> Result<()> {
    let client = client(plugin)?;
    let sum = compiled(&client, ADD)?;
    let (a, b) = (floats(&client)?, floats(&client)?);
    let mut runs = sum.execute(vec![vec![(&a).into(), (&b).into()]], options)?;
    let run = runs.pop().expect("one device");
    run.done.wait()?;
    assert_eq!(run.outputs[0].to_vec::<f32>()?, [2.0, 4.0, 6.0, 8.0]);
    Ok(())
}

scenarios! {
    fn runs(plugin) {
        let client = client(plugin)?;
        let sum = compiled(&client, ADD)?;
        let (a, b) = (floats(&client)?, floats(&client)?);
        for _ in 0..2 {
            let outputs = sum.run(&[&a, &b])?;
            assert_eq!(outputs[0].to_vec::<f32>()?, [2.0, 4.0, 6.0, 8.0]);
            assert_eq!(outputs[1].to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
        }
    }

    fn signature(plugin) {
        let client = client(plugin)?;
        let sum = compiled(&client, ADD)?;
        let signature = sum.signature()?;
        assert_eq!(signature.outputs.len(), 2);
        assert!(std::sync::Arc::ptr_eq(&signature, &sum.signature()?));
    }

    fn runs_on_two_devices(plugin) {
        let client = client(plugin)?;
        let program = compiled(&client, "mock both\nreplicas 2\nparam s32[1]\nout 0\n")?;
        let devices = program.addressable_devices()?;
        let a = client.buffer_from_slice_on(&[1i32], &[1], &devices[0])?;
        let b = client.buffer_from_slice_on(&[2i32], &[1], &devices[1])?;
        let lists = vec![vec![(&a).into()], vec![(&b).into()]];
        let runs = program.execute(lists, &ExecuteOptions::new())?;
        let mut all = Vec::new();
        for run in &runs {
            run.done.wait()?;
            all.extend(run.outputs[0].to_vec::<i32>()?);
        }
        assert_eq!(all, [1, 2]);
    }

    fn runs_on_one_of_two_devices(plugin) {
        let client = client(plugin)?;
        let program = compiled(&client, "mock one\nparam s32[1]\nout 0\n")?;
        let device = &program.addressable_devices()?[0];
        let a = client.buffer_from_slice_on(&[1i32], &[1], device)?;
        let run = program.execute_on(device, vec![Argument::Borrow(&a)], &ExecuteOptions::new())?;
        assert_eq!(run.outputs[0].to_vec::<i32>()?, [1]);
    }

    fn donations(plugin) {
        let client = client(plugin)?;
        let text = "mock give\nparam f32[2,2]\nparam f32[2,2]\ndonate 0\nout add 0 1\n";
        let program = compiled(&client, text)?;
        let (given, kept) = (floats(&client)?, floats(&client)?);
        let runs = program.execute(vec![vec![given.into(), (&kept).into()]], &ExecuteOptions::new())?;
        assert_eq!(runs[0].outputs[0].to_vec::<f32>()?, [2.0, 4.0, 6.0, 8.0]);
        assert!(!kept.is_deleted()?);
    }

    fn refused_programs(plugin) {
        let client = client(plugin)?;
        match compiled(&client, "mock x\nreject 8 too large") {
            Err(Error::Plugin(error)) => {
                assert_eq!(error.code, ErrorCode::RESOURCE_EXHAUSTED);
                assert!(error.message.contains("too large"), "{error:?}");
            }
            other => drop(other?),
        }
    }

    fn failing_runs(plugin) {
        let client = client(plugin)?;
        let program = compiled(&client, "mock x\nparam f32[2,2]\nout 0\nfail 15 gone")?;
        let outputs = program.run(&[&floats(&client)?])?;
        match outputs[0].to_vec::<f32>() {
            Err(Error::Plugin(error)) => assert_eq!(error.code, ErrorCode::DATA_LOSS),
            other => drop(other?),
        }
    }

    fn launch_numbers(plugin) {
        run_with(plugin, &ExecuteOptions::new().launch_id(7))?;
    }

    fn contexts(plugin) {
        let context = Arc::new(plugin.create_execute_context()?);
        run_with(plugin, &ExecuteOptions::new().context(context))?;
    }

    fn call_locations(plugin) {
        run_with(plugin, &ExecuteOptions::new().call_location("skew.rs:1"))?;
    }

    fn incarnations(plugin) {
        run_with(plugin, &ExecuteOptions::new().task(0, 5).task(1, 6))?;
    }

    fn device_layouts_in_callbacks(plugin) {
        run_with(plugin, &ExecuteOptions::new().device_layout_in_callbacks())?;
    }

    fn sent_and_received(plugin) {
        let client = client(plugin)?;
        let text = "mock talk\nparam f32[2,2]\nout recv 7 f32[2]\nsend 7 0\n";
        let program = compiled(&client, text)?;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        let failed = Arc::new(Mutex::new(None));
        let failure = Arc::clone(&failed);
        let options = ExecuteOptions::new()
            .on_send(7, move |piece| {
                kept.lock().unwrap().extend_from_slice(piece.chunk.as_ref());
                Ok(())
            })
            .on_receive(7, move |_, mut stream| {
                let all = stream.total_bytes().and_then(|_| stream.granule_size());
                let added = all.and_then(|_| stream.add_chunk(bytes(&[8.0, 9.0])));
                let ended = added.and_then(|event| event.wait());
                let ended = ended.and_then(|()| stream.current_bytes());
                // A stream that gets nothing fails the operation.
                *failure.lock().unwrap() = ended.err();
            });
        let a = floats(&client)?;
        let runs = program.execute(vec![vec![(&a).into()]], &options)?;
        let ended = runs[0].done.wait();
        if let Some(error) = failed.lock().unwrap().take() {
            return Err(error);
        }
        ended?;
        assert_eq!(runs[0].outputs[0].to_vec::<f32>()?, [8.0, 9.0]);
        assert_eq!(*sent.lock().unwrap(), bytes(&[1.0, 2.0, 3.0, 4.0]));
    }

    fn shown_on_the_way(plugin) {
        let client = client(plugin)?;
        let program = compiled(&client, "mock show\nparam f32[2,2]\nout 0\nhost 3 0\n")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let options = ExecuteOptions::new().on_output(3, 1, move |value| {
            kept.lock().unwrap().extend_from_slice(value.data.unwrap_or_default());
        });
        let a = floats(&client)?;
        let runs = program.execute(vec![vec![(&a).into()]], &options)?;
        runs[0].done.wait()?;
        assert_eq!(*seen.lock().unwrap(), bytes(&[1.0, 2.0, 3.0, 4.0]));
    }

    fn loaded_programs(plugin) {
        let client = client(plugin)?;
        let program = compiled(&client, ADD)?;
        assert_eq!(program.addressable_devices()?.len(), 1);
        assert!(!program.is_deleted()?);
        assert!(!program.fingerprint()?.is_empty());
        program.delete()?;
    }

    fn assignments(plugin) {
        let assignment = compiled(&client(plugin)?, ADD)?.device_assignment()?;
        assert_eq!(assignment.unwrap().devices(), [0]);
    }

    fn logical_ids(plugin) {
        let client = client(plugin)?;
        assert_eq!(compiled(&client, ADD)?.addressable_device_logical_ids()?.len(), 1);
    }

    fn names(plugin) {
        let executable = executable(&client(plugin)?)?;
        assert_eq!(executable.name()?, "two");
        assert_eq!((executable.num_replicas()?, executable.num_partitions()?), (1, 1));
        assert_eq!(executable.num_outputs()?, 2);
        executable.generated_code_size()?;
        assert!(executable.optimized_program()?.code().starts_with(b"mock two"));
    }

    fn costs(plugin) {
        let executable = executable(&client(plugin)?)?;
        assert!(executable.cost_analysis()?.get("flops").is_some());
    }

    fn outputs(plugin) {
        let executable = executable(&client(plugin)?)?;
        assert_eq!(executable.output_element_types()?, [pjrt::ElementType::F32; 2]);
        assert_eq!(executable.output_dimensions()?, [&[2, 2][..], &[2, 2]]);
        assert_eq!(executable.output_memory_kinds()?, ["device", "device"]);
        assert!(!executable.fingerprint()?.is_empty());
    }

    fn inputs(plugin) {
        let executable = executable(&client(plugin)?)?;
        assert_eq!(executable.parameter_memory_kinds()?, ["device", "device"]);
    }

    fn memory_of_programs(plugin) {
        let executable = executable(&client(plugin)?)?;
        assert_eq!(executable.compiled_memory_stats()?.output_size_in_bytes, 32);
    }

    fn options_of_programs(plugin) {
        drop(executable(&client(plugin)?)?.compile_options()?);
    }

    fn serialised(plugin) {
        let client = client(plugin)?;
        let bytes = executable(&client)?.serialize()?;
        // SAFETY: this plugin wrote the bytes a moment ago.
        let loaded = unsafe { client.deserialize_and_load(&bytes, None, None) }?;
        let (a, b) = (floats(&client)?, floats(&client)?);
        assert_eq!(loaded.run(&[&a, &b])?.len(), 2);
    }

    fn serialised_with_options(plugin) {
        let client = client(plugin)?;
        let bytes = executable(&client)?.serialize()?;
        let options = CompileOptions::new();
        // SAFETY: this plugin wrote the bytes a moment ago.
        drop(unsafe { client.deserialize_and_load(&bytes, Some(&options), None) }?);
    }

    fn loaded_later(plugin) {
        let client = client(plugin)?;
        let loaded = client.load(&executable(&client)?, None)?;
        let (a, b) = (floats(&client)?, floats(&client)?);
        assert_eq!(loaded.run(&[&a, &b])?.len(), 2);
    }
}
