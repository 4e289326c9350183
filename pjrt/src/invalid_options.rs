//! Options that cannot be meant.

use crate::OptionValue;
use std::fmt;

/// What is wrong with options of a compilation, or with a device assignment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InvalidOptions {
    /// No option has this name.
    UnknownOption {
        /// Name.
        name: String,
        /// The known name that is most like it.
        nearest: Option<&'static str>,
    },
    /// An option takes values of another type.
    WrongType {
        /// Name.
        name: String,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        given: OptionValue,
    },
    /// There must be a replica and a partition at least.
    Counts {
        /// Replicas.
        replicas: i64,
        /// Partitions.
        partitions: i64,
    },
    /// An assignment has more or fewer devices than replicas times partitions.
    DeviceCount {
        /// Replicas.
        replicas: u32,
        /// Partitions.
        partitions: u32,
        /// Devices.
        devices: usize,
    },
    /// A device is assigned twice.
    DuplicateDevice {
        /// Id of the device.
        device: i32,
    },
    /// The id of a device is below zero or too large.
    DeviceId {
        /// What was given.
        id: i64,
    },
    /// The options say one number of replicas and partitions, and their assignment another.
    Assignment {
        /// Replicas and partitions of the options.
        options: (i64, i64),
        /// Replicas and partitions of the assignment.
        assignment: (u32, u32),
    },
    /// A program for any one device has one replica, one partition and no assignment.
    Portable,
}

impl fmt::Display for InvalidOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidOptions::UnknownOption { name, nearest } => {
                write!(f, "no option of XLA's is called `{name}`")?;
                match nearest {
                    Some(nearest) => write!(f, "; did you mean `{nearest}`?")?,
                    None => f.write_str(".")?,
                }
                f.write_str(" An option that is newer than this crate or the platform's own is set with `raw_option`")
            }
            InvalidOptions::WrongType {
                name,
                expected,
                given,
            } => write!(f, "the option `{name}` takes {expected}, not {given:?}"),
            InvalidOptions::Counts {
                replicas,
                partitions,
            } => write!(
                f,
                "{replicas} replicas of {partitions} partitions: give one of each at least"
            ),
            InvalidOptions::DeviceCount {
                replicas,
                partitions,
                devices,
            } => write!(
                f,
                "{devices} devices for {replicas} replicas of {partitions} partitions: give one for each partition of each replica"
            ),
            InvalidOptions::DuplicateDevice { device } => {
                write!(f, "the device {device} is assigned twice: a device runs one partition")
            }
            InvalidOptions::DeviceId { id } => {
                write!(f, "{id} is no id of a device: ids are whole numbers of 31 bits")
            }
            InvalidOptions::Assignment {
                options,
                assignment,
            } => write!(
                f,
                "the options are for {} replicas of {} partitions, their device assignment for {} of {}: set the assignment last, or leave the numbers to it",
                options.0, options.1, assignment.0, assignment.1
            ),
            InvalidOptions::Portable => f.write_str(
                "a portable program runs on any one device: leave out its device assignment, and more than one replica or partition",
            ),
        }
    }
}

impl std::error::Error for InvalidOptions {}
