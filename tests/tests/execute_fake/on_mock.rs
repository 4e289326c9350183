//! Each option as the mock plugin reads it from the struct, and callbacks that answer, fail, panic
//! or take their time.

use pjrt::megascale::Megascale;
use pjrt::{
    Argument, Buffer, CallbackError, Client, ClientOptions, CompileOptions, CopyToDeviceStream,
    Error, ErrorCode, ExecuteOptions, Execution, LoadedExecutable, PluginError, Program,
};
use pjrt_mock::{Ran, newest};
use pjrt_tests::{Mocked, mock};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

const SAME: &str = "mock same\nparam f32[2]\ndonate 0\nout 0\n";
/// Sends its argument over channel 7 and gives what comes over channel 8.
const TALK: &str = "mock talk\nparam f32[2]\nout recv 8 f32[2]\nsend 7 0\n";

fn client(plugin: &Mocked) -> Client {
    plugin.create_client(&ClientOptions::new()).unwrap()
}

fn compile(client: &Client, text: &str) -> LoadedExecutable {
    let options = CompileOptions::new();
    client.compile(&Program::mlir(text), &options).unwrap()
}

fn pair(client: &Client) -> Buffer {
    client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap()
}

fn bytes(items: [f32; 2]) -> Vec<u8> {
    items.iter().flat_map(|item| item.to_ne_bytes()).collect()
}

/// Runs a program on one pair.
fn start(client: &Client, text: &str, options: &ExecuteOptions) -> Execution {
    let pair = pair(client);
    let mut runs = compile(client, text)
        .execute(vec![vec![Argument::Borrow(&pair)]], options)
        .unwrap();
    runs.remove(0)
}

/// What arrives with a run that has these options.
fn given(options: ExecuteOptions) -> Ran {
    let plugin = mock(newest());
    let client = client(&plugin);
    let run = start(&client, SAME, &options);
    run.done.wait().unwrap();
    assert_eq!(run.outputs[0].to_vec::<f32>().unwrap(), [1.0, 2.0]);
    plugin.mock.last_run().unwrap()
}

/// What arrives with a run without options.
fn nothing() -> Ran {
    Ran {
        devices: 1,
        kept: vec![0],
        ..Ran::default()
    }
}

