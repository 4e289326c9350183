//! Element types and devices, as DLPack names them.

use super::ffi::{DLDataType, DLDataTypeCode as code, DLDevice, DLDeviceType as device};
use crate::ElementType;

/// Types with the same bytes on devices, on the host, and in DLPack. Those below a byte are not the
/// same everywhere.
const TYPES: &[(ElementType, code::Type, u8)] = &[
    (ElementType::PRED, code::kDLBool, 8),
    (ElementType::S8, code::kDLInt, 8),
    (ElementType::S16, code::kDLInt, 16),
    (ElementType::S32, code::kDLInt, 32),
    (ElementType::S64, code::kDLInt, 64),
    (ElementType::U8, code::kDLUInt, 8),
    (ElementType::U16, code::kDLUInt, 16),
    (ElementType::U32, code::kDLUInt, 32),
    (ElementType::U64, code::kDLUInt, 64),
    (ElementType::F16, code::kDLFloat, 16),
    (ElementType::F32, code::kDLFloat, 32),
    (ElementType::F64, code::kDLFloat, 64),
    (ElementType::BF16, code::kDLBfloat, 16),
    (ElementType::C64, code::kDLComplex, 64),
    (ElementType::C128, code::kDLComplex, 128),
    (ElementType::F8E3M4, code::kDLFloat8_e3m4, 8),
    (ElementType::F8E4M3, code::kDLFloat8_e4m3, 8),
    (ElementType::F8E4M3B11FNUZ, code::kDLFloat8_e4m3b11fnuz, 8),
    (ElementType::F8E4M3FN, code::kDLFloat8_e4m3fn, 8),
    (ElementType::F8E4M3FNUZ, code::kDLFloat8_e4m3fnuz, 8),
    (ElementType::F8E5M2, code::kDLFloat8_e5m2, 8),
    (ElementType::F8E5M2FNUZ, code::kDLFloat8_e5m2fnuz, 8),
    (ElementType::F8E8M0FNU, code::kDLFloat8_e8m0fnu, 8),
];

/// The type in DLPack; none if it has none of whole bytes.
pub(super) fn to_dlpack(ty: ElementType) -> Option<DLDataType> {
    let (_, code, bits) = TYPES.iter().find(|(other, _, _)| *other == ty)?;
    Some(DLDataType {
        code: u8::try_from(*code).ok()?,
        bits: *bits,
        lanes: 1,
    })
}

/// The type in PJRT; none if there is none of whole bytes.
pub(super) fn from_dlpack(dtype: DLDataType) -> Option<ElementType> {
    let same = |(_, code, bits): &&(ElementType, code::Type, u8)| {
        *code == u32::from(dtype.code) && *bits == dtype.bits && dtype.lanes == 1
    };
    TYPES.iter().find(same).map(|(ty, _, _)| *ty)
}

/// Where a buffer is, by its platform, the kind of its memory and the number of its device. None if
/// DLPack has no name for the place.
pub(super) fn place(platform: &str, kind: &str, number: i32) -> Option<DLDevice> {
    let (device_type, device_id) = match (platform, kind) {
        ("cpu", _) => (device::kDLCPU, 0),
        ("cuda", "device") => (device::kDLCUDA, number),
        ("cuda", "pinned_host") => (device::kDLCUDAHost, 0),
        ("rocm", "device") => (device::kDLROCM, number),
        ("rocm", "pinned_host") => (device::kDLROCMHost, 0),
        _ => return None,
    };
    Some(DLDevice {
        device_type,
        device_id,
    })
}

/// Whether the host's processor can read the memory.
pub(super) fn is_on_host(place: DLDevice) -> bool {
    matches!(
        place.device_type,
        device::kDLCPU | device::kDLCUDAHost | device::kDLROCMHost
    )
}

/// Whether it is device memory of this platform.
pub(super) fn is_on_platform(place: DLDevice, platform: &str) -> bool {
    matches!(
        (place.device_type, platform),
        (device::kDLCUDA, "cuda") | (device::kDLROCM, "rocm")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_and_come_back() {
        let mut without = Vec::new();
        for ty in ElementType::ALL {
            match to_dlpack(*ty) {
                Some(dtype) => {
                    assert_eq!(from_dlpack(dtype), Some(*ty));
                    assert_eq!(ty.host_size(), Some(usize::from(dtype.bits) / 8));
                }
                None => without.push(ty.to_string()),
            }
        }
        let narrow = "INVALID S4 U4 TOKEN S2 U2 F4E2M1FN S1 U1 F6E2M3FN F6E3M2FN";
        assert_eq!(without.join(" "), narrow);
        let lanes = DLDataType {
            lanes: 4,
            ..to_dlpack(ElementType::F32).unwrap()
        };
        assert_eq!(from_dlpack(lanes), None);
    }
}
