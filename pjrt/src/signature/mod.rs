//! What a program takes and gives.

mod read;
mod wire;

use crate::rt::{Handle, Owner};
use crate::{ElementType, Error, Executable, Program, Result};
use std::fmt;
use std::sync::Arc;

/// What a program takes and gives, as far as the plugin tells.
///
/// `Display` writes it as one line, such as `(x: f32[2,3], f32[]) -> (f32[2,3])`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// One per argument of a run; none where the plugin does not give the program back in a form
    /// that is read here.
    pub parameters: Option<Vec<Parameter>>,
    /// One per output of a run.
    pub outputs: Vec<Output>,
}

/// A parameter of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// What the program calls it. Compilers of StableHLO invent names such as `Arg_0.1`.
    pub name: Option<String>,
    /// None for an element type that this crate does not know, and what is no array.
    pub element_type: Option<ElementType>,
    /// None if a dimension is not fixed, and for what is no array.
    pub dims: Option<Vec<i64>>,
    /// Order of the dimensions in memory, the one that varies fastest first; none where the
    /// program leaves it open.
    pub minor_to_major: Option<Vec<i64>>,
    /// Kind of the memory that it is expected in, such as `device`. Plugins tell since PJRT 0.90.
    pub memory_kind: Option<String>,
    /// What the program does with the memory of a donated argument.
    pub donation: Donation,
}

/// An output of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// None where the plugin does not tell.
    pub element_type: Option<ElementType>,
    /// None where the plugin does not tell.
    pub dims: Option<Vec<i64>>,
    /// Order of the dimensions in memory, the one that varies fastest first; none where that is
    /// open.
    pub minor_to_major: Option<Vec<i64>>,
    /// Kind of the memory that it is left in, such as `device`; the measured CPU plugin does not
    /// tell.
    pub memory_kind: Option<String>,
}

/// What a program does with the memory of an argument that is donated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Donation {
    /// Nothing: donating it ends its life early, and saves no memory.
    #[default]
    Unused,
    /// Outputs may be written to it.
    Used,
    /// An output is written to it always; where it is not donated, the plugin copies it first or
    /// refuses the run.
    Required,
}

impl Executable {
    /// What the program takes and gives. It is asked for once per handle and its clones.
    ///
    /// Calls `PJRT_Executable_OptimizedProgram` for the parameters and the layouts, and
    /// `PJRT_Executable_ParameterMemoryKinds` (since PJRT 0.90), `PJRT_Executable_OutputElementTypes`,
    /// `PJRT_Executable_OutputDimensions` and `PJRT_Executable_OutputMemoryKinds`. What the plugin
    /// refuses to tell is none.
    ///
    /// # Errors
    ///
    /// What the plugin reports when it is asked for the number of outputs.
    pub fn signature(&self) -> Result<Arc<Signature>> {
        let known = |owner: &Owner| owner.cached::<Arc<Signature>>().cloned();
        if let Some(signature) = self.owner().and_then(known) {
            return Ok(signature);
        }
        let signature = Arc::new(Signature::of(self)?);
        if let Some(owner) = self.owner() {
            owner.cache(signature.clone());
        }
        Ok(signature)
    }
}

