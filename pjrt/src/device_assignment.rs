//! Which device runs which part of a program.

use crate::proto::{ComputationDevice, DecodeError, DeviceAssignmentProto, Message};
use crate::{Client, Error, InvalidOptions, Result, raw, rt};

/// Which device runs which replica and partition of a program.
///
/// A program runs as several *replicas*, each split into several *partitions*; every partition of
/// every replica has a device of its own.
///
/// ```
/// use pjrt::DeviceAssignment;
///
/// // Two replicas of a program that is split in two.
/// let devices = DeviceAssignment::new(2, 2, [0, 1, 2, 3])?;
/// assert_eq!(devices.device(1, 0), Some(2));
/// assert_eq!(devices.logical_id(3), Some((1, 1)));
/// assert!(DeviceAssignment::new(2, 2, [0, 1, 2, 2]).is_err());
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceAssignment {
    replicas: u32,
    partitions: u32,
    /// By replica and then by partition.
    devices: Vec<i32>,
}

impl DeviceAssignment {
    /// An assignment of device ids, by replica and then by partition.
    ///
    /// # Errors
    ///
    /// `InvalidOptions` if a count is 0, if there are not as many ids as partitions of replicas,
    /// and for an id that stands twice or is below zero.
    pub fn new(replicas: u32, partitions: u32, devices: impl Into<Vec<i32>>) -> Result<Self> {
        Ok(Self::checked(replicas, partitions, devices.into())?)
    }

    fn checked(
        replicas: u32,
        partitions: u32,
        devices: Vec<i32>,
    ) -> std::result::Result<Self, InvalidOptions> {
        if replicas == 0 || partitions == 0 {
            return Err(InvalidOptions::Counts {
                replicas: replicas.into(),
                partitions: partitions.into(),
            });
        }
        let wanted = u64::from(replicas) * u64::from(partitions);
        if u64::try_from(devices.len()) != Ok(wanted) {
            return Err(InvalidOptions::DeviceCount {
                replicas,
                partitions,
                devices: devices.len(),
            });
        }
        let mut sorted = devices.clone();
        sorted.sort_unstable();
        if let Some(id) = sorted.first().filter(|id| **id < 0) {
            return Err(InvalidOptions::DeviceId { id: (*id).into() });
        }
        let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
        if let Some((device, _)) = pairs.find(|(a, b)| a == b) {
            return Err(InvalidOptions::DuplicateDevice { device: *device });
        }
        Ok(DeviceAssignment {
            replicas,
            partitions,
            devices,
        })
    }

    /// How many replicas there are; at least 1.
    pub fn replicas(&self) -> u32 {
        self.replicas
    }

    /// How many partitions one replica has; at least 1.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The ids of all devices, by replica and then by partition.
    pub fn devices(&self) -> &[i32] {
        &self.devices
    }

    /// The id of the device of a partition of a replica; none if there is no such partition.
    pub fn device(&self, replica: u32, partition: u32) -> Option<i32> {
        if partition >= self.partitions {
            return None;
        }
        let row = usize::try_from(replica).ok()?;
        let width = usize::try_from(self.partitions).ok()?;
        let column = usize::try_from(partition).ok()?;
        let index = row.checked_mul(width)?.checked_add(column)?;
        self.devices.get(index).copied()
    }

    /// The replica and partition that a device runs; none if it runs none.
    pub fn logical_id(&self, device: i32) -> Option<(u32, u32)> {
        let index = self.devices.iter().position(|id| *id == device)?;
        let index = u32::try_from(index).ok()?;
        Some((
            index.checked_div(self.partitions)?,
            index.checked_rem(self.partitions)?,
        ))
    }

