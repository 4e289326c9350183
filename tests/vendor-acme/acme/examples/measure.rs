//! Measures every device of a plugin: `cargo run --example measure -- PATH_OF_PLUGIN`.

use acme::{Acme, Unit};
use pjrt::{ClientOptions, Plugin};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("give the path of a plugin")?;
    let plugin = Plugin::load(path)?;
    let client = plugin.create_client(&ClientOptions::new())?;
    let acme = plugin.extension::<Acme>()?;
    println!("{}, limits {:?}", acme.driver_version()?, acme.limits()?);

    for device in client.addressable_devices()? {
        acme.on_alarm(&device, 80.0, |celsius, text| {
            println!("{celsius} degrees: {text}")
        })?;
        let probe = acme.probe_create(&device, "inlet", Unit::CELSIUS)?;
        let measured = probe.read()?;
        println!(
            "{} {:?} at {:?}",
            measured.value, measured.unit, measured.nanoseconds
        );
        for port in acme.device_ports(&device)? {
            println!("  {}", port.label()?);
        }
        probe.flush()?.wait()?;
    }
    Ok(())
}