impl Signature {
    fn of(executable: &Executable) -> Result<Signature> {
        let count = crate::rt::room(
            executable.num_outputs()?,
            "PJRT_Executable_NumOutputs",
            "num_outputs",
        )?;
        let program = executable.optimized_program().ok();
        let shapes = program.as_ref().and_then(read::shapes);
        let (mut parameters, orders) = match shapes {
            Some(shapes) => (Some(shapes.parameters), shapes.result_orders),
            None => (None, Vec::new()),
        };
        if let (Some(parameters), Ok(kinds)) =
            (&mut parameters, executable.parameter_memory_kinds())
            && kinds.len() == parameters.len()
        {
            for (parameter, kind) in parameters.iter_mut().zip(kinds) {
                parameter.memory_kind = Some(kind.to_owned());
            }
        }
        // A list of another length than the outputs have says nothing.
        fn fitting<T>(list: Result<Vec<T>>, count: usize) -> impl Iterator<Item = Option<T>> {
            let list = list.ok().filter(|list| list.len() == count);
            list.unwrap_or_default()
                .into_iter()
                .map(Some)
                .chain(std::iter::repeat_with(|| None))
        }
        let types = fitting(executable.output_element_types().map(<[_]>::to_vec), count);
        let dims = fitting(executable.output_dimensions(), count);
        let kinds = fitting(executable.output_memory_kinds(), count);
        let orders = fitting(Ok(orders), count);
        let outputs = types.zip(dims).zip(kinds.zip(orders)).take(count);
        let outputs = outputs.map(|((element_type, dims), (kind, order))| Output {
            element_type,
            dims: dims.map(<[i64]>::to_vec),
            minor_to_major: order.flatten(),
            memory_kind: kind.map(str::to_owned),
        });
        Ok(Signature {
            parameters,
            outputs: outputs.collect(),
        })
    }
}

impl Program<'_> {
    /// What an `HloModuleProto` says that it takes; none for other formats.
    #[cfg(test)]
    fn parameters(&self) -> Option<Vec<Parameter>> {
        read::shapes(self).map(|shapes| shapes.parameters)
    }

    /// The program in the format `hlo`, which compilers take, if it is in that one or in
    /// `hlo_with_config`, which [`Executable::optimized_program`] gives.
    ///
    /// The order in which a compiler left the operations is not part of it: compilers make their
    /// own, and [`crate::Client::compile`] refuses a program that brings one.
    pub fn to_hlo(&self) -> Option<Program<'static>> {
        read::unscheduled(self).map(Program::hlo)
    }

    /// Refuses what compilers do not survive.
    pub(crate) fn check(&self) -> Result<()> {
        if !read::is_scheduled(self) {
            return Ok(());
        }
        let problem = "it brings the order in which its operations run, on which compilers end the process when they change the program: `Program::to_hlo` leaves the order out";
        Err(Error::InvalidArgument {
            function: "PJRT_Program",
            argument: "code",
            problem: problem.to_owned(),
        })
    }
}