    /// Reads a serialised `DeviceAssignmentProto`.
    ///
    /// # Errors
    ///
    /// `Decode` for bytes that are no such message; `InvalidOptions` as for [`Self::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_proto(&DeviceAssignmentProto::from_bytes(bytes)?)
    }

    /// The assignment that a message says.
    ///
    /// # Errors
    ///
    /// `Decode` for counts that do not fit the lists; `InvalidOptions` as for [`Self::new`].
    pub fn from_proto(message: &DeviceAssignmentProto) -> Result<Self> {
        let (replicas, partitions) = (message.replica_count, message.computation_count);
        let rows = &message.computation_devices;
        let counts = || InvalidOptions::Counts {
            replicas: replicas.into(),
            partitions: partitions.into(),
        };
        let width = u32::try_from(replicas).map_err(|_| counts())?;
        let height = u32::try_from(partitions).map_err(|_| counts())?;
        let fits = |count: usize, said: u32| u32::try_from(count) == Ok(said);
        if !fits(rows.len(), height)
            || !rows.iter().all(|r| fits(r.replica_device_ids.len(), width))
        {
            let problem = "its counts are not those of its lists";
            return Err(DecodeError::new(DeviceAssignmentProto::NAME, problem).into());
        }
        // The message lists partitions first.
        let mut devices = Vec::new();
        for replica in 0..rows.first().map_or(0, |row| row.replica_device_ids.len()) {
            for id in rows
                .iter()
                .filter_map(|r| r.replica_device_ids.get(replica))
            {
                let id = i32::try_from(*id).map_err(|_| InvalidOptions::DeviceId { id: *id })?;
                devices.push(id);
            }
        }
        Self::new(width, height, devices)
    }

    /// The assignment as a message.
    pub fn to_proto(&self) -> DeviceAssignmentProto {
        let mut message = DeviceAssignmentProto::default();
        // A list in memory is shorter than either.
        message.replica_count = i32::try_from(self.replicas).unwrap_or(i32::MAX);
        message.computation_count = i32::try_from(self.partitions).unwrap_or(i32::MAX);
        message.computation_devices = (0..self.partitions)
            .map(|partition| {
                let mut row = ComputationDevice::default();
                let devices =
                    (0..self.replicas).filter_map(|replica| self.device(replica, partition));
                row.replica_device_ids = devices.map(i64::from).collect();
                row
            })
            .collect();
        message
    }

    /// The assignment as a serialised `DeviceAssignmentProto`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_proto().to_bytes()
    }
}

impl rt::Parsed for DeviceAssignment {
    fn parsed(bytes: &[u8]) -> std::result::Result<Self, &'static str> {
        Self::from_bytes(bytes).map_err(|error| match error {
            Error::Decode(error) => error.problem,
            _ => "a device assignment that cannot be meant",
        })
    }
}

impl Client {
    /// Which device runs which replica and partition unless a program says otherwise. There may be
    /// more of them than devices: the plugin numbers them nevertheless.
    ///
    /// Calls `PJRT_Client_DefaultDeviceAssignment` (since PJRT 0.1).
    ///
    /// # Errors
    ///
    /// `InvalidOptions` for a count of 0; `InvalidArgument` for more devices than memory holds; what
    /// the plugin reports.
    pub fn default_device_assignment(
        &self,
        replicas: u32,
        partitions: u32,
    ) -> Result<DeviceAssignment> {
        use rt::Handle as _;
        const FUNCTION: &str = "PJRT_Client_DefaultDeviceAssignment";
        const FIELD: &str = "default_assignment";
        if replicas == 0 || partitions == 0 {
            return Err(InvalidOptions::Counts {
                replicas: replicas.into(),
                partitions: partitions.into(),
            }
            .into());
        }
        let narrow = |count: u32, argument| {
            i32::try_from(count).map_err(|_| Error::InvalidArgument {
                function: FUNCTION,
                argument,
                problem: format!("{count} is more than 31 bits hold"),
            })
        };
        let sizes = [
            usize::try_from(replicas).ok(),
            usize::try_from(partitions).ok(),
        ];
        let count = rt::product(&sizes, FUNCTION, FIELD)?;
        let mut devices: Vec<i32> = rt::zeroed_items(count, FUNCTION, FIELD)?;
        let input = raw::ClientDefaultDeviceAssignmentIn::new(
            self.as_raw(),
            narrow(replicas, "num_replicas")?,
            narrow(partitions, "num_partitions")?,
            count,
            devices.as_mut_ptr(),
        );
        // SAFETY: the client is live, and the memory has room for as many ids as the product of
        // the counts, which are positive.
        unsafe { raw::client_default_device_assignment(self.api(), input) }?;
        DeviceAssignment::new(replicas, partitions, devices)
    }
}
