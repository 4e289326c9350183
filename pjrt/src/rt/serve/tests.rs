use super::*;
use crate::ErrorCode;

/// Second revision; the first one ended after `filled`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Args {
    struct_size: usize,
    items: *const i64,
    num_items: usize,
    flag: bool,
    filled: i32,
    later: i64,
}

const FIRST: usize = 32;

fn served(least: usize) -> Served {
    let lengths: &[(usize, usize)] = &[(16, 8)];
    let fields = vec![
        ServedField::new("struct_size", 0, 8, Way::In, Must::Be),
        ServedField::new("items", 8, 8, Way::In, Must::Point(lengths)),
        ServedField::new("num_items", 16, 8, Way::In, Must::Be),
        ServedField::new("flag", 24, 1, Way::In, Must::BeTruth),
        ServedField::new("filled", 28, 4, Way::Out, Must::Be),
        ServedField::new("later", 32, 8, Way::InOut, Must::Be),
    ];
    Served {
        name: "Fill",
        args: "Fill_Args",
        least,
        fields: fields.leak(),
    }
}

fn args(size: usize) -> Args {
    Args {
        struct_size: size,
        items: std::ptr::null(),
        num_items: 0,
        flag: false,
        filled: -1,
        later: 7,
    }
}

fn fill(args: &mut Args) -> Result<(), Failure> {
    assert_eq!(args.filled, 0, "an output is zero before");
    args.filled = 5 + i32::from(args.flag);
    args.later += 1;
    Ok(())
}

fn run(
    args: *mut Args,
    body: impl FnOnce(&mut Args) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // SAFETY: the tests give null or a whole struct, which has at least the bytes that it says.
    unsafe { serve(&served(FIRST), args, body) }
}

#[test]
fn outputs_go_back() {
    let mut given = args(size_of::<Args>());
    run(&raw mut given, fill).unwrap();
    assert_eq!((given.filled, given.later), (5, 8));
    // A caller with more than ours is served.
    given.struct_size = 4096;
    run(&raw mut given, fill).unwrap();
    assert_eq!((given.filled, given.later), (5, 9));
}

#[test]
fn an_older_caller_is_read_and_written_as_far_as_it_goes() {
    let mut given = args(FIRST);
    let body = |args: &mut Args| {
        assert_eq!(args.later, 0, "it is not read past its end");
        fill(args)
    };
    run(&raw mut given, body).unwrap();
    assert_eq!((given.filled, given.later), (5, 7), "nor written");
    // A size in the middle of a field leaves the field out.
    given.struct_size = FIRST + 4;
    run(&raw mut given, fill).unwrap();
    assert_eq!(given.later, 7);
}

#[test]
fn what_a_caller_did_wrong_is_told_and_nothing_is_written() {
    let error = run(std::ptr::null_mut(), fill).unwrap_err();
    assert_eq!(error.message, "Fill: expected Fill_Args, got null");
    let mut given = args(FIRST - 1);
    let error = run(&raw mut given, fill).unwrap_err();
    assert!(
        error.message.contains("expected 32 or more, got 31"),
        "{error}"
    );
    let mut given = args(FIRST);
    given.num_items = 1;
    let error = run(&raw mut given, fill).unwrap_err();
    assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
    assert_eq!(error.message, "Fill: `items`: expected a pointer, got null");
    assert_eq!(given.filled, -1);
}

#[test]
fn a_failure_leaves_the_outputs_alone() {
    let mut given = args(size_of::<Args>());
    let body = |args: &mut Args| {
        args.filled = 9;
        Err(Failure::internal("no"))
    };
    run(&raw mut given, body).unwrap_err();
    let thrown = run(&raw mut given, |_| panic!("thrown {}", 1)).unwrap_err();
    assert_eq!(thrown, Failure::internal("Fill panicked: thrown 1"));
    let thrown = run(&raw mut given, |_| panic!("a word")).unwrap_err();
    assert_eq!(thrown.message, "Fill panicked: a word");
    let thrown = run(&raw mut given, |_| std::panic::panic_any(5)).unwrap_err();
    assert!(thrown.message.contains("no text"), "{thrown}");
    assert_eq!((given.filled, given.later), (-1, 7));
}

#[test]
fn any_byte_is_a_truth_value() {
    let mut given = args(size_of::<Args>());
    // SAFETY: the byte is not read as a truth value in this test.
    unsafe { (&raw mut given.flag).cast::<u8>().write(7) };
    let body = |args: &mut Args| {
        assert!(args.flag);
        Ok(())
    };
    run(&raw mut given, body).unwrap();
}

#[test]
fn arguments_without_a_size_are_taken_whole() {
    let mut given = args(3);
    // SAFETY: the struct is whole.
    unsafe { serve(&served(0), &raw mut given, fill) }.unwrap();
    assert_eq!((given.filled, given.later), (5, 8));
}

#[test]
fn a_failure_is_never_a_success() {
    let failure = Failure::new(ErrorCode::OK, "contradiction");
    let mut made = None;
    let error = answer(Err(failure), |failure| {
        made = Some(failure.code);
        std::ptr::null_mut()
    });
    assert!(error.is_null());
    assert_eq!(made, Some(ErrorCode::UNKNOWN));
    // SAFETY: a number.
    assert_eq!(unsafe { or_zero::<i64>(Err(Failure::internal(""))) }, 0);
}
