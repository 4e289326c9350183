//! What a program is run on: files in the order of its parameters, and random values.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use pjrt::signature::Parameter;
use pjrt::{Buffer, Client, ElementType, HostArray, Signature};

use super::npy::{self, Array};
use super::{Problem, dtype, elements, show};

/// An input, before it goes to the device.
pub struct Input {
    /// Type of the elements.
    pub element_type: ElementType,
    /// Dimensions.
    pub dims: Vec<i64>,
    /// The file that it is from; none for random values.
    pub file: Option<PathBuf>,
    fortran: bool,
    bytes: Vec<u8>,
}

/// The files by parameter, as `--input` names them: `FILE` for the next parameter that none is named
/// for, `N=FILE` for the parameter N.
///
/// # Errors
///
/// If there are two for one parameter.
pub fn assigned(given: &[String]) -> Result<Vec<Option<PathBuf>>, Problem> {
    let numbered = |text: &str| -> Option<(usize, PathBuf)> {
        let (number, file) = text.split_once('=')?;
        Some((number.parse().ok()?, PathBuf::from(file)))
    };
    // More than any program has, and few enough to make a list of.
    const MOST: usize = 1 << 16;
    let mut files: Vec<Option<PathBuf>> = Vec::new();
    for (number, file) in given.iter().filter_map(|text| numbered(text)) {
        if number >= MOST {
            let what = format!(
                "--input {number}={}: no program has so many parameters",
                file.display()
            );
            return Err(Problem::new(what).next("number the parameters from 0"));
        }
        if files.len() <= number {
            files.resize(number + 1, None);
        }
        if let Some(place) = files.get_mut(number)
            && let Some(other) = place.replace(file)
        {
            let what = format!(
                "--input: parameter {number} is given twice, first as {}",
                other.display()
            );
            return Err(Problem::new(what).next("give each parameter once"));
        }
    }
    let mut next = 0;
    for text in given.iter().filter(|text| numbered(text).is_none()) {
        while files.get(next).is_some_and(Option::is_some) {
            next += 1;
        }
        if files.len() <= next {
            files.resize(next + 1, None);
        }
        if let Some(place) = files.get_mut(next) {
            *place = Some(PathBuf::from(text));
        }
    }
    Ok(files)
}

/// One input for each parameter, checked against it.
///
/// # Errors
///
/// Files that cannot be read or do not fit; more files than parameters; a parameter that no values
/// can be made up for.
pub fn gather(
    files: &[Option<PathBuf>],
    signature: &Signature,
    seed: u64,
) -> Result<Vec<Input>, Problem> {
    let Some(parameters) = &signature.parameters else {
        return Err(Problem::new(
            "the plugin does not give the compiled program back, so what it takes is not known",
        )
        .next("run the program on another plugin (--plugin cpu)"));
    };
    if files.len() > parameters.len() {
        let extra = files.iter().skip(parameters.len()).flatten();
        let extra: Vec<String> = extra.map(|file| file.display().to_string()).collect();
        let what = format!(
            "the program takes {} inputs, {signature}, and --input names one for parameter {}",
            parameters.len(),
            files.len() - 1
        );
        return Err(Problem::new(what).next(format!("leave out {}", extra.join(", "))));
    }
    let mut rng = Rng::with_seed(seed);
    let mut inputs = Vec::new();
    for (number, parameter) in parameters.iter().enumerate() {
        // Each has a sequence of its own: that others are given makes no difference.
        let mut rng = rng.fork();
        let input = match files.get(number).and_then(Option::as_ref) {
            Some(file) => from_file(number, file, parameter)?,
            None => made_up(number, parameter, &mut rng)?,
        };
        inputs.push(input);
    }
    Ok(inputs)
}

