//! What the tests of the exam share.

use pjrt::{Buffer, Client, ClientOptions, CompileOptions, Error, LoadedExecutable, Memory};
use pjrt::{Plugin, Program};
use pjrt_tests::child::{alone, is_child};
use pjrt_tests::{Mocked, mocked};

/// The newest version that the mock poses as.
pub const NEWEST: u32 = 114;

/// A program of the mock: adds a matrix to itself, and gives it as it is.
const MOCK: &str = "mock double\nparam f32[2,2]\nout add 0 0\nout 0\n";

/// The same for real plugins.
const REAL: &str = "module @double {
  func.func @main(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
    %0 = stablehlo.add %x, %x : tensor<2x2xf32>
    return %0, %x : tensor<2x2xf32>, tensor<2x2xf32>
  }
}";

/// Runs one part on the newest mock plugin, and the other on the real CPU plugin, in a process of its
/// own.
pub fn both(test: &str, mock: impl FnOnce(&Mocked), cpu: impl FnOnce(&Plugin)) {
    if is_child(test) {
        let plugin = pjrt_tests::plugin("cpu").expect("the parent has it");
        return cpu(&plugin);
    }
    mock(&pjrt_tests::mock(NEWEST));
    // Another process loads it: this one only learns whether it is wanted.
    if pjrt_tests::wanted("cpu") {
        alone(test);
    }
}

/// A client with two devices.
pub fn client(plugin: &Plugin) -> Client {
    let options = ClientOptions::cpu().device_count(2);
    plugin.create_client(&options).expect("a client")
}

/// Four numbers in two rows.
pub const MATRIX: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

/// A matrix on the first device.
pub fn matrix(client: &Client) -> Buffer {
    let buffer = client.buffer_from_slice(&MATRIX, &[2, 2]);
    buffer.expect("a buffer")
}

/// The default memory of the first device.
pub fn memory(client: &Client) -> Memory {
    let devices = client.addressable_devices().expect("devices");
    devices[0].default_memory().expect("a memory")
}

/// A program that doubles a matrix.
pub fn double(client: &Client) -> LoadedExecutable {
    let is_mock = client.platform_name().expect("a name") == "mock";
    let code = if is_mock { MOCK } else { REAL };
    let compiled = client.compile(&Program::mlir(code), &CompileOptions::new());
    compiled.expect("a program")
}

/// The argument that a call is refused for, before it reaches the plugin.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> &'static str {
    match result {
        Err(Error::InvalidArgument { argument, .. }) => argument,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The function is one that the plugin lacks.
#[track_caller]
pub fn absent<T>(result: pjrt::Result<T>) {
    match result.map(|_| ()) {
        Err(Error::Unimplemented { .. }) => {}
        other => panic!("expected that the function is absent, got {other:?}"),
    }
}

/// Waits for what another thread is about to do.
#[track_caller]
pub fn until(problem: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "{problem}");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The table of a mock plugin with other functions in it, loaded as a plugin of its own.
pub fn with_table(plugin: &Mocked, change: impl FnOnce(&mut pjrt::sys::PJRT_Api)) -> Plugin {
    // SAFETY: the mock of the newest version has a whole table of today's.
    let mut table = Box::new(unsafe { plugin.mock.api().read() });
    change(&mut table);
    // SAFETY: the table lives as long as the process, and its functions are those of the slots.
    unsafe { Plugin::from_api(Box::leak(table)) }.expect("a plugin")
}

/// A mock plugin with so many devices.
pub fn with_devices(devices: usize) -> Mocked {
    mocked(pjrt_mock::Mock::builder().devices(devices))
}
