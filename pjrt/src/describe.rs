//! What handles look like to people: the names and numbers that the plugin tells, no addresses.
//!
//! Nothing here waits, and what the plugin does not tell is a question mark.

use crate::signature::array;
use crate::{
    Buffer, Client, Device, DeviceDescription, Event, Executable, LoadedExecutable, Memory, Plugin,
    Result, TopologyDescription,
};
use std::fmt;

/// An answer of the plugin's, if it gave one.
struct Told<T>(Result<T>);

impl<T: fmt::Debug> fmt::Debug for Told<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(answer) => answer.fmt(f),
            Err(_) => f.write_str("?"),
        }
    }
}

/// The name by which logs call a device.
pub(crate) fn device_name(device: &Device) -> String {
    let description = device.description();
    let name = description.and_then(|d| d.debug_string().map(str::to_owned));
    name.unwrap_or_else(|_| "a device without a name".to_owned())
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Plugin");
        shown.field("name", &self.name());
        shown.field("api_version", &format_args!("{}", self.api_version()));
        shown.field("attributes", &Told(self.attributes()));
        shown.finish()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("platform", &Told(self.platform_name()))
            .field("version", &Told(self.platform_version()))
            .field("process", &Told(self.process_index()))
            .field("devices", &Told(self.devices().map(|all| all.len())))
            .finish()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description() {
            Ok(description) => show(&description, "Device", f),
            Err(_) => f.write_str("Device(?)"),
        }
    }
}

impl fmt::Debug for DeviceDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, "DeviceDescription", f)
    }
}

fn show(of: &DeviceDescription, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("id", &Told(of.id()))
        .field("kind", &Told(of.kind()))
        .field("name", &Told(of.debug_string()))
        .field("process", &Told(of.process_index()))
        .finish()
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("id", &Told(self.id()))
            .field("kind", &Told(self.kind()))
            .field("name", &Told(self.debug_string()))
            .finish()
    }
}

impl fmt::Debug for TopologyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.device_descriptions().map(|all| all.len());
        f.debug_struct("TopologyDescription")
            .field("platform", &Told(self.platform_name()))
            .field("version", &Told(self.platform_version()))
            .field("devices", &Told(devices))
            .finish()
    }
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executable")
            .field("name", &Told(self.name()))
            .field("replicas", &Told(self.num_replicas()))
            .field("partitions", &Told(self.num_partitions()))
            .field("outputs", &Told(self.num_outputs()))
            .finish()
    }
}

impl fmt::Debug for LoadedExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.addressable_devices();
        let devices = devices.map(|all| all.iter().map(device_name).collect::<Vec<_>>());
        f.debug_struct("LoadedExecutable")
            .field("program", &Told(self.executable()))
            .field("devices", &Told(devices))
            .finish()
    }
}

/// Such as `Buffer(f32[2,3] on TFRT_CPU_0)`.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ty = array(self.element_type().ok(), self.dimensions().ok());
        let device = self
            .device()
            .map_or_else(|_| "?".to_owned(), |d| device_name(&d));
        let deleted = match self.is_deleted() {
            Ok(true) => ", deleted",
            _ => "",
        };
        write!(f, "Buffer({ty} on {device}{deleted})")
    }
}

/// `Event(pending)`, `Event(done)`, or `Event(failed: ..)` with the error.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_ready() {
            Ok(false) => f.write_str("Event(pending)"),
            Ok(true) => match self.error() {
                Ok(()) => f.write_str("Event(done)"),
                Err(error) => write!(f, "Event(failed: {error})"),
            },
            Err(_) => f.write_str("Event(?)"),
        }
    }
}
