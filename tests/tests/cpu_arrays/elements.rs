//! Every type of element goes to a device and comes back.

use crate::{everywhere, refused};
use pjrt::element::{
    BF16, F4E2M1FN, F6E2M3FN, F6E3M2FN, F8E3M4, F8E4M3, F8E4M3B11FNUZ, F8E4M3FN, F8E4M3FNUZ,
    F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F16, Packed, Pred, S1, S2, S4, U1, U2, U4, pack, unpack,
};
use pjrt::{Client, Element, ElementType, Error, HostArray};
use std::fmt::Debug;

/// First minor version with these types.
const LATE: &[(ElementType, u32)] = &[
    (ElementType::S1, 94),
    (ElementType::U1, 94),
    (ElementType::F6E2M3FN, 114),
    (ElementType::F6E3M2FN, 114),
];

fn round_trip<T: Element + PartialEq + Debug>(client: &Client, values: &[T]) {
    let count = i64::try_from(values.len()).unwrap();
    let buffer = match client.buffer_from_slice(values, &[count]) {
        Err(Error::TooNew {
            since,
            plugin_version,
            ..
        }) => {
            assert!(LATE.contains(&(T::TYPE, since)), "{} {since}", T::TYPE);
            assert!(plugin_version < (0, i32::try_from(since).unwrap()));
            return;
        }
        other => other.unwrap_or_else(|error| panic!("{}: {error}", T::TYPE)),
    };
    assert_eq!(buffer.element_type().unwrap(), T::TYPE);
    assert_eq!(buffer.to_vec::<T>().unwrap(), values, "{}", T::TYPE);
    let size = T::TYPE.host_size().unwrap();
    let bytes = buffer.to_bytes().unwrap();
    assert_eq!(bytes.len(), values.len() * size);
    let again = client.buffer_from_bytes(&bytes, T::TYPE, &HostArray::new(&[count]));
    assert_eq!(again.unwrap().to_vec::<T>().unwrap(), values);
}

#[test]
fn numbers_of_rust_go_and_come_back() {
    everywhere(|client| {
        round_trip(client, &[true, false, true]);
        round_trip(client, &[Pred::from(true), Pred::from(false)]);
        round_trip(client, &[i8::MIN, -1, 0, i8::MAX]);
        round_trip(client, &[i16::MIN, -1, 0, i16::MAX]);
        round_trip(client, &[i32::MIN, -1, 0, i32::MAX]);
        round_trip(client, &[i64::MIN, -1, 0, i64::MAX]);
        round_trip(client, &[0, 1, u8::MAX]);
        round_trip(client, &[0, 1, u16::MAX]);
        round_trip(client, &[0, 1, u32::MAX]);
        round_trip(client, &[0, 1, u64::MAX]);
        round_trip(client, &[-0.0, 1.5, f32::MAX, f32::INFINITY]);
        round_trip(client, &[-0.0, 1.5, f64::MAX, f64::INFINITY]);
        round_trip(client, &[[1.0f32, -2.0], [3.0, 4.0]]);
        round_trip(client, &[[1.0f64, -2.0], [3.0, 4.0]]);
    });
}

#[test]
fn every_small_float_goes_and_comes_back() {
    fn all<T: Element + PartialEq + Debug>(client: &Client, last: u8, make: fn(u8) -> T) {
        round_trip(client, &(0..=last).map(make).collect::<Vec<_>>());
    }
    everywhere(|client| {
        let every = |step| (0..=u16::MAX).step_by(step);
        round_trip(client, &every(7).map(F16::from_bits).collect::<Vec<_>>());
        round_trip(client, &every(7).map(BF16::from_bits).collect::<Vec<_>>());
        all(client, 255, F8E5M2::from_bits);
        all(client, 255, F8E4M3::from_bits);
        all(client, 255, F8E3M4::from_bits);
        all(client, 255, F8E4M3FN::from_bits);
        all(client, 255, F8E4M3B11FNUZ::from_bits);
        all(client, 255, F8E5M2FNUZ::from_bits);
        all(client, 255, F8E4M3FNUZ::from_bits);
        all(client, 255, F8E8M0FNU::from_bits);
        all(client, 63, F6E2M3FN::from_bits);
        all(client, 63, F6E3M2FN::from_bits);
        all(client, 15, F4E2M1FN::from_bits);
    });
}

#[test]
fn integers_below_a_byte_go_and_come_back() {
    fn all<T: Packed + PartialEq + Debug>(client: &Client) {
        let values: Vec<T> = (0..1 << T::BITS).map(T::from_low_bits).collect();
        round_trip(client, &values);
    }
    everywhere(|client| {
        all::<S1>(client);
        all::<S2>(client);
        all::<S4>(client);
        all::<U1>(client);
        all::<U2>(client);
        all::<U4>(client);
    });
}