/// The error that a run ended with.
fn failure(run: &Execution) -> PluginError {
    match run.done.wait() {
        Err(Error::Plugin(error)) => *error,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn without_options_nothing_arrives_but_what_is_not_to_be_donated() {
    assert_eq!(given(ExecuteOptions::new()), nothing());
}

#[test]
fn a_launch_number_arrives() {
    let mut expected = nothing();
    expected.launch_id = -9;
    assert_eq!(given(ExecuteOptions::new().launch_id(-9)), expected);
}

#[test]
fn a_call_location_arrives() {
    let mut expected = nothing();
    expected.call_location = Some("train.py:12".to_owned());
    let options = ExecuteOptions::new().call_location("train.py:12");
    assert_eq!(given(options), expected);
}

#[test]
fn tasks_arrive_with_their_incarnations() {
    let mut expected = nothing();
    expected.tasks = vec![(4, 40), (2, -1)];
    let options = ExecuteOptions::new().task(4, 40).task(2, -1);
    assert_eq!(given(options), expected);
}

#[test]
fn callbacks_of_channels_arrive_and_ask_for_row_major_order() {
    let mut expected = nothing();
    expected.sends = vec![vec![7, 3]];
    expected.row_major = true;
    let options = ExecuteOptions::new()
        .on_send(7, |_| Ok(()))
        .on_send(3, |_| Ok(()));
    assert_eq!(given(options), expected);
    let mut expected = nothing();
    expected.receives = vec![vec![8]];
    let options = ExecuteOptions::new().on_receive(8, |_, _| ());
    assert_eq!(given(options.device_layout_in_callbacks()), expected);
}

#[test]
fn callbacks_for_values_on_their_way_arrive() {
    let mut expected = nothing();
    expected.told = vec![(5, 2)];
    assert_eq!(
        given(ExecuteOptions::new().on_output(5, 2, |_| ())),
        expected
    );
}

#[test]
fn contexts_and_slices_arrive_and_outlive_the_callers_handles() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let topology = plugin.create_topology("mock:4", &[]).unwrap();
    let megascale: Megascale = plugin.extension().unwrap();
    let of_client = megascale.client_context(&client).unwrap();
    let slices = of_client.multi_slice_config(&topology, 3, 1, 0, b"", b"");
    let context = Arc::new(plugin.create_execute_context().unwrap());
    let options = ExecuteOptions::new()
        .context(context)
        .slices(slices.unwrap());
    let run = start(&client, SAME, &options);
    drop(options);
    run.done.wait().unwrap();
    let mut expected = nothing();
    expected.context = true;
    expected.slices = Some((3, 1));
    assert_eq!(plugin.mock.last_run(), Some(expected));
}

#[test]
fn what_is_borrowed_is_kept_and_what_is_donated_is_not() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let program = compile(
        &client,
        "mock both\nparam f32[2]\nparam f32[2]\nparam f32[2]\ndonate 0\ndonate 1\nout 2\n",
    );
    let (kept, third) = (pair(&client), pair(&client));
    let arguments = vec![(&kept).into(), pair(&client).into(), (&third).into()];
    let device = &client.devices().unwrap()[0];
    let options = ExecuteOptions::new();
    let run = program.execute_on(device, arguments, &options).unwrap();
    run.done.wait().unwrap();
    let ran = plugin.mock.last_run().unwrap();
    assert_eq!((ran.kept, ran.chosen), (vec![0, 2], true));
    assert_eq!(kept.to_vec::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn chunks_go_out_and_come_back_through_a_stream() {
    let plugin = mock(newest());
    let client = client(&plugin);
    // What is sent over channel 7 is doubled and given to channel 8, chunk by chunk.
    let (sender, receiver) = channel::<Vec<u8>>();
    let sender = Mutex::new(sender);
    let receiver = Arc::new(Mutex::new(receiver));
    let options = ExecuteOptions::new()
        .on_send(7, move |sent| {
            assert_eq!((sent.device, sent.total_size), (0, 8));
            let (items, rest) = sent.chunk.as_chunks::<4>();
            assert!(rest.is_empty());
            let doubled = items.iter().map(|item| 2.0 * f32::from_ne_bytes(*item));
            let chunk = doubled.flat_map(f32::to_ne_bytes).collect();
            sender.lock().unwrap().send(chunk).unwrap();
            Ok(())
        })
        .on_receive(8, move |device, mut stream| {
            assert_eq!(device, 0);
            assert_eq!(stream.total_bytes().unwrap(), 8);
            assert_eq!(stream.granule_size().unwrap(), 1);
            for filled in [0, 4] {
                assert_eq!(stream.current_bytes().unwrap(), filled);
                let chunk = receiver.lock().unwrap().recv().unwrap();
                stream.add_chunk(chunk).unwrap().wait().unwrap();
            }
        });
    let run = start(&client, TALK, &options);
    run.done.wait().unwrap();
    assert_eq!(run.outputs[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
}

/// Gives a stream all that it wants.
fn fill(mut stream: CopyToDeviceStream) {
    let added = stream.add_chunk(bytes([8.0, 9.0]));
    added.unwrap().wait().unwrap();
}

#[test]
fn an_error_of_a_callback_is_the_error_of_the_run() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let options = ExecuteOptions::new()
        .on_send(7, |_| {
            Err(CallbackError::new(ErrorCode::DATA_LOSS, "the line is dead"))
        })
        .on_receive(8, |_, stream| fill(stream));
    let run = start(&client, TALK, &options);
    let error = failure(&run);
    assert_eq!(error.code, ErrorCode::DATA_LOSS);
    assert!(error.message.contains("the line is dead"));
    let error = run.outputs[0].to_vec::<f32>().unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
}

#[test]
fn a_callback_that_panics_fails_the_run_and_nothing_else() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let options = ExecuteOptions::new()
        .on_send(7, |_| panic!("a fault of the test's callback"))
        .on_receive(8, |_, stream| fill(stream));
    let run = start(&client, TALK, &options);
    assert_eq!(failure(&run).code, ErrorCode::INTERNAL);

    // The stream of one that panics is destroyed, and that ends the receive operation.
    let options = ExecuteOptions::new()
        .on_send(7, |_| Ok(()))
        .on_receive(8, |_, _| panic!("a fault of the test's callback"));
    let run = start(&client, TALK, &options);
    assert_eq!(failure(&run).code, ErrorCode::CANCELLED);

    let shown = "mock show\nparam f32[2]\nout 0\nhost 3 0\n";
    let options = ExecuteOptions::new().on_output(3, 1, |_| panic!("a fault of the test"));
    let run = start(&client, shown, &options);
    run.done.wait().unwrap();

    let options = ExecuteOptions::new()
        .on_send(7, |_| Ok(()))
        .on_receive(8, |_, stream| fill(stream));
    let run = start(&client, TALK, &options);
    assert_eq!(run.outputs[0].to_vec::<f32>().unwrap(), [8.0, 9.0]);
}

#[test]
fn a_channel_without_a_callback_fails_the_run() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let run = start(&client, TALK, &ExecuteOptions::new().on_send(6, |_| Ok(())));
    let error = failure(&run);
    assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
    assert!(error.message.contains("channel 7"), "{}", error.message);
}

#[test]
fn a_slow_callback_holds_its_run_up_and_no_other_and_all_may_go_meanwhile() {
    let plugin = mock(newest());
    let client = client(&plugin);
    let (entered, waits) = channel::<()>();
    let (go, going): (Sender<()>, Receiver<()>) = channel();
    let (entered, going) = (Mutex::new(entered), Mutex::new(going));
    let dropped = Arc::new(());
    let inner = dropped.clone();
    let options = ExecuteOptions::new()
        .on_send(7, move |sent| {
            let _ = &inner;
            if !sent.done {
                entered.lock().unwrap().send(()).unwrap();
                going.lock().unwrap().recv().unwrap();
            }
            Ok(())
        })
        .on_receive(8, |_, stream| fill(stream));
    let slow = start(&client, TALK, &options);
    drop(options);
    waits.recv().unwrap();
    assert!(!slow.done.is_ready().unwrap());
    let other = start(&client, SAME, &ExecuteOptions::new());
    assert_eq!(other.outputs[0].to_vec::<f32>().unwrap(), [1.0, 2.0]);
    // Nobody waits for the slow one any more; what it uses stays until it is over.
    let Execution { outputs, done, .. } = slow;
    drop(outputs);
    assert_eq!(Arc::strong_count(&dropped), 2);
    go.send(()).unwrap();
    done.wait().unwrap();
    // The callback goes with the last that the plugin says of the run.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while Arc::strong_count(&dropped) > 1 {
        assert!(std::time::Instant::now() < deadline, "it is still held");
        std::thread::yield_now();
    }
}