/// An array's type as one word, such as `f32[2,3]`.
pub(crate) fn array(element_type: Option<ElementType>, dims: Option<&[i64]>) -> String {
    use fmt::Write;
    let mut text = match element_type {
        None => "?".to_owned(),
        Some(known) => known.to_string().to_ascii_lowercase(),
    };
    text.push('[');
    for (index, dim) in dims.unwrap_or_default().iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{dim}");
    }
    text.push_str(if dims.is_none() { "?]" } else { "]" });
    text
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        f.write_str(&array(self.element_type, self.dims.as_deref()))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&array(self.element_type, self.dims.as_deref()))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &mut dyn Iterator<Item = String>| {
            f.write_str("(")?;
            for (index, item) in items.enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}{item}")?;
            }
            f.write_str(")")
        };
        match &self.parameters {
            Some(parameters) => list(f, &mut parameters.iter().map(Parameter::to_string))?,
            None => f.write_str("(?)")?,
        }
        f.write_str(" -> ")?;
        list(f, &mut self.outputs.iter().map(Output::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(field: u8, bytes: &[u8]) -> Vec<u8> {
        let mut key = vec![field << 3 | 2];
        if field > 15 {
            key = vec![field << 3 & 0x7f | 2 | 0x80, field >> 4];
        }
        key.push(u8::try_from(bytes.len()).unwrap());
        [&key, bytes].concat()
    }

    fn hlo(parameters: &[&[u8]], names: &[&str]) -> Vec<u8> {
        let mut shapes: Vec<u8> = parameters.iter().flat_map(|p| message(1, p)).collect();
        shapes.extend(names.iter().flat_map(|name| message(3, name.as_bytes())));
        message(4, &shapes)
    }

    /// f32[2,300] in column-major order.
    const MATRIX: &[u8] = &[
        2 << 3,
        11,
        3 << 3 | 2,
        3,
        2,
        0xac,
        2,
        5 << 3 | 2,
        4,
        1 << 3 | 2,
        2,
        0,
        1,
    ];

    fn matrix(name: Option<&str>) -> Parameter {
        Parameter {
            name: name.map(str::to_owned),
            element_type: Some(ElementType::F32),
            dims: Some(vec![2, 300]),
            minor_to_major: Some(vec![0, 1]),
            memory_kind: None,
            donation: Donation::Unused,
        }
    }

    fn parameters(code: &[u8]) -> Option<Vec<Parameter>> {
        Program::hlo(code).parameters()
    }

    #[test]
    fn names_types_dimensions_and_orders_are_read() {
        // s32[] and a token.
        let (scalar, token): (&[u8], &[u8]) = (&[2 << 3, 4], &[2 << 3, 17]);
        let code = hlo(&[MATRIX, scalar, token], &["x", "n", "t"]);
        let found = parameters(&code).unwrap();
        assert_eq!(found[0], matrix(Some("x")));
        let texts: Vec<String> = found.iter().map(Parameter::to_string).collect();
        assert_eq!(texts, ["x: f32[2,300]", "n: s32[]", "t: token[?]"]);
        let configured = Program::given(message(1, &code), "hlo_with_config".to_owned());
        assert_eq!(configured.parameters(), Some(found));
        assert_eq!(configured.to_hlo().unwrap().code(), code);
        assert_eq!(Program::mlir("module {}").to_hlo(), None);
    }

    #[test]
    fn a_parameter_of_many_parts_stands_for_many_arguments() {
        let tuple = [&[2 << 3, 13][..], &message(4, MATRIX), &message(4, MATRIX)].concat();
        let found = parameters(&hlo(&[&tuple], &["all"])).unwrap();
        assert_eq!(found, [matrix(None), matrix(None)]);
        // The second part is given its output's memory.
        let alias = message(8, &message(1, &[3 << 3 | 2, 1, 1, 4 << 3, 2]));
        let found = parameters(&[hlo(&[&tuple], &[]), alias].concat()).unwrap();
        let donations: Vec<Donation> = found.iter().map(|p| p.donation).collect();
        assert_eq!(donations, [Donation::Unused, Donation::Required]);
    }

    #[test]
    fn donations_are_read_from_aliases_and_from_donors() {
        let alias = |parameter, kind| message(1, &[2 << 3, parameter, 4 << 3, kind]);
        let aliases = message(8, &[alias(0, 1), alias(1, 2), alias(9, 2)].concat());
        let donors = message(
            18,
            &[message(1, &[1 << 3, 1]), message(1, &[1 << 3, 2])].concat(),
        );
        let all = hlo(&[MATRIX; 4], &[]);
        let found = parameters(&[all, aliases, donors].concat()).unwrap();
        let donations: Vec<Donation> = found.iter().map(|p| p.donation).collect();
        use Donation::{Required, Unused, Used};
        assert_eq!(donations, [Used, Required, Used, Unused]);
    }

    #[test]
    fn dimensions_that_are_not_fixed_are_unknown() {
        let dynamic = [MATRIX, &[6 << 3 | 2, 2, 0, 1]].concat();
        let found = parameters(&hlo(&[&dynamic], &[])).unwrap();
        assert_eq!(found[0].dims, None);
        assert_eq!(found[0].to_string(), "f32[?]");
    }

    #[test]
    fn what_cannot_be_read_is_unknown_wherever_it_is_cut() {
        let code = hlo(&[MATRIX], &["x"]);
        assert!(parameters(&code).is_some());
        for length in 0..code.len() {
            assert_eq!(parameters(&code[..length]), None);
        }
        assert_eq!(Program::mlir("module {}").parameters(), None);
    }

    #[test]
    fn a_signature_is_one_line() {
        let signature = Signature {
            parameters: Some(vec![matrix(Some("x")), matrix(None)]),
            outputs: vec![Output::default()],
        };
        assert_eq!(
            signature.to_string(),
            "(x: f32[2,300], f32[2,300]) -> (?[?])"
        );
        assert_eq!(Signature::default().to_string(), "(?) -> ()");
    }
}
