//! What a program is given, and the checks before it is.

use super::EXECUTE;
use crate::describe::device_name;
use crate::rt;
use crate::signature::array;
use crate::{Buffer, Device, ElementType, Error, LoadedExecutable, Result, Signature};
use std::sync::Arc;

/// An array that a program is given.
#[derive(Debug)]
pub enum Argument<'a> {
    /// The buffer stays as it is.
    Borrow(&'a Buffer),
    /// The buffer is given up, and the program may use its memory for outputs.
    Donate(
        #[cfg(not(pjrt_mutant = "donated_still_usable"))] Buffer,
        #[cfg(pjrt_mutant = "donated_still_usable")] &'a Buffer,
    ),
}

impl Argument<'_> {
    /// The buffer.
    pub fn buffer(&self) -> &Buffer {
        match self {
            Argument::Borrow(buffer) => buffer,
            Argument::Donate(buffer) => buffer,
        }
    }

    fn is_donated(&self) -> bool {
        matches!(self, Argument::Donate(_))
    }
}

impl<'a> From<&'a Buffer> for Argument<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Argument::Borrow(buffer)
    }
}

#[cfg(not(pjrt_mutant = "donated_still_usable"))]
impl From<Buffer> for Argument<'_> {
    fn from(buffer: Buffer) -> Self {
        Argument::Donate(buffer)
    }
}

/// What is asked about a program once.
pub(super) struct Facts {
    /// Arrays that a run leaves on each device.
    pub(super) outputs: usize,
    /// Addresses of the devices that a run starts on, of those of this process; only compared.
    devices: Vec<usize>,
    /// What it takes and gives.
    pub(super) signature: Arc<Signature>,
}

impl Facts {
    /// Asks the plugin.
    pub(super) fn of(program: &LoadedExecutable) -> Result<Facts> {
        let signature = program.executable()?.signature()?;
        let devices = program.addressable_devices()?;
        Ok(Facts {
            outputs: signature.outputs.len(),
            devices: devices.iter().map(address).collect(),
            signature,
        })
    }

    /// Refuses a number of argument lists that is not the number of devices.
    pub(super) fn check_devices(&self, lists: usize) -> Result<()> {
        let devices = self.devices.len();
        if lists == devices && lists > 0 {
            return Ok(());
        }
        if devices == 0 {
            let problem = "the program has no device of its own here: choose one".to_owned();
            return Err(refused(problem));
        }
        Err(refused(format!(
            "the program runs on {devices} devices, and arguments for {lists} were given"
        )))
    }

    /// Refuses arguments that are not those of the program on the device in this place, or on that
    /// one, as far as it is known what they must be. Plugins compare no more than sizes in bytes.
    pub(super) fn check<'b>(
        &self,
        on: &LoadedExecutable,
        place: usize,
        device: Option<&Device>,
        arguments: impl ExactSizeIterator<Item = &'b Buffer> + Clone,
    ) -> Result<()> {
        for argument in arguments.clone() {
            rt::same_client(on, argument, EXECUTE, "argument_lists")?;
        }
        let parameters = self.signature.parameters.as_deref();
        if let Some(parameters) = parameters
            && parameters.len() != arguments.len()
        {
            return Err(refused(format!(
                "the program takes {} arguments, and {} were given for device {place}: it is {}",
                parameters.len(),
                arguments.len(),
                self.signature
            )));
        }
        let device = device.map(address).or(self.devices.get(place).copied());
        for (index, argument) in arguments.enumerate() {
            let given = argument.given()?;
            let parameter = parameters.and_then(|parameters| parameters.get(index));
            let fits = parameter.is_none_or(|parameter| {
                let open = parameter.dims.as_ref().is_none_or(|dims| dims == given.1);
                let element_type = parameter.element_type;
                // Of tokens nothing is known but that they are no arrays.
                open && element_type.is_none_or(|of| of == given.0 || of == ElementType::TOKEN)
            });
            if !fits || device.is_some_and(|device| device != given.2) {
                return Err(self.misfit(on, index, place, (device, fits), argument));
            }
        }
        Ok(())
    }

    /// The error for an argument that does not fit.
    #[cold]
    fn misfit(
        &self,
        on: &LoadedExecutable,
        index: usize,
        place: usize,
        (device, fits): (Option<usize>, bool),
        argument: &Buffer,
    ) -> Error {
        let given = match argument.given() {
            Ok((element_type, dims, _)) => array(Some(element_type), Some(dims)),
            Err(error) => return error,
        };
        let parameters = self.signature.parameters.as_deref().unwrap_or_default();
        let parameter = parameters.get(index);
        let called = match parameter.and_then(|parameter| parameter.name.as_deref()) {
            Some(name) => format!("parameter {index} (`{name}`)"),
            None => format!("parameter {index}"),
        };
        if let (false, Some(parameter)) = (fits, parameter) {
            let expected = array(parameter.element_type, parameter.dims.as_deref());
            return refused(format!(
                "{called} is {expected}, and device {place} was given {given}"
            ));
        }
        let devices = on.client().and_then(|client| client.devices().ok());
        let devices = devices.unwrap_or_default();
        let wanted = devices.iter().find(|d| Some(address(d)) == device);
        let wanted = wanted.map_or_else(|| "another device".to_owned(), device_name);
        let found = argument.device();
        let found = found.map_or_else(|_| "another one".to_owned(), |device| device_name(&device));
        refused(format!(
            "{called} must be on {wanted}, and the {given} that was given is on {found}: copy it with `Buffer::copy_to_device`"
        ))
    }
}

fn address(device: &Device) -> usize {
    device.as_raw() as usize
}

/// The arguments that the program may not take the memory of, by their place. A plugin is told once
/// for all devices.
pub(super) fn kept(lists: &[Vec<Argument<'_>>]) -> Result<Vec<i64>> {
    let mut kept = Vec::new();
    let Some((first, others)) = lists.split_first() else {
        return Ok(kept);
    };
    for (index, argument) in first.iter().enumerate() {
        let donated = argument.is_donated();
        for other in others {
            match other.get(index) {
                Some(other) if other.is_donated() == donated => {}
                Some(_) => {
                    return Err(refused(format!(
                        "argument {index} is donated on some devices and not on others"
                    )));
                }
                None => {}
            }
        }
        if !donated {
            kept.extend(i64::try_from(index));
        }
    }
    if others.iter().any(|other| other.len() != first.len()) {
        let problem = "the devices are given different numbers of arguments".to_owned();
        return Err(refused(problem));
    }
    Ok(kept)
}

fn refused(problem: String) -> Error {
    Error::InvalidArgument {
        function: EXECUTE,
        argument: "argument_lists",
        problem,
    }
}
