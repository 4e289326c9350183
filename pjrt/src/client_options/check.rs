//! The test of options before a plugin sees them.

use super::{ClientOptions, Given, PLATFORMS};
use crate::rt::{Platform, PlatformOption};
use crate::{Error, NamedValue, NamedValues, Plugin, Result};
use std::path::Path;

impl Plugin {
    /// The platform that the plugin is for, if it is one whose options are known: `cpu`, `cuda` or
    /// `tpu`. It is seen from the plugin's attributes and the name of its file; a client's
    /// [`platform_name`](crate::Client::platform_name) is the plugin's own word.
    pub fn known_platform(&self) -> Option<&'static str> {
        platform_of(self).map(|platform| platform.name)
    }
}

/// The platform that a plugin is for.
pub(crate) fn platform_of(plugin: &Plugin) -> Option<&'static Platform> {
    recognised(plugin.name(), plugin.attributes().ok().as_ref())
}

fn recognised(name: &str, attributes: Option<&NamedValues<'_>>) -> Option<&'static Platform> {
    let has = |platform: &Platform| {
        let attribute = platform.attribute.zip(attributes);
        attribute.is_some_and(|(name, attributes)| attributes.get(name).is_some())
    };
    let file = Path::new(name).file_name().and_then(|file| file.to_str());
    let file = file.unwrap_or_default().to_ascii_lowercase();
    let named = |platform: &Platform| file.contains(platform.library);
    let by_attribute = PLATFORMS.into_iter().find(|platform| has(platform));
    by_attribute.or_else(|| PLATFORMS.into_iter().find(|platform| named(platform)))
}

impl ClientOptions {
    /// The options for a plugin of a platform, if that is known.
    pub(crate) fn for_plugin(
        &self,
        plugin: Option<&'static Platform>,
    ) -> Result<Vec<NamedValue<'_>>> {
        if let (Some(own), Some(plugin)) = (self.platform, plugin)
            && own != plugin
        {
            return Err(refused(format!(
                "the options are for the platform {}, and the plugin is for {}: it knows {}",
                own.name,
                plugin.name,
                plugin.known()
            )));
        }
        let platform = plugin.or(self.platform);
        for given in &self.given {
            check(given, platform)?;
        }
        let values = self.given.iter().map(|given| NamedValue {
            name: &given.name,
            value: given.value.lent(),
        });
        Ok(values.collect())
    }
}

fn check(given: &Given, platform: Option<&'static Platform>) -> Result<()> {
    let name = given.name.as_ref();
    let Some(platform) = platform else {
        return check_anywhere(given);
    };
    if let Some(option) = platform.option(name) {
        return option
            .objection(&given.value)
            .map_or(Ok(()), |why| Err(refused(why)));
    }
    if given.unlisted && platform.sends_unlisted {
        return Ok(());
    }
    let next = if platform.sends_unlisted {
        "; `ClientOptions::set_unlisted` sends one that is newer than this library"
    } else {
        ""
    };
    Err(refused(format!(
        "`{name}` is no option of the platform {} that this library knows; it knows {}{next}",
        platform.name,
        platform.known()
    )))
}

/// Of an unknown platform: an option that some platform lists must be as one of them lists it.
fn check_anywhere(given: &Given) -> Result<()> {
    let listed = PLATFORMS
        .iter()
        .filter_map(|platform| platform.option(&given.name));
    let listed: Vec<&PlatformOption> = listed.collect();
    let mut objections = listed.iter().map(|option| option.objection(&given.value));
    match objections.next() {
        Some(Some(first)) if objections.all(|other| other.is_some()) => Err(refused(first)),
        _ => Ok(()),
    }
}

fn refused(problem: String) -> Error {
    Error::InvalidArgument {
        function: "PJRT_Client_Create",
        argument: "create_options",
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_recognised_by_the_names_of_their_files() {
        let name = |path| recognised(path, None).map(|platform| platform.name);
        assert_eq!(name("/a/tpu/pjrt_c_api_cpu_plugin.so"), Some("cpu"));
        assert_eq!(name("/cpu/libtpu.so"), Some("tpu"));
        assert_eq!(name("C:/x/XLA_CUDA_plugin.dll"), Some("cuda"));
        assert_eq!(name("/cpu/other.so"), None);
        assert_eq!(name("a static plugin"), None);
    }

    fn text(options: &ClientOptions, platform: Option<&str>) -> String {
        let platform = platform.and_then(|name| PLATFORMS.into_iter().find(|p| p.name == name));
        match options.for_plugin(platform) {
            Ok(values) => format!("{values:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn wrong_types_never_pass_and_numbers_have_limits() {
        let wrong = ClientOptions::new().set("cpu_device_count", "4");
        for platform in [Some("cpu"), None] {
            let text = text(&wrong, platform);
            assert!(text.contains("must be of type INT64"), "{text}");
            assert!(text.contains("which is STRING"), "{text}");
        }
        for count in [i64::MIN, -1, 0, 4097, i64::MAX] {
            let text = text(&ClientOptions::cpu().device_count(count), Some("cpu"));
            assert!(text.contains("must be from 1 to 4096"), "{text}");
        }
        let fits = text(&ClientOptions::cpu().device_count(4096), None);
        assert!(fits.contains("4096") && !fits.contains("invalid"), "{fits}");
        // Known to two platforms with different limits: it fits one of them.
        let large = ClientOptions::new().set("max_inflight_computations", i64::MAX);
        assert!(!text(&large, None).contains("invalid"));
        assert!(text(&large, Some("cuda")).contains("must be from 1 to 2147483647"));
        assert!(text(&large.set("max_inflight_computations", 0i64), None).contains("must be"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones_or_sent_where_that_is_safe() {
        let bogus = ClientOptions::new().set("bogus", true);
        let refusal = text(&bogus, Some("cuda"));
        assert!(
            refusal.contains("`bogus` is no option of the platform cuda"),
            "{refusal}"
        );
        assert!(
            refusal.contains("visible_devices") && refusal.contains("set_unlisted"),
            "{refusal}"
        );
        assert!(text(&bogus, Some("cpu")).contains("it knows asynchronous, cpu_device_count"));
        assert!(!text(&bogus, None).contains("invalid"));
        let insisted = ClientOptions::new().set_unlisted("bogus", true);
        assert!(!text(&insisted, Some("tpu")).contains("invalid"));
        assert!(text(&insisted, Some("cpu")).contains("`bogus` is no option"));
        let listed = ClientOptions::new().set_unlisted("preallocate", 1i64);
        assert!(text(&listed, Some("cuda")).contains("must be of type BOOL"));
    }

    #[test]
    fn options_of_one_platform_are_not_given_to_another() {
        let options = ClientOptions::from(ClientOptions::cuda().visible_devices([0, 1]));
        let refusal = text(&options, Some("tpu"));
        assert!(
            refusal.contains("are for the platform cuda, and the plugin is for tpu"),
            "{refusal}"
        );
        assert!(text(&options, Some("cuda")).contains("[0, 1]"));
        // What a type does not list cannot be set through it either.
        let mixed = options.set("cpu_device_count", 2i64);
        assert!(text(&mixed, None).contains("is no option of the platform cuda"));
    }

    #[test]
    fn the_last_value_of_an_option_counts() {
        let options = ClientOptions::cpu().device_count(2).device_count(3);
        assert_eq!(options.for_plugin(None).unwrap().len(), 1);
        assert!(text(&options, None).contains('3'));
    }
}
