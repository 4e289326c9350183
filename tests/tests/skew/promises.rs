//! What is promised now and kept, broken or forgotten later.

use crate::scenario::{bytes, client, floats, memory, scenarios};
use pjrt::{AliasFulfiller, Buffer, Client, ElementType, Error, ErrorCode, Result};

fn alias(client: &Client) -> Result<(Buffer, AliasFulfiller)> {
    client.create_alias_buffer(&memory(client)?, ElementType::F32, &[2, 2], None)
}

fn code<T>(outcome: Result<T>) -> Result<ErrorCode> {
    match outcome {
        Err(Error::Plugin(error)) => Ok(error.code),
        Err(other) => Err(other),
        Ok(_) => panic!("an error was promised"),
    }
}

scenarios! {
    fn aliases_kept(plugin) {
        let client = client(plugin)?;
        let (kept, fulfiller) = alias(&client)?;
        fulfiller.fulfill(Ok(&floats(&client)?))?;
        assert_eq!(kept.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }

    fn aliases_broken(plugin) {
        let client = client(plugin)?;
        let (broken, fulfiller) = alias(&client)?;
        fulfiller.fulfill(Err((ErrorCode::ABORTED, "no more")))?;
        assert_eq!(code(broken.to_vec::<f32>())?, ErrorCode::ABORTED);
        let (forgotten, fulfiller) = alias(&client)?;
        drop(fulfiller);
        assert_eq!(code(forgotten.to_vec::<f32>())?, ErrorCode::CANCELLED);
    }

    fn raw_copies_later(plugin) {
        let client = client(plugin)?;
        let copy = floats(&client)?.copy_raw_to_host_later(4, 8)?;
        assert_eq!(copy.provide(vec![0; 8])?.wait()?, bytes(&[2.0, 3.0]));
        drop(floats(&client)?.copy_raw_to_host_later(0, 4)?);
    }

    fn donations_that_wait(plugin) {
        let client = client(plugin)?;
        let (given, dependency) = floats(&client)?
            .donate_with_control_dependency()
            .map_err(|refused| refused.1)?;
        dependency.set(Ok(()))?;
        assert_eq!(given.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }
}