#[test]
fn devices_pack_what_is_below_a_byte() {
    fn packed<T: Packed + PartialEq + Debug>(client: &Client) {
        // Not a whole number of bytes.
        let values: Vec<T> = (0..11).map(|i| T::from_low_bits(i * 3)).collect();
        let buffer = client.buffer_from_slice(&values, &[11]).unwrap();
        let size = buffer.on_device_size().unwrap();
        assert_eq!(size, (11 * T::BITS as usize).div_ceil(8), "{}", T::TYPE);
        let bytes = buffer.copy_raw_to_host(0, size).unwrap().wait().unwrap();
        assert_eq!(bytes, pack(&values), "{}", T::TYPE);
        assert_eq!(unpack::<T>(&bytes, 11).unwrap(), values);
    }
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    packed::<S2>(&client);
    packed::<S4>(&client);
    packed::<U2>(&client);
    packed::<U4>(&client);
    packed::<F4E2M1FN>(&client);
}

#[test]
fn a_byte_that_is_no_truth_value_becomes_one() {
    everywhere(|client| {
        let array = HostArray::new(&[4]);
        let bytes = [0u8, 1, 2, 255];
        let buffer = client.buffer_from_bytes(&bytes, ElementType::PRED, &array);
        let buffer = buffer.unwrap();
        let wanted = [false, true, true, true];
        assert_eq!(buffer.to_vec::<bool>().unwrap(), wanted);
        assert_eq!(buffer.download::<bool>().unwrap().wait().unwrap(), wanted);
        let mut into = [false; 4];
        buffer.copy_to_slice(&mut into).unwrap();
        assert_eq!(into, wanted);
        assert_eq!(buffer.to_vec::<Pred>().unwrap(), wanted.map(Pred::from));
    });
}

#[test]
fn other_crates_numbers_are_elements() {
    use half::{bf16, f16};
    use num_complex::Complex;
    everywhere(|client| {
        round_trip(client, &[f16::from_f32(1.5), f16::MAX]);
        round_trip(client, &[bf16::from_f32(-2.5), bf16::MAX]);
        round_trip(client, &[Complex::new(1.0f32, -2.0)]);
        round_trip(client, &[Complex::new(1.0f64, -2.0)]);
        // The same numbers as ours have.
        let ours = client.buffer_from_slice(&[F16::from_f32(0.1)], &[1]);
        let theirs = ours.unwrap().to_vec::<f16>().unwrap();
        assert_eq!(theirs, [f16::from_f32(0.1)]);
        let pair = client.buffer_from_scalar([1.0f32, 2.0]).unwrap();
        let number = pair.to_vec::<Complex<f32>>().unwrap();
        assert_eq!(number, [Complex::new(1.0, 2.0)]);
    });
}

#[test]
fn half_floats_are_those_of_the_other_crate() {
    for bits in 0..=u16::MAX {
        let (ours, theirs) = (
            F16::from_bits(bits).to_f32(),
            half::f16::from_bits(bits).to_f32(),
        );
        assert!(
            ours == theirs || (ours.is_nan() && theirs.is_nan()),
            "{bits:#x}"
        );
    }
    // Floats of all sizes, on and between the halves.
    for step in 0..200_000u32 {
        let value = f32::from_bits(step.wrapping_mul(21_475));
        if value.is_nan() {
            continue;
        }
        let theirs = half::f16::from_f32(value).to_bits();
        assert_eq!(F16::from_f32(value).to_bits(), theirs, "{value}");
        let theirs = half::bf16::from_f32(value).to_bits();
        assert_eq!(BF16::from_f32(value).to_bits(), theirs, "{value}");
    }
}

#[test]
fn bytes_of_no_whole_elements_are_refused() {
    everywhere(|client| {
        let given = |bytes: &[u8], ty, dims: &[i64]| {
            client.buffer_from_bytes(bytes, ty, &HostArray::new(dims))
        };
        refused(
            given(&[0; 7], ElementType::F32, &[2]),
            "data",
            "7 bytes are no whole number",
        );
        refused(
            given(&[0; 8], ElementType::F32, &[3]),
            "dims",
            "the 2 elements given",
        );
        refused(given(&[], ElementType::TOKEN, &[]), "type", "no type");
        refused(given(&[], ElementType::INVALID, &[]), "type", "no type");
        // Elements need no alignment.
        let bytes: Vec<u8> = [0u8].into_iter().chain(2.5f64.to_ne_bytes()).collect();
        let buffer = given(&bytes[1..], ElementType::F64, &[]).unwrap();
        assert_eq!(buffer.to_vec::<f64>().unwrap(), [2.5]);
    });
}