fn from_file(number: usize, file: &Path, parameter: &Parameter) -> Result<Input, Problem> {
    let Array {
        stored,
        dims,
        fortran,
        bytes,
    } = npy::read(file)?;
    let came = format!(
        "input {number}: the program takes {}, and {} holds {} {dims:?}",
        wanted(parameter),
        file.display(),
        stored.name()
    );
    let Some(element_type) = parameter.element_type else {
        return Err(Problem::new(came).next("nothing: no array can be given for this parameter"));
    };
    if dtype::stored(element_type) != Some(stored) {
        let name = dtype::numpy_name(element_type);
        return Err(Problem::new(came).next(format!("save `array.astype({name})`")));
    }
    if parameter
        .dims
        .as_ref()
        .is_some_and(|wanted| *wanted != dims)
    {
        let wanted = parameter.dims.clone().unwrap_or_default();
        let count = |dims: &[i64]| dims.iter().copied().map(i128::from).product::<i128>();
        let next = if count(&wanted) == count(&dims) {
            format!("save `array.reshape({wanted:?})`, if these are the right elements")
        } else {
            "give an array of that shape, or give the inputs in the order of the parameters"
                .to_owned()
        };
        return Err(Problem::new(came).next(next));
    }
    Ok(Input {
        element_type,
        dims,
        file: Some(file.to_owned()),
        fortran,
        bytes,
    })
}

/// What a parameter is, without the name that a compiler made up for it.
fn wanted(parameter: &Parameter) -> String {
    match (parameter.element_type, &parameter.dims) {
        (Some(ty), Some(dims)) => show::kind(ty, dims),
        _ => parameter.to_string(),
    }
}

fn made_up(number: usize, parameter: &Parameter, rng: &mut Rng) -> Result<Input, Problem> {
    let refused = |why: &str| {
        let what = format!(
            "input {number}: the program takes {}, for which no random values can be made: {why}",
            wanted(parameter)
        );
        Problem::new(what).next(format!("give it with --input {number}=FILE"))
    };
    let (Some(element_type), Some(dims)) = (parameter.element_type, &parameter.dims) else {
        return Err(refused("its type or its dimensions are not fixed"));
    };
    let count = dims.iter().try_fold(1usize, |count, dim| {
        count.checked_mul(usize::try_from(*dim).ok()?)
    });
    let bytes = count.and_then(|count| elements::random(element_type, count, rng));
    Ok(Input {
        element_type,
        dims: dims.clone(),
        file: None,
        fortran: false,
        bytes: bytes
            .ok_or_else(|| refused("the type is not known here, or it is larger than memory"))?,
    })
}

impl Input {
    /// The values as text, for those that are made up.
    pub fn values(&self) -> String {
        show::values(self.element_type, &self.dims, &self.bytes)
    }

    /// Copies it to the first device of a client.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn upload(&self, client: &Client) -> pjrt::Result<Buffer> {
        let dims = self.dims.as_slice();
        let array = HostArray::new(dims);
        if !self.fortran {
            return client.buffer_from_bytes(&self.bytes, self.element_type, &array);
        }
        let size = self.element_type.host_size().unwrap_or(1);
        let mut stride = i64::try_from(size).unwrap_or(1);
        let strides: Vec<i64> = dims
            .iter()
            .map(|dim| {
                let this = stride;
                stride = stride.saturating_mul(*dim);
                this
            })
            .collect();
        client.buffer_from_bytes(&self.bytes, self.element_type, &array.strides(0, &strides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(given: &[&str]) -> Vec<Option<String>> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let files = assigned(&given).expect("no two for one");
        files
            .into_iter()
            .map(|file| file.map(|file| file.display().to_string()))
            .collect()
    }

    #[test]
    fn files_without_a_number_go_where_none_is_named() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(files(&["a", "b"]), [some("a"), some("b")]);
        assert_eq!(files(&["a", "0=b"]), [some("b"), some("a")]);
        assert_eq!(files(&["2=c"]), [None, None, some("c")]);
        assert_eq!(files(&["x=c"]), [some("x=c")]);
        let twice = assigned(&["1=a".to_owned(), "1=b".to_owned()]);
        assert!(twice.is_err_and(|p| p.to_string().contains("given twice")));
        assert!(assigned(&["99999999999=a".to_owned()]).is_err());
    }
}
