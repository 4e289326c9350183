//! What a program is given, and the checks before it is.

use super::EXECUTE;
use super::shapes::{self, Parameter};
use crate::rt;
use crate::{Buffer, Error, LoadedExecutable, Result};

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
    /// Devices that a run starts on, of those of this process.
    pub(super) devices: usize,
    /// Its parameters, if the plugin tells.
    parameters: Option<Vec<Option<Parameter>>>,
}

impl Facts {
    /// Asks the plugin.
    pub(super) fn of(program: &LoadedExecutable) -> Result<Facts> {
        let executable = program.executable()?;
        Ok(Facts {
            outputs: rt::room(
                executable.num_outputs()?,
                "PJRT_Executable_NumOutputs",
                "num_outputs",
            )?,
            devices: program.addressable_devices()?.len(),
            parameters: executable
                .optimized_program()
                .ok()
                .and_then(|optimized| shapes::parameters(&optimized)),
        })
    }

    /// Refuses a number of argument lists that is not the number of devices.
    pub(super) fn check_devices(&self, lists: usize) -> Result<()> {
        if lists == self.devices && lists > 0 {
            return Ok(());
        }
        if self.devices == 0 {
            let problem = "the program has no device of its own here: choose one".to_owned();
            return Err(refused(problem));
        }
        Err(refused(format!(
            "the program runs on {} devices, and arguments for {lists} were given",
            self.devices
        )))
    }

    /// Refuses arguments that are not those of the program, as far as that is known. Plugins
    /// compare no more than sizes in bytes.
    pub(super) fn check<'b>(
        &self,
        on: &LoadedExecutable,
        device: usize,
        arguments: impl ExactSizeIterator<Item = &'b Buffer> + Clone,
    ) -> Result<()> {
        for argument in arguments.clone() {
            rt::same_client(on, argument, EXECUTE, "argument_lists")?;
        }
        if let Some(parameters) = &self.parameters
            && parameters.len() != arguments.len()
        {
            return Err(refused(format!(
                "the program takes {} arguments, and {} were given for device {device}",
                parameters.len(),
                arguments.len()
            )));
        }
        for (index, argument) in arguments.enumerate() {
            let parameters = self.parameters.as_deref().unwrap_or_default();
            let Some(Some(parameter)) = parameters.get(index) else {
                continue;
            };
            let (found, dims) = (argument.element_type()?, argument.dimensions()?);
            let fits = parameter.element_type.is_none_or(|of| of == found)
                && parameter.dims.as_ref().is_none_or(|of| of == dims);
            if !fits {
                let of = |ty: Option<String>, dims: Option<&[i64]>| {
                    let ty = ty.unwrap_or_else(|| "elements of some type".to_owned());
                    match dims {
                        Some(dims) => format!("{ty} of {dims:?}"),
                        None => ty,
                    }
                };
                let ty = parameter.element_type.map(|ty| ty.to_string());
                return Err(refused(format!(
                    "parameter {index} is {}, and device {device} was given {}",
                    of(ty, parameter.dims.as_deref()),
                    of(Some(found.to_string()), Some(dims))
                )));
            }
        }
        Ok(())
    }
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
